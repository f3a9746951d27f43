"""Rules for sizes and counts."""

from __future__ import annotations

from annotate.suggest import libraries as of
from annotate.suggest.around import counted, depth, doubling, few, first, growing, odd, widths
from annotate.suggest.rule import Rule, rule

_WIDTH = first(doubling, widths)

RULES: tuple[Rule, ...] = (
    rule(
        "the batch size",
        r"((per_device_)?train(ing)?_)?(mini_?|micro_?)?(batch|batch_?size|bs|bsz)"
        r"|batch_size_(train|per_gpu)|per_(device|gpu)_(train_)?batch_size",
        doubling,
    ),
    rule("the number of minibatches per update", r"(n|num)_mini_?batch(es)?", doubling),
    rule(
        "the width of a layer",
        r"(n_|num_)?(\w+_)?hidden(_size|_dim|_dims|_units|_channels|_width|_nodes|_features"
        r"|_neurons|_layer_sizes|_sizes)?(_?\d)?",
        _WIDTH,
    ),
    rule(
        "the width of a layer",
        r"(n_|num_)?(\w+_)?(units|neurons|d_model|n_embd|mlp_dim|mlp_width|latent(_dim|_size)"
        r"|latents|z_dim|bottleneck(_dim|_size)?|code_dim|layer_sizes?|layer_dims?|model_dim"
        r"|rnn_size|lstm_size|fc_dim|fc_size|fc_units|dim_feedforward|d_ffn?|ffn?_dim|ffn_hidden"
        r"|emb(ed|edding|eddings)?_(dim|size|width)|d_hid|d_latent|d_inner|net_arch)(_?\d)?|ndf|ngf|nhid"
        r"|nz|emsize|ninp",
        _WIDTH,
    ),
    rule(
        "the width of a layer",
        r"(n_|num_)?(filters|kernels)(_?\d)?|(base|hidden|n|num|mid)_(channels|filters|width)"
        r"|(fc|dense|conv|layer|linear)_?\d(_units|_size|_dim|_filters|_width|_channels)?|width",
        _WIDTH,
        families=["deep"],
    ),
    rule("the widths of the layers", "features", widths, families=["deep"]),
    rule("the size of the population", r"pop(ulation)?_size|n_?pop", doubling),
    rule("the number of feature maps", r"filters|features", doubling, within=of.CONVOLUTIONS),
    rule("the width of a layer", r"units|features|hidden_size", doubling, within=of.LAYERS),
    rule(
        "the width of the vectors",
        r"output_dim|embedding_dim|features",
        doubling,
        within=r"Embed(ding)?",
    ),
    rule(
        "the rank of the adapter",
        r"lora_(r|rank|alpha|dim)|adapter_rank",
        doubling,
        families=["deep"],
    ),
    rule("the rank of the adapter", r"r|lora_alpha", doubling, within="LoraConfig"),
    rule("the number of experts", r"(n|num)_experts", doubling),
    rule("the number of atoms", "(n|num)_atoms", doubling, families=["reinforcement"]),
    rule("the width of a layer", "channels", doubling, families=["deep"]),
    rule("the number of heads", r"(n|num)_?(attention_)?heads?|heads|(\w+_)heads", doubling),
    rule(
        "the size of the kernel",
        "kernel_size|filter_size",
        odd,
        within=of.FREE_CONVOLUTIONS,
        families=["deep"],
    ),
    rule(
        "the depth of the trees",
        "(max_)?depth",
        depth,
        within=of.TREES,
        families=["boosting", "classic"],
    ),
    rule(
        "the number of layers",
        r"(n|num)_?(\w+_)?(layers?|blocks|stages)|(\w+_)?(layers|blocks)|depth|n_?layer"
        r"|hidden_layers|(\w+_)(n_?layers|depth)",
        few,
    ),
    rule(
        "the number of trees",
        r"n_estimators|(num|n)_?(boost(ing)?_)?(rounds?|trees)|boost_rounds?",
        counted,
    ),
    rule(
        "the number of trees",
        "num_iterations",
        counted,
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule("the number of trees", "iterations|max_iter", counted, within=of.BOOSTERS),
    rule(
        "the size of the trees",
        r"(num|max)_leaves|max_leaf_nodes|min_child_(weight|samples)|min_(data|sum_hessian)_in_leaf"
        r"|min_samples_(leaf|split)",
        counted,
    ),
    rule("the number of bins", r"max_bins?", doubling, within=of.BOOSTERS, families=["boosting"]),
    rule("how often rows are drawn", r"(subsample|bagging)_freq", counted),
    rule("the number of neighbours", r"n_neighbou?rs", counted),
    rule("the number of components", "n_components", counted, within=of.REDUCERS),
    rule("the number of components", "n_components", counted, families=["classic"]),
    rule("the number of clusters", "n_clusters", counted, within=r"\w*KMeans|\w+Clustering"),
    rule("the degree", "degree", counted, within=rf"PolynomialFeatures|{of.VECTOR_MACHINES}"),
    rule("the smallest number of texts with a word", "min_df", counted, within=of.VECTORIZERS),
    rule("the number of words", "max_features", counted, within=of.VECTORIZERS),
    rule("the length of n-grams", "ngram_range", growing, within=of.VECTORIZERS),
    rule(
        "the length of the warm-up",
        r"(n_|num_)?(lr_)?warm_?up(_steps|_iters|_epochs|_iterations"
        r"|_updates)?",
        counted,
    ),
    rule(
        "the steps between two decays",
        r"(lr_)?step_size|(lr_)?decay_(steps|every|epochs)"
        r"|lr_step(_size)?",
        counted,
        families=["deep"],
    ),
    rule(
        "the size of the memory",
        r"(replay_)?(buffer|memory|replay)(_size|_capacity|_len)",
        counted,
        families=["reinforcement"],
    ),
    rule(
        "the update interval",
        r"(target_|policy_|critic_)?(network_)?(update|sync)(_target)?(_network)?"
        r"(_freq|_frequency|_every|_interval|_period|_steps)?"
        r"|target_network_frequency|train_(freq|frequency|every|interval)"
        r"|update_(target_)?(every|freq|frequency|interval|model)|policy_(delay|frequency)"
        r"|sync_(every|freq|interval)",
        counted,
        families=["reinforcement"],
    ),
    rule(
        "the steps of the discriminator",
        r"n_?critic|critic_(iters|steps)|d_steps|disc_steps"
        r"|n_?dis",
        counted,
    ),
    rule(
        "the passes over a batch of experience",
        r"(update|ppo|opt|optimi[sz]ation)_epochs"
        r"|k_epochs",
        counted,
        families=["reinforcement"],
    ),
    rule("the passes over a batch of experience", "n_epochs", counted, within=r"PPO|\w+PPO"),
    rule(
        "the steps between two updates",
        r"(num|n|rollout)_?(steps|length|len)|rollout_steps"
        r"|unroll_length|horizon",
        doubling,
        families=["reinforcement"],
    ),
    rule(
        "the length of exploration",
        r"(eps|epsilon|exploration)_decay(_steps|_frames|_last)?"
        r"|exploration_(steps|frames)",
        counted,
    ),
)
