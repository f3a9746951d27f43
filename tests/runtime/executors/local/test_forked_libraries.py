"""A forked trial computes, bit for bit, what a plain run does, with each library that is preloaded.

Tests of libraries that are not installed are skipped. To run them all, install the libraries
beside Annotate and run `pytest tests/runtime/executors/local/test_forked_libraries.py`.
"""

import sys
import textwrap
from pathlib import Path

import pytest

from runtime.stage import annotate_libraries
from tests.runtime.executors.local.test_forked_metrics import END, run_exported, run_forked
from tests.runtime.stage import test_libraries_as_alone

LIGHTNING = """
    import torch, {0} as L
    from torch.utils.data import DataLoader, TensorDataset
    class Model(L.LightningModule):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)
        def training_step(self, batch, _):
            loss = ((self.layer(batch[0]) - batch[1]) ** 2).mean()
            self.log("loss", loss)
            return loss
        def configure_optimizers(self): return torch.optim.SGD(self.parameters(), lr * 0.1)
    if __name__ == "__main__":
        L.seed_everything(1)
        x = torch.rand(64, 4)
        data = TensorDataset(x, x.sum(1, keepdim=True))
        trainer = L.Trainer(
            max_epochs=2, accelerator="cpu", enable_progress_bar=False, logger=False,
            enable_checkpointing=False)
        trainer.fit(Model(), DataLoader(data, 8, shuffle=True, num_workers=1))
        result = float(trainer.callback_metrics["loss"])
    """
BOOSTING = """
    import numpy as np, {0}
    if __name__ == "__main__":
        rng = np.random.default_rng(0)
        x = rng.random((400, 8))
        y = x @ rng.random(8)
        model = {0}.{1}(
            n_estimators=20, learning_rate=lr, n_jobs=2, subsample=0.7, random_state=1).fit(x, y)
        result = float(((model.predict(x) - y) ** 2).mean())
    """
#: By the names of the libraries that the script imports, with spaces between.
SCRIPTS = {
    "PIL": """
        from PIL import Image, ImageFilter
        if __name__ == "__main__":
            image = Image.linear_gradient("L").rotate(100 * lr).filter(ImageFilter.GaussianBlur(lr))
            result = float(sum(image.tobytes()))
        """,
    "cv2": """
        import cv2, numpy as np
        if __name__ == "__main__":
            x = (np.arange(300 * 300).reshape(300, 300) % 251).astype("uint8")
            y = cv2.GaussianBlur(cv2.resize(x, (200, 200)), (5, 5), lr)
            cv2.randu(y[:10], 0, 200)
            result = float(y.sum())
        """,
    "jax flax optax": """
        import jax
        jax.config.update("jax_enable_x64", True)
        import jax.numpy as jnp, optax
        from flax import linen as nn
        class Net(nn.Module):
            @nn.compact
            def __call__(self, x): return nn.Dense(1)(nn.relu(nn.Dense(16)(x)))
        if __name__ == "__main__":
            net, x = Net(), jax.random.normal(jax.random.PRNGKey(1), (32, 4))
            values, adam = net.init(jax.random.PRNGKey(0), x), optax.adam(lr)
            state, y = adam.init(values), x.sum(1, keepdims=True)
            @jax.jit
            def step(values, state):
                loss = lambda values: ((net.apply(values, x) - y) ** 2).mean()
                now, gradient = jax.value_and_grad(loss)(values)
                changes, state = adam.update(gradient, state)
                return optax.apply_updates(values, changes), state, now
            for _ in range(10):
                values, state, now = step(values, state)
            result = float(now)
        """,
    "h5py": """
        import h5py, numpy as np
        if __name__ == "__main__":
            with h5py.File("data.h5", "w") as file:
                file["x"] = np.arange(1000) * lr
                result = float(file["x"][::3].sum())
        """,
    "keras": """
        import numpy as np, keras
        if __name__ == "__main__":
            keras.utils.set_random_seed(2)
            from keras.layers import Dense, Dropout
            model = keras.Sequential([Dense(16, "relu"), Dropout(0.1), Dense(1)])
            model.compile(keras.optimizers.Adam(lr * 0.1), "mse")
            x = np.random.rand(128, 4)
            result = model.fit(x, x.sum(1), epochs=2, verbose=0).history["loss"][-1]
        """,
    "lightgbm": BOOSTING.format("lightgbm", "LGBMRegressor"),
    "lightning torchmetrics": "import torchmetrics\n"
    + textwrap.dedent(LIGHTNING.format("lightning")),
    "matplotlib seaborn": """
        import hashlib, io, matplotlib.pyplot as plt, seaborn
        if __name__ == "__main__":
            figure, axes = plt.subplots()
            axes.plot([0, lr])
            seaborn.histplot([1, 2, 2], ax=axes)
            file = io.BytesIO()
            figure.savefig(file, format="raw")
            result = float(int(hashlib.md5(file.getvalue()).hexdigest()[:8], 16))
        """,
    "numba": """
        import numba, numpy as np
        @numba.njit(parallel=True)
        def total(n, lr):
            parts = np.empty(n)
            for i in numba.prange(n):
                parts[i] = np.sqrt(i) * lr
            return parts.sum()
        @numba.njit
        def draw():
            np.random.seed(3)
            return np.random.random()
        if __name__ == "__main__":
            result = total(1000, lr) + draw()
        """,
    "pandas": """
        import numpy as np, pandas as pd
        if __name__ == "__main__":
            table = pd.DataFrame({"key": ["a", "b", "c"] * 1000, "value": np.arange(3000) * lr})
            result = table.groupby("key").value.mean().sum() + len(table.key.str.upper().unique())
        """,
    "pyarrow": """
        import pyarrow as pa, pyarrow.compute as pc
        if __name__ == "__main__":
            numbers = pa.array([n * lr for n in range(200000)])
            result = pc.sum(numbers).as_py() + pc.stddev(numbers).as_py()
        """,
    "pytorch_lightning": LIGHTNING.format("pytorch_lightning"),
    "statsmodels": """
        import numpy as np, statsmodels.api as sm
        if __name__ == "__main__":
            x = np.random.default_rng(0).random((50, 3))
            result = sm.OLS(x @ [lr, 1, 2] + x[:, 0] ** 2, x).fit().params.sum()
        """,
    "tensorflow": """
        import numpy as np, tensorflow as tf
        if __name__ == "__main__":
            tf.keras.utils.set_random_seed(2)
            x = np.random.rand(128, 4).astype("float32")
            data = tf.data.Dataset.from_tensor_slices((x, x.sum(1))).shuffle(100).batch(16)
            Dense = tf.keras.layers.Dense
            model = tf.keras.Sequential([Dense(16, "relu"), Dense(1)])
            model.compile(tf.keras.optimizers.Adam(lr * 0.1), "mse")
            result = model.fit(data.prefetch(2), epochs=2, verbose=0).history["loss"][-1]
            tf.summary.create_file_writer("events").set_as_default()  # is never closed
            for step in range(20):
                tf.summary.scalar("lr", lr, step=step)
        """,
    "torchvision": """
        import torch, torchvision
        if __name__ == "__main__":
            torch.manual_seed(0)
            flip = torchvision.transforms.RandomHorizontalFlip(lr)
            result = flip(torch.rand(3, 8, 8)).cumsum(2).sum().item()
        """,
    "tqdm": """
        from tqdm import tqdm
        if __name__ == "__main__":
            result = sum(n * lr for n in tqdm(range(100)))
        """,
    "transformers": """
        import torch
        from transformers import BertConfig, BertForSequenceClassification, set_seed
        if __name__ == "__main__":
            set_seed(3)
            model = BertForSequenceClassification(BertConfig(
                vocab_size=50, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                intermediate_size=64))
            optimizer = torch.optim.AdamW(model.parameters(), lr * 0.01)
            for _ in range(4):
                words, classes = torch.randint(0, 50, (8, 12)), torch.randint(0, 2, (8,))
                loss = model(input_ids=words, labels=classes).loss
                loss.backward()
                optimizer.step()
                optimizer.zero_grad()
            result = loss.item()
        """,
    "xgboost": BOOSTING.format("xgboost", "XGBRegressor"),
}


@pytest.fixture
def python():
    """The interpreter that has the libraries: this one."""
    return sys.executable


def skip_without_imports(script):
    """Skip unless every import works: transformers imports lazily, and needs a fitting torch."""
    lines = [line for line in script.splitlines() if line.startswith(("import ", "from "))]
    try:
        exec("\n".join(lines), {})
    except Exception as error:
        pytest.skip(f"a library is missing or broken: {error}")


@pytest.mark.parametrize("names", SCRIPTS)
def test_a_forked_trial_computes_the_same_with_a_library(staged, folder, names, monkeypatch):
    script = textwrap.dedent(SCRIPTS[names]).strip() + END
    skip_without_imports(script)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    script = "lr = 0.5  # @nni.uniform(0, 1)\n" + script
    Path("train.py").write_text(script)
    staged.experiment.stdin.write_text("")
    plain = run_exported(staged, script)
    assert run_forked(staged) == plain
    for name in names.split():
        assert f" {name}" in staged.log.text.partition(" imported (")[0]
    sizes = {path.stat().st_size for path in folder.glob("events/*")}
    assert len(sizes) <= 1, "the end of a fork cut the events off"


def test_each_library_is_compared_with_a_plain_run():
    tested = {name for names in SCRIPTS for name in names.split()} | {"joblib"}
    assert tested | test_libraries_as_alone.SCRIPTS.keys() == annotate_libraries.LIBRARIES
