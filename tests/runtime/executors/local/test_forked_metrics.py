"""A forked trial reports, bit for bit, what the exported script computes in a plain run."""

import queue
import subprocess
import sys
import textwrap
from pathlib import Path, PurePosixPath

import pytest

from annotate.export import export
from annotate.project import read_project
from annotate.snapshot import freeze
from runtime.core.metrics import MetricsFile

VALUES = {"train/lr/uniform": 0.30000000000000004}
#: Each script computes `result` from `lr` in a way that may differ between fork and new process.
SCRIPTS = {
    "classes of the script from pools of every start method": """
        import multiprocessing as mp
        from concurrent.futures import ProcessPoolExecutor
        class Result:
            def __init__(self, value): self.value = value
        class Failure(Exception): pass
        def work(n):
            if n == 3:
                raise Failure(n * lr)
            return Result(n * lr)
        def worker(queue): queue.put(Result(lr / 3))
        if __name__ == "__main__":
            result = 0.0
            for method in ("spawn", "forkserver", "fork"):
                context = mp.get_context(method)
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    result += sum(r.value for r in pool.map(work, range(3)))
                with context.Pool(1) as pool:
                    result += sum(r.value for r in pool.imap_unordered(work, range(3)))
                    try:
                        pool.apply(work, (3,))
                    except Failure as error:
                        result += error.args[0]
                queue = context.Queue()
                process = context.Process(target=worker, args=(queue,))
                process.start()
                result += queue.get().value
                process.join()
        """,
    "managers and shared values": """
        import multiprocessing as mp
        from multiprocessing.managers import BaseManager
        class Counter:
            def __init__(self): self.total = lr
            def add(self, n): self.total += n; return self.total
        class Manager(BaseManager): pass
        Manager.register("Counter", Counter)
        def work(shared, counter):
            with shared.get_lock():
                shared.value += lr / 7
            counter.add(lr / 11)
        if __name__ == "__main__":
            context = mp.get_context("spawn")
            with Manager(ctx=context) as manager:
                counter, shared = manager.Counter(), context.Value("d", lr)
                process = context.Process(target=work, args=(shared, counter))
                process.start(); process.join()
                result = shared.value + counter.add(0)
        """,
    "joblib": """
        from joblib import Parallel, delayed
        class Result:
            def __init__(self, value): self.value = value
        def work(n): return Result(n * lr)
        if __name__ == "__main__":
            result = 0.0
            for backend in ("loky", "multiprocessing", "threading"):
                done = Parallel(2, backend=backend)(delayed(work)(n) for n in range(4))
                result += sum(r.value for r in done if type(r) is Result)
        """,
    "torch, and DataLoader workers": """
        import random
        import numpy as np, torch
        from torch import nn
        from torch.utils.data import DataLoader, Dataset
        class Sample:
            def __init__(self, value): self.value = value
        class Data(Dataset):
            def __len__(self): return 4
            def __getitem__(self, n): return Sample(n * lr + torch.rand(1).item())
        def collate(samples): return samples
        def load(method):
            loader = DataLoader(
                Data(), 2, num_workers=1, collate_fn=collate, multiprocessing_context=method)
            return sum(sample.value for samples in loader for sample in samples)
        if __name__ == "__main__":
            random.seed(1); np.random.seed(2); torch.manual_seed(3)
            model = nn.Sequential(nn.Linear(40, 200), nn.ReLU(), nn.Dropout(0.2), nn.Linear(200, 1))
            optimizer = torch.optim.Adam(model.parameters(), lr)
            x = torch.tensor(np.random.rand(500, 40), dtype=torch.float32)
            y = x.sum(1, keepdim=True) + random.random()
            for _ in range(5):
                optimizer.zero_grad()
                loss = ((model(x) - y) ** 2).mean()
                loss.backward()
                optimizer.step()
            result = loss.item() + load("spawn")
        """,
    "training with scikit-learn": """
        import numpy as np
        from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
        from sklearn.model_selection import cross_val_score
        if __name__ == "__main__":
            rng = np.random.default_rng(0)
            x = rng.random((200, 5)); y = x @ rng.random(5) + np.linalg.norm(x, axis=1)
            boost = GradientBoostingRegressor(learning_rate=lr, n_estimators=9, random_state=0)
            forest = RandomForestRegressor(5, random_state=0, n_jobs=2).fit(x, y)
            result = cross_val_score(boost, x, y, cv=3).mean() + forest.score(x, y)
        """,
    "standard input": """
        import os, sys
        if __name__ == "__main__":
            result = lr * float(input()) + sum(map(float, sys.stdin)) / 3
            os.lseek(0, 0, os.SEEK_SET)
            result += float(os.read(0, 3)) + len(sys.stdin.read())
        """,
    "handlers of signals and of the exit": """
        import atexit, os, signal, threading, time
        seen = []
        def final(): raise_result(sum(seen) * lr)
        def raise_result(result):
            print(float(result).hex())
            # @nni.report_final_result(result)
        if __name__ == "__main__":
            atexit.register(final)
            for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
                signal.signal(number, lambda number, frame: seen.append(number))
                if number != signal.SIGCHLD:
                    signal.raise_signal(number)
            if os.fork() == 0:
                os._exit(0)
            os.wait()
            threading.Thread(target=lambda: (time.sleep(0.05), seen.append(0.5))).start()
            raise SystemExit
        """,
}
END = """
    print(float(result).hex())
    # @nni.report_final_result(result)
"""


@pytest.fixture
def python():
    """The interpreter that has the libraries: this one."""
    return sys.executable


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_forked_trial_reports_what_the_exported_script_computes(
    staged, folder, name, monkeypatch
):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # varies, and a trial's environment must not
    script = "lr = 0.5  # @nni.uniform(0, 1)\n" + textwrap.dedent(SCRIPTS[name]).lstrip()
    if "@nni.report" not in SCRIPTS[name]:
        script = script.rstrip() + END
    Path("train.py").write_text(script)
    staged.experiment.stdin.write_text("1.5\n2.5\n3.5\n")
    plain = run_exported(staged, script)
    assert run_forked(staged) == plain


def run_exported(staged, script):
    below = PurePosixPath("train.py")
    Path("exported.py").write_bytes(export(script.encode(), VALUES, path="train.py", below=below))
    with staged.experiment.stdin.open() as stdin:
        done = subprocess.run(
            [staged.python, "exported.py"],
            stdin=stdin,
            start_new_session=True,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    Path("exported.py").unlink()
    return float.fromhex(done.stdout)


def run_forked(staged):
    freeze(read_project(Path("train.py"), Path()), staged.experiment.snapshot)
    inbox = queue.Queue()
    executor = staged.executor(inbox.put)
    try:
        job = staged.job(values=VALUES)
        executor.start(job)
        ended = staged.until_ended(inbox, 180.0)
    finally:
        executor.close()
    assert "trials are forked" in staged.log.text, staged.log.text
    assert ended.code == 0, job.folder.stderr.read_text()
    (report,) = MetricsFile(job.folder.metrics).read().reports
    return report.value
