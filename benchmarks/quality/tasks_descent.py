"""Real tasks of the working half: diverging rates, a choice of models, finer losses."""

from __future__ import annotations

from problem import choice, log, option, uniform, whole
from tasks import Task, data_set, error, generated, nested


def descent_wine(values):
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(max_iter=3, tol=None, random_state=0, **values)
    return error(model, data_set("wine", 178), 2)


def descent_friedman(values):
    from sklearn.linear_model import SGDRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    kwargs = dict(values)
    powers = PolynomialFeatures(kwargs.pop("degree"), include_bias=False)
    model = SGDRegressor(max_iter=5, tol=None, random_state=0, **kwargs)
    return error(make_pipeline(powers, model), generated("friedman1", 200, noise=0.5), 2)


def descent_noisy(values):
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    kwargs = dict(values)
    rate, children = nested(kwargs, "learning_rate")
    powers = PolynomialFeatures(kwargs.pop("degree"), include_bias=False)
    kwargs |= {"learning_rate": rate, "max_iter": 4, "tol": None, "random_state": 0}
    data = generated("classification", 300, n_features=8, n_informative=4, flip_y=0.1)
    chain = make_pipeline(powers, SGDClassifier(**kwargs, **children))
    return error(chain, data, 2, "neg_log_loss", 3.0)


def momentum_friedman(values):
    from sklearn.neural_network import MLPRegressor

    kwargs = dict(values)
    name, children = nested(kwargs, "schedule")
    model = MLPRegressor(
        hidden_layer_sizes=(kwargs.pop("width"),),
        learning_rate_init=kwargs.pop("rate"),
        momentum=kwargs.pop("momentum"),
        batch_size=kwargs.pop("batch_size"),
        activation=kwargs.pop("activation"),
        learning_rate=name,
        solver="sgd",
        max_iter=6,
        random_state=0,
        **children,
    )
    return error(model, generated("friedman1", 200, noise=0.5), 2)


def kernel_impedance(values):
    from sklearn.kernel_ridge import KernelRidge

    kernel, children = nested(values, "kernel")
    model = KernelRidge(alpha=values["alpha"], kernel=kernel, **children)
    return error(model, generated("friedman2", 160, noise=60.0), 2)


def any_friedman(values):
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures
    from sklearn.svm import SVR
    from sklearn.tree import DecisionTreeRegressor

    name, children = nested(values, "model")
    if name == "ridge":
        children = dict(children)
        powers = PolynomialFeatures(children.pop("degree"), include_bias=False)
        model = make_pipeline(powers, Ridge(**children))
    elif name == "tree":
        model = DecisionTreeRegressor(random_state=0, **children)
    else:
        model = {"neighbours": KNeighborsRegressor, "svr": SVR}[name](**children)
    return error(model, generated("friedman1", 160, noise=0.7), 2)


def forest_brier(values):
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(random_state=0, **values)
    data = generated("classification", 300, n_features=10, n_informative=5, flip_y=0.05)
    return error(model, data, 2, "neg_brier_score")


TASKS = (
    Task(
        "descent-wine",
        {
            "loss": choice("hinge", "log_loss", "perceptron", "squared_hinge"),
            "penalty": choice("l2", "l1", "elasticnet"),
            "alpha": log(1e-6, 1),
            "eta0": log(1e-4, 10),
            "learning_rate": choice("constant", "optimal", "invscaling"),
            "average": choice(True, False),
        },
        descent_wine,
        {"alpha": 6, "eta0": 8},
    ),
    Task(
        "descent-friedman",
        {
            "loss": choice("squared_error", "huber", "epsilon_insensitive"),
            "penalty": choice("l2", "l1", "elasticnet"),
            "alpha": log(1e-6, 1),
            "eta0": log(1e-4, 1),
            "learning_rate": choice("constant", "invscaling", "adaptive"),
            "degree": whole(1, 3),
        },
        descent_friedman,
        {"alpha": 6, "eta0": 8},
    ),
    Task(
        "descent-noisy",
        {
            "loss": choice("log_loss", "modified_huber"),
            "penalty": choice("l2", "l1"),
            "alpha": log(1e-5, 1),
            "degree": whole(1, 2),
            "learning_rate": choice(
                "optimal",
                option("constant", eta0=log(1e-4, 10)),
                option("invscaling", eta0=log(1e-4, 10), power_t=uniform(0.1, 0.9)),
            ),
        },
        descent_noisy,
        {"alpha": 9, "eta0": 15, "power_t": 4},
    ),
    Task(
        "momentum-friedman",
        {
            "rate": log(1e-4, 1),
            "momentum": choice(0.0, 0.5, 0.9, 0.99),
            "width": choice(8, 16, 32),
            "batch_size": choice(8, 16, 32),
            "activation": choice("relu", "tanh"),
            "schedule": choice("constant", option("invscaling", power_t=uniform(0.1, 0.9))),
        },
        momentum_friedman,
        {"rate": 13, "power_t": 3},
    ),
    Task(
        "kernel-impedance",
        {
            "alpha": log(1e-5, 10),
            "kernel": choice(
                option("rbf", gamma=log(1e-3, 10)),
                option("laplacian", gamma=log(1e-3, 10)),
                option("sigmoid", gamma=log(1e-3, 10), coef0=uniform(-1, 1)),
                option("poly", gamma=log(1e-3, 10), degree=whole(2, 4)),
            ),
        },
        kernel_impedance,
        {"alpha": 13, "gamma": 15, "coef0": 5},
    ),
    Task(
        "any-friedman",
        {
            "model": choice(
                option("ridge", alpha=log(1e-3, 1e3), degree=whole(1, 3)),
                option("neighbours", n_neighbors=whole(1, 20), p=whole(1, 3)),
                option("svr", C=log(1e-2, 1e3), epsilon=log(1e-3, 1), gamma=log(1e-3, 1)),
                option("tree", max_depth=whole(1, 9), min_samples_leaf=whole(1, 12)),
            ),
        },
        any_friedman,
        {"alpha": 25, "C": 16, "epsilon": 7, "gamma": 13},
    ),
    Task(
        "forest-brier",
        {
            "n_estimators": choice(4, 8, 16),
            "max_depth": whole(2, 12),
            "max_features": log(0.05, 1),
            "min_samples_leaf": choice(1, 2, 4, 8),
            "criterion": choice("gini", "entropy"),
        },
        forest_brier,
        {"max_features": 8},
    ),
)
