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
    "what is set before the main block": """
        import contextvars, decimal, functools, locale, logging, os, random, signal, socket, sys
        import tempfile, threading, time, uuid, warnings
        random.seed(4)
        decimal.getcontext().prec = 5
        locale.setlocale(locale.LC_ALL, "C")
        os.environ["TZ"] = "Asia/Tokyo"
        time.tzset()
        warnings.simplefilter("error")
        sys.setrecursionlimit(1234)
        started, mode = time.time(), contextvars.ContextVar("mode", default=0.25)
        mode.set(lr)
        written = open("log.txt", "w+")
        logging.basicConfig(stream=written, format="%(processName)s %(threadName)s %(lineno)d")
        ours, theirs = socket.socketpair()
        def answer(): theirs.sendall(theirs.recv(9)[::-1])
        threading.Thread(target=answer, daemon=True).start()
        @functools.lru_cache(None)
        def cached(n): return n * lr
        cached(1)
        class Local(threading.local): value = 0.5
        local = Local(); local.value = lr
        alarms = []
        signal.signal(signal.SIGALRM, lambda *a: alarms.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        if __name__ == "__main__":
            cached(1)
            logging.error("text")
            ours.sendall(b"12")
            written.seek(0)
            result = random.random() + float(decimal.Decimal(lr) / 3) + mode.get() + local.value
            result += cached.cache_info().hits + sum(written.read().encode())
            result += sys.getrecursionlimit() + int(ours.recv(9)) + time.localtime(0).tm_hour
            try:
                warnings.warn("x")
            except UserWarning:
                result += 1
            if os.fork() == 0:
                os._exit(7)
            result += os.wait()[1] >> 8
            result += len({tempfile.mktemp(), tempfile.mktemp(), uuid.uuid4(), uuid.uuid1()})
            result += 0 <= time.time() - started < 60
            result += sys.path[0] == os.path.dirname(os.path.abspath(__file__))
            result += os.path.abspath(sys.argv[0]) == os.path.abspath(__file__)
            while not alarms:
                time.sleep(0.01)
            result += len(alarms) + len(sys.argv) + len(os.listdir("/proc/self/fd")) / 7
        """,
    "workers that need the script's state": """
        import enum, functools, multiprocessing as mp, os, signal
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import shared_memory
        class Color(enum.Enum): RED = 1
        class Worker(mp.get_context("spawn").Process):
            def __init__(self, pipe):
                super().__init__()
                self.pipe = pipe
            def run(self): self.pipe.send([Color.RED, type(self.pipe.recv()), lr])
        def prepare(value): globals().update(scale=value)
        def work(n, offset=0.0): return n * scale + offset
        def nested(n):
            with ProcessPoolExecutor(1, mp.get_context("fork"), prepare, (lr,)) as pool:
                return pool.submit(work, n).result()
        def fail(n): raise ValueError(Color.RED)
        def die(n): os.kill(os.getpid(), signal.SIGKILL)
        def fill(name):
            memory = shared_memory.SharedMemory(name)
            memory.buf[0] = 9
            memory.close()
        if __name__ == "__main__":
            here, there = mp.Pipe()
            worker = Worker(there)
            worker.start()
            here.send(worker.name and Color.RED)
            red, kind, result = here.recv()
            worker.join()
            result += (red is Color.RED) + (kind is Color)
            mp.set_forkserver_preload(["__main__"])
            context = mp.get_context("forkserver")
            with context.Pool(1, prepare, (lr,), maxtasksperchild=2) as pool:
                result += sum(pool.map(functools.partial(work, offset=lr), range(3), chunksize=1))
                try:
                    pool.apply(fail, (1,))
                except ValueError as error:
                    result += error.args[0] is Color.RED
            with ProcessPoolExecutor(1, context) as pool:
                result += pool.submit(nested, 2).result()
                try:
                    pool.submit(die, 1).result()
                except Exception as error:
                    result += len(type(error).__name__)
            memory = shared_memory.SharedMemory(create=True, size=8)
            process = context.Process(target=fill, args=(memory.name,))
            process.start()
            process.join()
            result += memory.buf[0]
            memory.close()
            memory.unlink()
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
    return float.fromhex(done.stdout.split()[-1])  # libraries print before it


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
