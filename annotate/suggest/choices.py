"""Rules for switches, and for strings that select one of several options."""

from __future__ import annotations

from annotate.suggest import libraries as of
from annotate.suggest.around import one_of, switch
from annotate.suggest.rule import Rule, rule

SWITCHES: tuple[Rule, ...] = (
    rule("a switch of the optimiser", "nesterov|amsgrad|centered|use_nesterov", switch),
    rule(
        "a switch of the network",
        r"(use_|with_)?(batch|layer|group|spectral|weight|instance|rms)_?norm(ali[sz]ation)?"
        r"|(use_)?(bn|ln)|use_norm|norm_first|pre_?(layer_?)?norm|bidirectional|bidir"
        r"|(use_)?(residuals?|residual_connections?|skip|skip_connections?|attention|gating"
        r"|highway|squeeze_excite)|use_(se|glu|dropout|pos(itional)?_enc(oding)?)"
        r"|tie_(weights|embeddings|word_embeddings)|tied|share_(weights|embeddings)"
        r"|learnable_\w+",
        switch,
    ),
    rule(
        "a switch of the training",
        r"(use_)?(augment|augmentation|data_augmentation|ema|mix_?up|cut_?mix|swa|lookahead"
        r"|curriculum|class_weights|warmup)|anneal_lr|lr_anneal(ing)?|cosine(_lr|_decay)?"
        r"|use_scheduler",
        switch,
    ),
    rule(
        "a switch of the method",
        r"(use_)?(double|dueling|noisy|prioriti[sz]ed|distributional)(_?dqn|_q|_nets?|_replay"
        r"|_buffer)?|(use_)?(double_q|per|gae|sde)|norm(ali[sz]e)?_(adv|advantages?|rewards?"
        r"|obs|observations?|returns?)|clip_v(f_)?loss|reward_norm",
        switch,
    ),
    rule("a switch of the word counts", "sublinear_tf|binary", switch, within=of.VECTORIZERS),
    rule("a switch of the forest", "bootstrap", switch, within=of.FORESTS),
    rule("a switch of the components", "whiten", switch, within=of.REDUCERS),
)

#: Strings whose options are those of the called library.
TEXTS: tuple[Rule, ...] = (
    rule(
        "the activation",
        r"(\w+_)?(activation|act|act_fn|nonlinearity)(_name|_fn|_type)?",
        one_of("ReLU", "GELU", "SiLU", "Tanh", "ELU", "LeakyReLU"),
        families=["deep"],
    ),
    rule(
        "the optimiser",
        r"(optimi[sz]er|optim|opt)(_name|_class|_type|_cls)?",
        one_of("AdamW", "Adam", "SGD", "RMSprop", "NAdam"),
        families=["deep"],
    ),
    rule(
        "the activation",
        "activation|hidden_activation",
        one_of("relu", "tanh", "logistic"),
        within=r"MLP(Classifier|Regressor)",
    ),
    rule(
        "the activation",
        "activation",
        one_of("relu", "gelu", "elu", "selu", "tanh", "swish", "silu", "leaky_relu", "mish"),
        within=rf"Dense|{of.CONVOLUTIONS}|Activation",
    ),
    rule(
        "the optimiser",
        "optimi[sz]er",
        one_of("adam", "sgd", "rmsprop", "nadam", "adamw"),
        within="compile",
    ),
    rule(
        "the schedule of the learning rate",
        "lr_scheduler_type",
        one_of("linear", "cosine", "constant_with_warmup", "polynomial", "constant"),
    ),
    rule(
        "the kernel",
        "kernel",
        one_of("rbf", "linear", "poly", "sigmoid"),
        within=of.VECTOR_MACHINES,
    ),
    rule("the width of the kernel", "gamma", one_of("scale", "auto"), within=of.VECTOR_MACHINES),
    rule(
        "the weight of the classes",
        "class_weight",
        one_of("balanced", None),
        within=rf"{of.FORESTS}|{of.LINEAR}|{of.VECTOR_MACHINES}|LogisticRegression",
    ),
    rule(
        "how missing values are filled",
        "strategy",
        one_of("median", "mean", "most_frequent"),
        within="SimpleImputer",
    ),
    rule(
        "the kind of boosting",
        "booster",
        one_of("gbtree", "dart"),
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule(
        "the kind of boosting",
        r"boosting(_type)?",
        one_of("gbdt", "dart"),
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule(
        "how trees grow",
        "grow_policy",
        one_of("depthwise", "lossguide"),
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule(
        "the split criterion",
        "criterion",
        one_of("gini", "entropy", "log_loss"),
        within=r"(RandomForest|ExtraTrees?|DecisionTree)Classifier",
    ),
    rule(
        "the split criterion",
        "criterion",
        one_of("squared_error", "friedman_mse", "absolute_error"),
        within=r"(RandomForest|ExtraTrees?|DecisionTree)Regressor",
    ),
    rule(
        "the number of columns per split",
        "max_features",
        one_of("sqrt", "log2", None),
        within=of.FORESTS,
    ),
    rule(
        "the weight of the neighbours",
        "weights",
        one_of("uniform", "distance"),
        within=of.NEIGHBOURS,
    ),
    rule("the loss", "loss", one_of("hinge", "log_loss", "modified_huber"), within="SGDClassifier"),
    rule(
        "the loss",
        "loss",
        one_of("squared_error", "huber", "epsilon_insensitive"),
        within="SGDRegressor",
    ),
    rule("the penalty", "penalty", one_of("l2", "l1", "elasticnet"), within="SGD(Class|Regr).*"),
    rule("how votes are counted", "voting", one_of("soft", "hard"), within=r"Voting\w+"),
)

#: Strings whose options the script itself handles, by comparisons or lookups.
SCRIPTS: tuple[tuple[str, str], ...] = (
    ("the optimiser", r"(\w+_)?(optimi[sz]er|optim|opt)(_name|_type|_kind)?"),
    ("the activation", r"(\w+_)?(activation|act|act_fn|nonlinearity)(_name|_type|_fn|_kind)?"),
    (
        "the schedule of the learning rate",
        r"(lr_)?(scheduler|schedule|sched|decay)(_name|_type|_kind)?",
    ),
    ("the normalisation", r"norm(ali[sz]ation)?(_layer|_type|_name)?"),
    ("the loss", r"(loss|loss_fn|criterion|objective_fn)(_name|_type|_kind)?"),
    (
        "the architecture",
        r"(arch|architecture|backbone|model|model_type|model_name|encoder|cell|cell_type|rnn"
        r"|rnn_type|net|network|conv_type|classifier|estimator|algorithm|algo)",
    ),
    ("the pooling", r"(\w+_)?(pool|pooling|aggregation|aggr|readout)(_type|_name)?"),
    ("the initialisation", r"(weight_)?init(iali[sz]ation|iali[sz]er)?(_method|_type|_scheme)?"),
    ("the kernel", "kernel(_type)?"),
    ("the augmentation", "aug(mentation)?(_policy|_type)?"),
)
