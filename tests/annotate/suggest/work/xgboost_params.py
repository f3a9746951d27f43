"""Default risk with gradient boosting."""

import json
import sys

import pandas as pd
import xgboost as xgb
from sklearn.model_selection import train_test_split

path = sys.argv[1] if len(sys.argv) > 1 else "loans.parquet"
frame = pd.read_parquet(path)
label = frame.pop("default")
x_train, x_valid, y_train, y_valid = train_test_split(
    frame, label, test_size=0.25, random_state=2024, stratify=label
)

params = {
    "objective": "binary:logistic",
    "eval_metric": "auc",
    "tree_method": "hist",
    "booster": "gbtree",
    "eta": 0.05,
    "max_depth": 6,
    "min_child_weight": 1,
    "gamma": 0,
    "subsample": 0.8,
    "colsample_bytree": 0.8,
    "lambda": 1.0,
    "alpha": 0.0,
    "scale_pos_weight": 4,
    "max_bin": 256,
    "nthread": 8,
    "seed": 2024,
    "verbosity": 1,
}
num_rounds = 600

train = xgb.DMatrix(x_train, label=y_train)
valid = xgb.DMatrix(x_valid, label=y_valid)
booster = xgb.train(
    params,
    train,
    num_boost_round=num_rounds,
    evals=[(valid, "valid")],
    early_stopping_rounds=50,
    verbose_eval=100,
)
booster.save_model("loans.json")
with open("result.json", "w") as file:
    json.dump({"auc": booster.best_score, "rounds": booster.best_iteration}, file, indent=2)
print(booster.best_score)
