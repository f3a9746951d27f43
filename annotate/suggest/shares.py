"""Rules for probabilities, shares and factors below 1, which get uniform domains."""

from __future__ import annotations

from annotate.suggest import libraries as of
from annotate.suggest.around import between, near_one, shrinking
from annotate.suggest.rule import Rule, rule

_DROP = between(0.0, 0.5)
_PART = between(0.5, 1.0)

RULES: tuple[Rule, ...] = (
    rule(
        "a dropout rate",
        r"(\w+_)?(dropout|drop_?rate|drop_?path|drop_?out|p_?drop|drop_prob)"
        r"(_rate|_prob|_p)?(_?\d)?",
        _DROP,
    ),
    rule("a dropout rate", "p|rate|prob", _DROP, within=of.DROPOUTS),
    rule("the probability to keep", r"keep_prob(ability)?", _PART),
    rule(
        "the label smoothing",
        r"(label_)?smoothing(_factor)?|label_smoothing(_\w+)?|smooth_eps",
        between(0.0, 0.2),
    ),
    rule(
        "the share of the warm-up",
        r"warm_?up_(ratio|frac|fraction|prop|proportion)|pct_start",
        between(0.0, 0.3),
    ),
    rule(
        "the share of rows or columns",
        r"subsample|colsample_by(tree|level|node)|(bagging|feature)_fraction|rsm"
        r"|feature_fraction_bynode",
        _PART,
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule("the share of columns", "max_features", between(0.1, 1.0), within=of.TREES),
    rule("the share of rows", "max_samples", _PART, within=rf"{of.FORESTS}|Bagging\w+"),
    rule("the mix of L1 and L2", "l1_ratio", between(0.0, 1.0)),
    rule(
        "the power of the variance",
        "tweedie_variance_power",
        between(1.0, 1.95),
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule(
        "the largest share of texts with a word",
        "max_df",
        between(0.3, 1.0),
        within=of.VECTORIZERS,
    ),
    rule("the strength of mixing samples", r"(mix_?up|cut_?mix)(_alpha|_prob)?", between(0.0, 1.0)),
    rule(
        "a probability of augmentation",
        r"(\w+_)?(flip|mask(ing)?|aug|augment|augmentation|mutation|crossover|noise|cutout|erase"
        r"|rotate|mixing)_?(p|prob|probability|rate|ratio)|p_(flip|mask|aug|augment)",
        between(0.0, 1.0),
    ),
    rule("the momentum", r"(\w+_)?momentum|beta_?1|adam_beta1", between(0.0, 0.99)),
    rule("the weight of priorities", r"per_(alpha|beta)|priority_(alpha|beta)", between(0.0, 1.0)),
    rule("the momentum", "b1", between(0.0, 0.99), within=of.ADAMS),
    rule("the decay rate of the squared gradients", r"beta_?2|adam_beta2", near_one),
    rule("the decay rate of the squared gradients", "b2", near_one, within=of.ADAMS),
    rule("the decay rate of the average", r"ema(_decay|_rate|_momentum)?|polyak_decay", near_one),
    rule("the discount", r"gamma|discount(_factor|_rate)?", near_one, families=["reinforcement"]),
    rule("the discount", r"discount(_factor|_rate)?", near_one),
    rule("the trade-off of bias and variance", r"gae_?(lambda|lam)", between(0.8, 1.0)),
    rule("the share of exploration", "exploration_fraction", between(0.05, 0.5)),
    rule("the decay of exploration", r"(eps|epsilon|exploration)_decay(_rate)?", near_one),
    rule("the slope below zero", "negative_slope|alpha", between(0.01, 0.3), within="LeakyReLU"),
    rule(
        "the decay of the learning rate",
        r"gamma|factor|decay_rate",
        shrinking,
        within=of.SCHEDULES,
    ),
    rule("the decay of the learning rate", "gamma", shrinking, families=["deep"]),
    rule(
        "the decay of the learning rate",
        r"(lr|learning_rate)_(decay|gamma|factor)(_rate|_factor)?"
        r"|decay_(rate|factor)",
        shrinking,
    ),
)
