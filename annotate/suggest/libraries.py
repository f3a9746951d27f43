"""Known libraries: their families, and the names of their parts."""

from __future__ import annotations

#: Maps a library's import name to its family.
FAMILIES: dict[str, str] = {
    "torch": "deep",
    "torchvision": "deep",
    "lightning": "deep",
    "pytorch_lightning": "deep",
    "fastai": "deep",
    "timm": "deep",
    "transformers": "deep",
    "tensorflow": "deep",
    "keras": "deep",
    "jax": "deep",
    "flax": "deep",
    "equinox": "deep",
    "optax": "deep",
    "haiku": "deep",
    "mxnet": "deep",
    "paddle": "deep",
    "sklearn": "classic",
    "xgboost": "boosting",
    "lightgbm": "boosting",
    "catboost": "boosting",
    "gym": "reinforcement",
    "gymnasium": "reinforcement",
    "stable_baselines3": "reinforcement",
    "pettingzoo": "reinforcement",
    "brax": "reinforcement",
}

BOOSTERS = r"XGB\w+|LGBM\w+|CatBoost\w*|(Hist)?GradientBoosting\w+"
FORESTS = r"(RandomForest|ExtraTrees?|DecisionTree)\w+"
TREES = f"{FORESTS}|{BOOSTERS}"
LINEAR = r"Ridge\w*|Lasso\w*|ElasticNet\w*|SGD(Classifier|Regressor)|KernelRidge"
VECTOR_MACHINES = r"(Linear|Nu)?SV[CR]|OneClassSVM"
NEIGHBOURS = r"(KNeighbors|RadiusNeighbors)\w+|LocalOutlierFactor|KNNImputer"
VECTORIZERS = r"(Tfidf|Count)Vectorizer"
REDUCERS = r"\w*PCA|TruncatedSVD|NMF|FastICA|UMAP|FactorAnalysis|PLSRegression|Nystroem|RBFSampler"
ADAMS = r"\w*[Aa]dam\w*|[Ll]amb|[Ll]ion|LAMB"
SCHEDULES = r"\w*LR|\w*(Decay|Plateau)|\w+_(schedule|decay|schedule_with_warmup)"
DROPOUTS = r"\w*Dropout\w*|DropPath|StochasticDepth"
CONVOLUTIONS = r"(\w*Conv\w*)"
#: Convolutions whose padding is given by name, so a different kernel keeps the shapes.
FREE_CONVOLUTIONS = r"(Separable|Depthwise)?Conv([123]D)?"
LAYERS = rf"Dense|LSTM|GRU|\w*RNN\w*|{CONVOLUTIONS}|MLP\w*|LSTMCell|GRUCell|\w*Attention\w*"
