"""Preloaded libraries work in a forked trial as in a plain run."""

import sys

import pytest

from tests.runtime.stage.test_as_alone import same

SCRIPTS = {
    "torch": """
        import os, random
        import numpy as np, torch
        import torch.distributed as dist
        import torch.multiprocessing as mp
        from torch import nn
        from torch.nn.parallel import DistributedDataParallel
        from torch.utils.data import DataLoader, Dataset, get_worker_info
        class Sample:
            def __init__(self, n): self.n, self.worker, self.value = n, get_worker_info().id, lr / 3
        class Data(Dataset):
            def __len__(self): return 4
            def __getitem__(self, n): return Sample(n), torch.rand(1).item().hex()
        def collate(pairs): return pairs
        def load(method):
            loader = DataLoader(Data(), 2, shuffle=True, num_workers=2, collate_fn=collate,
                                persistent_workers=True, multiprocessing_context=method)
            return [(type(s) is Sample, s.n, s.worker, s.value.hex(), random)
                    for _ in range(2) for pairs in loader for s, random in pairs]
        def rank(n, path, shared):
            dist.init_process_group("gloo", init_method="file://" + path, rank=n, world_size=2)
            torch.manual_seed(0)
            model = DistributedDataParallel(nn.Linear(2, 1))
            model(torch.full((1, 2), float(n))).sum().backward()
            shared[n] = next(model.parameters()).grad.sum()
            dist.barrier()  # a rank that leaves early cuts the other off
            del model  # after its group it may deadlock with gloo's thread
            dist.destroy_process_group()
        lr = 0.30000000000000004
        if __name__ == "__main__":
            print(torch.get_num_threads(), torch.get_num_interop_threads())
            a = torch.ones(700, 700)
            print((a @ a).sum().item(), len(os.listdir("/proc/self/task")))
            torch.set_num_threads(1)
            torch.set_num_interop_threads(3)
            print(torch.get_num_threads(), torch.get_num_interop_threads())
            random.seed(1); np.random.seed(2); torch.manual_seed(3)
            model = nn.Sequential(
                nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(144, 3))
            optimizer = torch.optim.Adam(model.parameters(), lr)
            x = torch.randn(32, 1, 8, 8) + torch.tensor(np.random.rand(8), dtype=torch.float32)
            y = torch.randint(0, 3, (32,)) % (1 + random.randrange(3))
            for _ in range(3):
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            print(loss.item().hex(), torch.initial_seed())
            compiled = torch.compile(lambda x: (torch.sin(x) ** 2).sum(), backend="aot_eager")
            print(compiled(torch.arange(9.0)).item().hex())
            print(load("fork"), load("spawn"))
            path = os.path.abspath("meeting-%d" % os.getpid())
            shared = torch.zeros(2).share_memory_()
            context = mp.get_context("spawn")
            other = context.Process(target=rank, args=(1, path, shared))
            other.start()
            rank(0, path, shared)
            other.join()
            print(shared, other.exitcode)
            path = "file://" + path + "-alone"
            dist.init_process_group("gloo", init_method=path, rank=0, world_size=1)
            dist.all_reduce(shared)
            print(shared, dist.get_backend())
            dist.destroy_process_group()
        """,
    "numpy": """
        import numpy as np
        np.random.seed(1)
        a = np.random.rand(300, 300)
        print(np.linalg.svd(a)[1][0].round(6), np.random.default_rng(3).random())
        print(np.geterr(), np.get_printoptions()["precision"])
        1 / np.zeros(1)
        """,
    "sklearn": """
        import numpy as np
        from sklearn.datasets import load_digits
        from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import cross_val_score
        X, y = load_digits(return_X_y=True)
        forest = RandomForestClassifier(10, random_state=0, n_jobs=2).fit(X[:900], y[:900])
        print(forest.score(X[900:], y[900:]).hex())
        boost = GradientBoostingRegressor(learning_rate=0.3, n_estimators=9, random_state=0)
        print(cross_val_score(boost, X[:200, 20:25], np.linalg.norm(X[:200], axis=1), cv=3))
        LogisticRegression(max_iter=2).fit(X[:100], y[:100])  # warns
        """,
    "scipy": """
        import scipy.optimize, scipy.stats
        print(scipy.optimize.minimize(lambda x: (x[0] - 1) ** 2, [0.0]).x.round(4))
        print(scipy.stats.norm.rvs(random_state=2).round(6))
        """,
}


@pytest.fixture
def python():
    """The interpreter that has the libraries: this one."""
    return sys.executable


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_library_works_as_in_a_plain_run(staged, folder, name, monkeypatch):
    pytest.importorskip(name)
    same(staged, folder, monkeypatch, SCRIPTS[name])
