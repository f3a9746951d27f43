"""Preloaded libraries work in a forked trial as in a plain run."""

import sys

import pytest

from tests.runtime.stage.test_as_alone import same

TORCH = {
    "in its own process": """
        import os, torch
        from torch import nn
        print(torch.get_num_threads(), torch.get_num_interop_threads())
        a = torch.ones(700, 700)
        print((a @ a).sum().item(), len(os.listdir("/proc/self/task")))
        torch.set_num_threads(1)
        torch.set_num_interop_threads(3)
        print(torch.get_num_threads(), torch.get_num_interop_threads())
        torch.manual_seed(3)
        model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        x, y = torch.randn(32, 1, 8, 8), torch.randint(0, 3, (32,))
        for _ in range(3):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("%.4f" % loss.item(), torch.initial_seed())
        compiled = torch.compile(lambda x: (torch.sin(x) ** 2).sum(), backend="aot_eager")
        print("%.4f" % compiled(torch.arange(9.0)).item())
        """,
    "in workers and ranks": """
        import os, torch
        import torch.distributed as dist
        import torch.multiprocessing as mp
        from torch.nn.parallel import DistributedDataParallel
        from torch.utils.data import DataLoader, Dataset, get_worker_info
        class Data(Dataset):
            def __len__(self): return 4
            def __getitem__(self, n): return n, get_worker_info().id, torch.rand(1)
        def rank(n, path, shared):
            dist.init_process_group("gloo", init_method="file://" + path, rank=n, world_size=2)
            torch.manual_seed(0)
            model = DistributedDataParallel(torch.nn.Linear(2, 1))
            model(torch.full((1, 2), float(n))).sum().backward()
            shared[n] = next(model.parameters()).grad.sum()
            dist.barrier()  # a rank that leaves early cuts the other off
            dist.destroy_process_group()
        if __name__ == "__main__":
            torch.manual_seed(1)
            for _ in range(2):
                loader = DataLoader(Data(), 2, num_workers=2)
                print([[n.tolist(), w.tolist(), r.sum().item()] for n, w, r in loader])
            path = os.path.abspath("meeting-%d" % os.getpid())
            shared = torch.zeros(2).share_memory_()
            mp.spawn(rank, (path, shared), 2)
            print(shared)
            path = "file://" + path + "-alone"
            dist.init_process_group("gloo", init_method=path, rank=0, world_size=1)
            dist.all_reduce(shared)
            print(shared, dist.get_backend())
            dist.destroy_process_group()
        """,
}
OTHERS = {
    "numpy": """
        import numpy as np
        np.random.seed(1)
        a = np.random.rand(300, 300)
        print(np.linalg.svd(a)[1][0].round(6), np.random.default_rng(3).random())
        print(np.geterr(), np.get_printoptions()["precision"])
        1 / np.zeros(1)
        """,
    "sklearn": """
        from sklearn.datasets import load_digits
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        X, y = load_digits(return_X_y=True)
        forest = RandomForestClassifier(10, random_state=0, n_jobs=2).fit(X[:900], y[:900])
        print(forest.score(X[900:], y[900:]))
        LogisticRegression(max_iter=2).fit(X[:100], y[:100])  # warns
        """,
    "joblib": """
        from joblib import Parallel, delayed
        def square(n): return n * n
        if __name__ == "__main__":
            for backend in ("loky", "threading", "multiprocessing"):
                print(Parallel(2, backend=backend)(delayed(square)(n) for n in range(5)))
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


@pytest.mark.parametrize("name", TORCH)
def test_torch_works_as_in_a_plain_run(staged, folder, name, monkeypatch):
    pytest.importorskip("torch")
    same(staged, folder, monkeypatch, TORCH[name])


@pytest.mark.parametrize("name", OTHERS)
def test_a_library_works_as_in_a_plain_run(staged, folder, name, monkeypatch):
    pytest.importorskip(name)
    same(staged, folder, monkeypatch, OTHERS[name])
