"""Rules for estimator parameters whose names are specific to a library."""

from __future__ import annotations

from annotate.suggest import libraries as of
from annotate.suggest.around import between, counted, doubling, factor, shrinking, switch
from annotate.suggest.rule import Rule, rule

RULES: tuple[Rule, ...] = (
    rule(
        "the smallest gain of a split",
        r"min_gain_to_split|min_split_(gain|loss)|min_impurity_decrease",
        between(0.0, 1.0),
    ),
    rule("the pruning of the trees", "ccp_alpha", factor(10, zero=(1e-5, 1e-2))),
    rule("the randomness of the trees", "bagging_temperature", between(0.0, 10.0)),
    rule("the randomness of the trees", "random_strength", factor(10)),
    rule("the number of bins", "border_count", doubling),
    rule("the width of the loss-free tube", "epsilon", factor(10), within=of.VECTOR_MACHINES),
    rule(
        "the share of outliers",
        "contamination|nu",
        between(0.0, 0.5),
        within=rf"{of.VECTOR_MACHINES}|IsolationForest|LocalOutlierFactor|EllipticEnvelope",
    ),
    rule("the radius of a neighbourhood", "eps", factor(4), within=r"H?DBSCAN|OPTICS"),
    rule(
        "the neighbours of a core",
        r"min_(samples|cluster_size)",
        counted,
        within=r"H?DBSCAN|OPTICS",
    ),
    rule("the power of the distance", "p", counted, within=of.NEIGHBOURS),
    rule("the perplexity", "perplexity", factor(4), within="TSNE"),
    rule("the distance of points", "min_dist", between(0.0, 1.0), within="UMAP"),
    rule("the smoothing of the variance", "var_smoothing", factor(100)),
    rule("the shrinkage", "shrinkage", between(0.0, 1.0), within=r"\w*DiscriminantAnalysis"),
    rule("the length scale", "length_scale", factor(10), within=r"RBF|Matern|RationalQuadratic"),
    rule("the flexibility of the trend", r"\w+_prior_scale", factor(100)),
    rule("the width of the vectors", "vector_size", doubling, within=r"(Word|Doc)2Vec|FastText"),
    rule("the words around", "window", counted, within=r"(Word|Doc)2Vec|FastText"),
    rule("the false examples", "negative", counted, within=r"(Word|Doc)2Vec|FastText"),
    rule("the focus on hard samples", "gamma", between(0.0, 5.0), within=r"\w*[Ff]ocal\w*"),
    rule("the decay of old gradients", "alpha|rho", shrinking, within="RMSprop|RMSProp|Adadelta"),
    rule("whether an intercept is learnt", "fit_intercept", switch),
)
