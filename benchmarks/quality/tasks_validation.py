"""Real tasks of the validation half; no design decision was based on them."""

from __future__ import annotations

from problem import choice, log, option, steps, uniform, whole
from tasks import Task, data_set, error, generated, nested


def svr_diabetes(values):
    from sklearn.svm import SVR

    kernel, children = nested(values, "kernel")
    model = SVR(C=values["C"], epsilon=values["epsilon"], kernel=kernel, max_iter=3000, **children)
    return error(model, data_set("diabetes", 250), 2)


def linear_digits(values):
    from sklearn.linear_model import SGDClassifier

    penalty, child = nested(values, "penalty")
    kwargs = {k: v for k, v in values.items() if k != "penalty"}
    model = SGDClassifier(penalty=penalty, max_iter=4, tol=None, random_state=0, **kwargs, **child)
    return error(model, data_set("digits", 400), 2)


def forest_cancer(values):
    from sklearn.ensemble import ExtraTreesClassifier

    return error(ExtraTreesClassifier(random_state=0, **values), data_set("breast_cancer", 300), 2)


def network_diabetes(values):
    from sklearn.neural_network import MLPRegressor

    kwargs = dict(values)
    name, widths = nested(kwargs, "layers")
    kwargs.pop("layers")
    shape = (widths["first"],) if name == "one" else (widths["first"], widths["second"])
    model = MLPRegressor(hidden_layer_sizes=shape, max_iter=10, random_state=0, **kwargs)
    return error(model, data_set("diabetes", 250), 2)


def boosting_wine(values):
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    kwargs = dict(values)
    leaf, depth = kwargs.pop("min_samples_leaf"), kwargs.pop("max_depth")
    share = kwargs.pop("max_features")
    tree = DecisionTreeClassifier(
        max_depth=depth, min_samples_leaf=leaf, max_features=share, random_state=0
    )
    return error(AdaBoostClassifier(tree, random_state=0, **kwargs), data_set("wine", 178), 2)


def kernel_friedman(values):
    from sklearn.kernel_ridge import KernelRidge

    kernel, children = nested(values, "kernel")
    model = KernelRidge(alpha=values["alpha"], kernel=kernel, **children)
    return error(model, generated("friedman3", 200, noise=0.1), 2)


def histogram_noisy(values):
    from sklearn.ensemble import HistGradientBoostingClassifier

    data = generated("classification", 300, n_features=10, n_informative=4, flip_y=0.15)
    model = HistGradientBoostingClassifier(early_stopping=False, random_state=0, **values)
    return error(model, data, 2, "neg_log_loss", 3.0)


def logistic_wine(values):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, PolynomialFeatures

    before = {"none": "passthrough", "minmax": MinMaxScaler(), "unit": Normalizer()}
    powers = PolynomialFeatures(values["degree"], include_bias=False)
    model = LogisticRegression(
        C=values["C"],
        class_weight=values["class_weight"],
        fit_intercept=values["fit_intercept"],
        max_iter=values["max_iter"],
    )
    chain = make_pipeline(before[values["before"]], powers, model)
    return error(chain, data_set("wine", 178), 3, "neg_log_loss", 3.0)


def network_wine(values):
    from sklearn.neural_network import MLPClassifier

    kwargs = dict(values)
    shape = (kwargs.pop("width"),) * kwargs.pop("depth")
    model = MLPClassifier(hidden_layer_sizes=shape, max_iter=8, random_state=0, **kwargs)
    return error(model, data_set("wine", 178), 2, "neg_log_loss", 3.0)


def descent_diabetes(values):
    from sklearn.linear_model import SGDRegressor

    kwargs = dict(values)
    loss, children = nested(kwargs, "loss")
    rate, others = nested(kwargs, "learning_rate")
    kwargs |= {"loss": loss, "learning_rate": rate}
    model = SGDRegressor(max_iter=5, tol=None, random_state=0, **kwargs, **children, **others)
    return error(model, data_set("diabetes", 250), 2)


def any_cancer(values):
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.tree import DecisionTreeClassifier

    name, children = nested(values, "model")
    model = {
        "logistic": LogisticRegression,
        "neighbours": KNeighborsClassifier,
        "bayes": GaussianNB,
        "tree": DecisionTreeClassifier,
    }[name](**children)
    if name == "tree":
        model.set_params(random_state=0)
    chain = make_pipeline(SelectKBest(k=values["kept"]), model)
    return error(chain, data_set("breast_cancer", 300), 2, "roc_auc")


def nystroem_digits(values):
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline

    kwargs = dict(values)
    model = RidgeClassifier(alpha=kwargs.pop("alpha"), class_weight=kwargs.pop("class_weight"))
    chain = make_pipeline(Nystroem(random_state=0, **kwargs), model)
    return error(chain, data_set("digits", 500), 2)


def boosting_moons(values):
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(random_state=0, **values)
    return error(model, generated("moons", 240, noise=0.35), 2, "neg_log_loss", 3.0)


VALIDATION = (
    Task(
        "svr-diabetes",
        {
            "C": log(1e-3, 1e3),
            "epsilon": log(1e-3, 1),
            "kernel": choice(
                "linear",
                option("rbf", gamma=log(1e-5, 1)),
                option("sigmoid", gamma=log(1e-5, 1), coef0=uniform(-1, 1)),
            ),
        },
        svr_diabetes,
        {"C": 19, "epsilon": 7, "gamma": 11, "coef0": 5},
    ),
    Task(
        "linear-digits",
        {
            "loss": choice("hinge", "log_loss", "modified_huber"),
            "penalty": choice("l2", "l1", option("elasticnet", l1_ratio=uniform(0, 1))),
            "alpha": log(1e-6, 1),
            "eta0": log(1e-4, 10),
            "learning_rate": choice("constant", "invscaling", "adaptive"),
        },
        linear_digits,
        {"alpha": 8, "eta0": 9, "l1_ratio": 3},
    ),
    Task(
        "forest-cancer",
        {
            "n_estimators": choice(2, 4, 8, 16),
            "max_depth": whole(1, 10),
            "max_features": steps(0.25, 1.0, 0.25),
            "min_samples_leaf": choice(1, 2, 4, 8, 16),
            "criterion": choice("gini", "entropy"),
        },
        forest_cancer,
    ),
    Task(
        "network-diabetes",
        {
            "layers": choice(
                option("one", first=choice(4, 8, 16, 32)),
                option("two", first=choice(4, 8, 16, 32), second=choice(4, 8, 16)),
            ),
            "learning_rate_init": log(1e-4, 1),
            "alpha": log(1e-4, 10),
            "activation": choice("relu", "tanh"),
            "batch_size": choice(8, 16, 32),
        },
        network_diabetes,
        {"learning_rate_init": 9, "alpha": 3},
    ),
    Task(
        "boosting-wine",
        {
            "n_estimators": whole(1, 10),
            "learning_rate": log(0.01, 3),
            "max_depth": whole(1, 5),
            "min_samples_leaf": choice(1, 3, 10),
            "max_features": steps(0.25, 1.0, 0.25),
        },
        boosting_wine,
        {"learning_rate": 8},
    ),
    Task(
        "kernel-friedman",
        {
            "alpha": log(1e-6, 10),
            "kernel": choice(
                option("rbf", gamma=log(1e-3, 10)),
                option("laplacian", gamma=log(1e-3, 10)),
                option("poly", gamma=log(1e-3, 10), degree=whole(2, 4), coef0=uniform(0, 2)),
            ),
        },
        kernel_friedman,
        {"alpha": 15, "gamma": 17, "coef0": 3},
    ),
    Task(
        "histogram-noisy",
        {
            "learning_rate": log(0.01, 1),
            "max_iter": choice(4, 8, 16, 32),
            "max_leaf_nodes": choice(3, 7, 15, 31),
            "min_samples_leaf": choice(5, 10, 20, 40),
            "l2_regularization": log(1e-4, 100),
        },
        histogram_noisy,
        {"learning_rate": 11, "l2_regularization": 5},
    ),
    Task(
        "logistic-wine",
        {
            "C": log(1e-4, 1e4),
            "degree": whole(1, 3),
            "before": choice("none", "minmax", "unit"),
            "class_weight": choice(None, "balanced"),
            "fit_intercept": choice(True, False),
            "max_iter": choice(5, 10, 20, 40),
        },
        logistic_wine,
        {"C": 17},
    ),
    Task(
        "network-wine",
        {
            "learning_rate_init": log(1e-4, 0.5),
            "width": choice(4, 8, 16, 32),
            "depth": whole(1, 2),
            "batch_size": choice(8, 16, 32),
            "alpha": log(1e-5, 10),
            "activation": choice("relu", "tanh"),
        },
        network_wine,
        {"learning_rate_init": 15, "alpha": 5},
    ),
    Task(
        "descent-diabetes",
        {
            "loss": choice(
                "squared_error",
                option("huber", epsilon=log(1e-2, 2)),
                option("epsilon_insensitive", epsilon=log(1e-2, 2)),
            ),
            "alpha": log(1e-6, 1),
            "eta0": log(1e-4, 1),
            "learning_rate": choice("constant", option("invscaling", power_t=uniform(0, 1))),
            "average": choice(True, False),
        },
        descent_diabetes,
        {"epsilon": 4, "alpha": 5, "eta0": 13, "power_t": 3},
    ),
    Task(
        "any-cancer",
        {
            "kept": whole(1, 30),
            "model": choice(
                option("logistic", C=log(1e-4, 1e3)),
                option("neighbours", n_neighbors=whole(1, 25), p=whole(1, 3)),
                option("bayes", var_smoothing=log(1e-9, 1)),
                option("tree", max_depth=whole(1, 8), ccp_alpha=log(1e-4, 0.1)),
            ),
        },
        any_cancer,
        {"C": 15, "var_smoothing": 10, "ccp_alpha": 4},
    ),
    Task(
        "nystroem-digits",
        {
            "gamma": log(1e-4, 1),
            "n_components": choice(20, 40, 80, 160),
            "alpha": log(1e-4, 100),
            "kernel": choice("rbf", "laplacian", "cosine", "sigmoid"),
            "class_weight": choice(None, "balanced"),
        },
        nystroem_digits,
        {"gamma": 13, "alpha": 7},
    ),
    Task(
        "boosting-moons",
        {
            "learning_rate": log(0.01, 2),
            "n_estimators": choice(4, 8, 16, 32),
            "max_depth": whole(1, 6),
            "subsample": steps(0.4, 1.0, 0.2),
            "min_samples_leaf": choice(1, 4, 16),
        },
        boosting_moons,
        {"learning_rate": 11},
    ),
)
