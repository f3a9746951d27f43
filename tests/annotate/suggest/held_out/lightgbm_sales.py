import lightgbm as lgb
import numpy as np
import pandas as pd

HORIZON = 28
START = 2015
LAGS = [7, 14, 28]

sales = pd.read_csv("sales.csv", parse_dates=["day"])
for lag in LAGS:
    sales[f"lag_{lag}"] = sales.groupby("shop")["sold"].shift(lag)
sales = sales.dropna()
last = sales["day"].max() - pd.Timedelta(days=HORIZON)
train, valid = sales[sales["day"] <= last], sales[sales["day"] > last]
columns = [c for c in sales.columns if c not in ("day", "sold")]

model = lgb.LGBMRegressor(
    objective="tweedie",
    tweedie_variance_power=1.1,
    boosting_type="gbdt",
    n_estimators=2000,
    learning_rate=0.03,
    num_leaves=63,
    max_depth=-1,
    min_child_samples=20,
    subsample=0.7,
    subsample_freq=1,
    colsample_bytree=0.6,
    reg_alpha=0.0,
    reg_lambda=0.1,
    random_state=11,
    n_jobs=-1,
    verbose=-1,
)
model.fit(
    train[columns],
    train["sold"],
    eval_set=[(valid[columns], valid["sold"])],
    eval_metric="rmse",
    callbacks=[lgb.early_stopping(100), lgb.log_evaluation(200)],
)
guess = np.clip(model.predict(valid[columns]), 0, None)
error = float(np.sqrt(((guess - valid["sold"]) ** 2).mean()))
print(f"rmse {error:.3f} after {model.best_iteration_} rounds, since {START}")
