"""More real tasks of the working half: small, with different models and spaces."""

from __future__ import annotations

from problem import choice, log, option, steps, uniform, whole
from tasks import Task, data_set, error, generated, nested


def logistic_cancer(values):
    from sklearn.feature_selection import SelectKBest
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    kwargs = dict(values)
    selection = SelectKBest(k=kwargs.pop("kept"))
    model = LogisticRegression(solver="liblinear", max_iter=60, random_state=0, **kwargs)
    return error(make_pipeline(selection, model), data_set("breast_cancer", 200), 2)


def neighbours_digits(values):
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline

    kwargs = dict(values)
    parts = PCA(kwargs.pop("components"), random_state=0)
    return error(make_pipeline(parts, KNeighborsClassifier(**kwargs)), data_set("digits", 250), 2)


def tree_digits(values):
    from sklearn.tree import DecisionTreeClassifier

    return error(DecisionTreeClassifier(random_state=1, **values), data_set("digits", 500), 2)


def forest_noisy(values):
    from sklearn.ensemble import RandomForestClassifier

    data = generated("classification", 240, n_features=12, n_informative=5, flip_y=0.1)
    return error(RandomForestClassifier(random_state=0, **values), data, 2)


def boosting_cancer(values):
    from sklearn.ensemble import GradientBoostingClassifier

    data = data_set("breast_cancer", 200)
    return error(GradientBoostingClassifier(random_state=0, **values), data, 2)


def linear_diabetes(values):
    from sklearn.feature_selection import SelectKBest, f_regression
    from sklearn.linear_model import ElasticNet, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    name, children = nested(values, "model")
    model = Ridge(**children) if name == "ridge" else ElasticNet(max_iter=100, **children)
    selection = SelectKBest(f_regression, k=values["kept"])
    powers = PolynomialFeatures(values["degree"], include_bias=False)
    return error(make_pipeline(selection, powers, model), data_set("diabetes", 200), 2)


def network_moons(values):
    from sklearn.neural_network import MLPClassifier

    kwargs = dict(values)
    shape = (kwargs.pop("width"),) * kwargs.pop("depth")
    model = MLPClassifier(hidden_layer_sizes=shape, max_iter=10, random_state=0, **kwargs)
    return error(model, generated("moons", 240, noise=0.3), 2)


def svr_friedman(values):
    from sklearn.svm import SVR

    model = SVR(max_iter=2000, **values)
    return error(model, generated("friedman1", 160, noise=1.0), 2)


def boosting_circles(values):
    from sklearn.ensemble import AdaBoostClassifier
    from sklearn.tree import DecisionTreeClassifier

    kwargs = dict(values)
    tree = DecisionTreeClassifier(
        max_depth=kwargs.pop("max_depth"), splitter=kwargs.pop("splitter"), random_state=0
    )
    model = AdaBoostClassifier(tree, random_state=0, **kwargs)
    return error(model, generated("gaussian_quantiles", 240, n_features=4), 2)


def svm_iris(values):
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, Normalizer, QuantileTransformer
    from sklearn.svm import SVC

    before = {
        "none": "passthrough",
        "minmax": MinMaxScaler(),
        "unit": Normalizer(),
        "quantile": QuantileTransformer(n_quantiles=50),
    }[values["before"]]
    model = SVC(C=values["C"], gamma=values["gamma"], kernel=values["kernel"], max_iter=2000)
    return error(make_pipeline(before, model), data_set("iris", 150), 3)


def discriminant_digits(values):
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline

    name, children = nested(values, "model")
    model = GaussianNB(**children) if name == "bayes" else QuadraticDiscriminantAnalysis(**children)
    parts = PCA(values["components"], whiten=values["whiten"], random_state=0)
    return error(make_pipeline(parts, model), data_set("digits", 300), 2)


def tree_friedman(values):
    from sklearn.ensemble import ExtraTreesRegressor

    model = ExtraTreesRegressor(random_state=0, **values)
    return error(model, generated("friedman2", 150, noise=100.0), 2)


TASKS = (
    Task(
        "logistic-cancer",
        {
            "C": log(1e-4, 1e3),
            "penalty": choice("l1", "l2"),
            "class_weight": choice(None, "balanced"),
            "kept": whole(1, 30),
            "intercept_scaling": log(0.01, 10),
        },
        logistic_cancer,
        {"C": 11, "intercept_scaling": 3},
    ),
    Task(
        "neighbours-digits",
        {
            "n_neighbors": whole(1, 15),
            "weights": choice("uniform", "distance"),
            "p": uniform(1, 4),
            "components": whole(2, 25),
        },
        neighbours_digits,
        {"p": 4},
    ),
    Task(
        "tree-digits",
        {
            "max_depth": whole(2, 12),
            "min_samples_leaf": whole(1, 10),
            "max_features": log(0.05, 1),
            "criterion": choice("gini", "entropy"),
            "splitter": choice("best", "random"),
        },
        tree_digits,
        {"max_features": 10},
    ),
    Task(
        "forest-noisy",
        {
            "n_estimators": choice(4, 8, 16),
            "max_depth": whole(2, 8),
            "max_features": steps(0.15, 0.9, 0.15),
            "min_samples_leaf": choice(1, 2, 4, 8),
            "bootstrap": choice(True, False),
        },
        forest_noisy,
    ),
    Task(
        "boosting-cancer",
        {
            "learning_rate": log(0.01, 2),
            "n_estimators": choice(5, 10, 20),
            "max_depth": whole(1, 4),
            "subsample": steps(0.4, 1.0, 0.2),
            "max_features": choice("sqrt", "log2", None),
        },
        boosting_cancer,
        {"learning_rate": 10},
    ),
    Task(
        "linear-diabetes",
        {
            "degree": whole(1, 3),
            "kept": whole(1, 8),
            "model": choice(
                option("ridge", alpha=log(1e-3, 1e4)),
                option("elastic", alpha=log(1e-4, 10), l1_ratio=uniform(0.05, 1)),
            ),
        },
        linear_diabetes,
        {"alpha": 15, "l1_ratio": 5},
    ),
    Task(
        "network-moons",
        {
            "learning_rate_init": log(1e-4, 0.5),
            "width": choice(4, 8, 16, 32),
            "depth": whole(1, 3),
            "batch_size": choice(8, 16, 32),
            "activation": choice("relu", "tanh"),
            "alpha": log(1e-5, 1),
        },
        network_moons,
        {"learning_rate_init": 9, "alpha": 3},
    ),
    Task(
        "svr-friedman",
        {
            "C": log(1e-2, 1e3),
            "gamma": log(1e-4, 3),
            "epsilon": log(1e-3, 1),
            "kernel": choice("rbf", "sigmoid"),
        },
        svr_friedman,
        {"C": 13, "gamma": 13, "epsilon": 6},
    ),
    Task(
        "boosting-circles",
        {
            "n_estimators": whole(1, 12),
            "learning_rate": log(0.02, 3),
            "max_depth": whole(1, 7),
            "splitter": choice("best", "random"),
        },
        boosting_circles,
        {"learning_rate": 12},
    ),
    Task(
        "svm-iris",
        {
            "C": log(1e-3, 1e3),
            "gamma": log(1e-4, 10),
            "kernel": choice("rbf", "sigmoid", "linear"),
            "before": choice("none", "minmax", "unit", "quantile"),
        },
        svm_iris,
        {"C": 13, "gamma": 13},
    ),
    Task(
        "discriminant-digits",
        {
            "components": whole(1, 40),
            "whiten": choice(True, False),
            "model": choice(
                option("bayes", var_smoothing=log(1e-10, 1)),
                option("quadratic", reg_param=uniform(0, 1)),
            ),
        },
        discriminant_digits,
        {"var_smoothing": 11, "reg_param": 15},
    ),
    Task(
        "tree-friedman",
        {
            "n_estimators": choice(3, 6, 12),
            "max_depth": whole(2, 9),
            "min_samples_split": whole(2, 10),
            "max_features": steps(0.25, 1.0, 0.25),
            "bootstrap": choice(True, False),
        },
        tree_friedman,
    ),
)
