"""Rules for rates, strengths and weights, which get logarithmic domains."""

from __future__ import annotations

from annotate.suggest import libraries as of
from annotate.suggest.around import Range, between, factor, shrinking
from annotate.suggest.rule import Rule, rule

_PENALTY = factor(100, cap=1.0, zero=(1e-6, 1e-2))
_STRONG_PENALTY = factor(100, zero=(1e-3, 10.0))


def _learning_rate(value: object, text: str) -> Range | None:
    """A fine-tuning rate is usually nearly right; other rates may be far off."""
    fine = isinstance(value, float) and value <= 1e-4
    return factor(10 if fine else 100, cap=1.0)(value, text)


def _decay(value: object, text: str) -> Range | None:
    """A decay near 1 is a factor; near 0 it is a strength."""
    near = isinstance(value, float) and value >= 0.5
    return shrinking(value, text) if near else factor(100)(value, text)


RULES: tuple[Rule, ...] = (
    rule(
        "the learning rate of boosting",
        r"learning_rate|eta|lr|shrinkage",
        factor(10, cap=1.0),
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule(
        "a learning rate",
        r"(\w+_)?(lr|learning_?rate)(_init|_[a-z]|_\d|_actor|_critic"
        r"|_gen|_disc|_head|_backbone|_encoder|_decoder|_policy|_value|_base|_max|_min)?"
        r"|lr\d|eta0?",
        _learning_rate,
    ),
    rule(
        "a learning rate",
        r"(init|peak|end)_value|eta_min",
        _learning_rate,
        within=of.SCHEDULES,
    ),
    rule(
        "the strength of L1 or L2",
        r"reg_(lambda|alpha)|lambda_l[12]|l2_leaf_reg|l[12]_regularization|lambda|alpha",
        _STRONG_PENALTY,
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule(
        "the weight decay",
        r"(\w+_)?(weight_decay|wd)|weightdecay|l[12]|l[12]_(reg|penalty|lambda|weight|strength)"
        r"|(l[12]_)?regulari[sz]ation|reg(_strength|_param)?",
        _PENALTY,
    ),
    rule("the strength of the penalty", "alpha", _PENALTY, within=rf"{of.LINEAR}|MLP\w+|\w+NB"),
    rule(
        "the inverse strength of the penalty",
        "c",
        factor(100),
        within=rf"{of.VECTOR_MACHINES}|LogisticRegression\w*|PassiveAggressive\w+",
    ),
    rule("the width of the kernel", "gamma", factor(100), within=of.VECTOR_MACHINES),
    rule("the smallest gain of a split", "gamma", between(0.0, 5.0), families=["boosting"]),
    rule(
        "the weight of the rare class",
        "scale_pos_weight|pos_weight",
        factor(4),
        within=of.BOOSTERS,
        families=["boosting"],
    ),
    rule(
        "a bound of the gradient",
        r"(max_)?grad(ient)?_?(clip|norm)(_val|_value|_norm)?|clip_?(norm|value|grad|grad_norm)"
        r"|grad(ient)?_norm_clip"
        r"|(clip|max)_grad(ient)?_norm|global_clipnorm",
        factor(10, zero=(0.1, 10.0)),
    ),
    rule("a bound of the gradient", "max_norm", factor(10), within=r"clip_grad_norm_?"),
    rule(
        "the bound of a step of the policy",
        r"(ppo_)?clip_?(coef|range|eps(ilon)?|ratio|param)",
        between(0.1, 0.4),
    ),
    rule(
        "the weight of the entropy",
        r"(ent|entropy)_?(coef|coeff|weight|beta|reg)",
        factor(10, zero=(1e-4, 0.1)),
    ),
    rule(
        "the weight of a part of the loss",
        r"(?!(class|sample|pos|neg|load|min_child|scale_pos|gae)_)(lambda_\w+|weight_[a-z]+"
        r"|\w+_(coef|coeff|coefficient|weight|lambda))",
        factor(10),
        families=["deep", "reinforcement"],
    ),
    rule(
        "the scale of the first weights",
        r"init(ial(izer)?)?_(scale|std|range|gain|sigma)",
        factor(10),
    ),
    rule(
        "the strength of the noise",
        r"noise(_std|_scale|_sigma|_level)|(action|param|policy|target|exploration)_noise",
        factor(10, zero=(1e-3, 0.1)),
    ),
    rule("where the loss turns linear", r"huber_delta|smooth_l1_beta", factor(10)),
    rule("where the loss turns linear", "delta", factor(10), within=r"Huber\w*|huber_\w+"),
    rule("a temperature", r"(\w+_)?temperature|softmax_temp", factor(10)),
    rule(
        "how fast the target follows",
        r"tau|polyak(_tau)?|soft_(update_)?tau",
        factor(10, cap=1.0),
        families=["reinforcement", "deep"],
    ),
    rule(
        "where exploration ends",
        r"(eps|epsilon|exploration)_(end|min|final|final_eps)|final_eps(ilon)?|end_e(ps)?",
        factor(10, cap=0.5),
    ),
    rule("how far the policy may move", "target_kl(_div)?|max_kl|kl_target", factor(10)),
    rule("the bound of the noise", "noise_clip", factor(4)),
    rule("a decay", "decay", _decay),
    rule("the weight of the divergence", "beta", factor(10), families=["deep"]),
    rule(
        "the weight of the entropy", "alpha|entropy_alpha", factor(10), families=["reinforcement"]
    ),
    rule("the margin of the loss", r"(\w+_)?margin", factor(4), families=["deep"]),
    rule("the noise of a step", r"beta_(start|end)", factor(10), families=["deep"]),
)
