"""A forked trial behaves, prints and exits like `python train.py`, even for picky scripts."""

import re
import subprocess

import pytest

from tests.conftest import INTERPRETERS

#: By topic; each script runs plainly and as a forked trial, and has to print the same.
SCRIPTS = {
    "the module": """
        import __main__, sys
        print(__main__ is sys.modules["__main__"], __name__, __spec__, __package__, __doc__)
        print(sorted(vars(__main__)), __builtins__ is __import__("builtins"))
        print(__file__, sys.argv, sys.path[0])
        """,
    "the interpreter": """
        import sys
        print(sys.executable, sys.prefix, sys.exec_prefix, sys.flags)
        print(sys.warnoptions, sys._xoptions)
        print(getattr(sys, "orig_argv", [0, 0])[1:], sys.getrecursionlimit())
        print(sys.getswitchinterval(), sys.gettrace(), sys.getprofile())
        print(sys.excepthook is sys.__excepthook__, sys.displayhook is sys.__displayhook__)
        print(sys.stdout.encoding, sys.stdout.errors, sys.stdout.name, sys.stdout.mode)
        print(sys.stderr.encoding, sys.stderr.errors, sys.stdin.encoding, sys.stdin.read())
        import gc, locale, warnings
        print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), locale.setlocale(locale.LC_ALL))
        print(len(warnings.filters), sys.stdout is sys.__stdout__, sys.stdout.fileno())
        """,
    "the process": """
        import os, resource, signal, threading, time
        print([(n, signal.getsignal(n)) for n in sorted(signal.valid_signals())])
        print(signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getitimer(signal.ITIMER_REAL))
        print([resource.getrlimit(n) for n in range(resource.RLIM_NLIMITS)])
        print(os.umask(0), os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0))
        print(os.getcwd(), os.getsid(0) == os.getpid(), os.times().children_user)
        print([(n, os.readlink("/proc/self/fd/" + n)) for n in ("0",)], time.process_time() < 1)
        print(sorted(os.listdir("/proc/self/fd")), os.getuid(), os.getgroups())
        print([s for s in open("/proc/self/status") if s.startswith(("Sig", "Shd", "Cap"))])
        print(threading.enumerate(), threading.get_ident() == threading.main_thread().ident)
        """,
    "signals": """
        import os, signal, threading, time
        seen = []
        signal.signal(signal.SIGTERM, lambda *a: seen.append(a[0]))
        signal.signal(signal.SIGCHLD, lambda *a: seen.append(a[0]))
        os.kill(os.getpid(), signal.SIGTERM)
        if os.fork() == 0:
            os._exit(3)
        print(os.wait()[1])
        signal.signal(signal.SIGALRM, lambda *a: seen.append(a[0]))
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while signal.SIGALRM not in seen:
            time.sleep(0.01)
        print([int(n) for n in seen])
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            print("interrupted")
        read, write = os.pipe()
        os.close(read)
        try:
            os.write(write, b".")
        except BrokenPipeError:
            print("broken pipe")
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        time.sleep(9)
        """,
    "tracebacks": """
        import sys, traceback, warnings
        def broken(n):
            try:
                {}["key"]
            except KeyError as error:
                raise ValueError("again") from error
        try:
            broken(1)
        except ValueError:
            traceback.print_exc()
        warnings.warn("look out")
        warnings.warn("old", DeprecationWarning)
        class Bad:
            def __del__(self): raise OSError("in del")
        Bad()
        def deep(n): return deep(n + 1)
        try:
            deep(0)
        except RecursionError as error:
            print(error)
        broken(2)
        """,
    "an excepthook": """
        import sys
        sys.excepthook = lambda kind, error, trace: print("hook", kind.__name__, trace.tb_lineno)
        1 / 0
        """,
    "a syntax error": "print('never')\nx = = 1\n",
    "a system exit with a cause": """
        class Mine(SystemExit): pass
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise Mine("words") from error
        """,
    "exit code 256": "raise SystemExit(256)",
    "exit code -1": "raise SystemExit(-1)",
    "exit code True": "raise SystemExit(True)",
    "exit code 2.5": "raise SystemExit(2.5)",
    "exit code a tuple": "raise SystemExit(1, 2)",
    "exit handlers": """
        import atexit, threading, time, weakref
        class Thing: pass
        thing = Thing()
        weakref.finalize(thing, print, "finalised")
        def more():
            print("one")
            atexit.register(print, "registered late")
        atexit.register(more)
        atexit.register(lambda: 1 / 0)
        atexit.register(print, "first")
        def later():
            time.sleep(0.5)
            print("thread", threading.main_thread().is_alive())
        threading.Thread(target=later).start()
        print("main")
        """,
    "an exit in an exit handler": """
        import atexit, sys
        atexit.register(lambda: sys.exit(7))
        sys.exit(3)
        """,
    "threads": """
        import threading, time, sys
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        futures = [pool.submit(lambda n=n: (time.sleep(0.5), print("done", n))) for n in (1,)]
        def fails(): raise ValueError("in a thread")
        thread = threading.Thread(target=fails, name="mine")
        thread.start(); thread.join()
        threading.Thread(target=sys.exit, args=(5,)).start()
        local = threading.local(); local.x = 1
        print(threading.current_thread().name)
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        """,
    "standard streams": """
        import os, sys
        sys.stdout.write("text ")
        sys.stdout.buffer.write(b"bytes\\n")
        os.write(1, b"raw\\n")
        print("error", file=sys.stderr)
        sys.stdout.write("no line ends here")
        """,
    "a closed output": """
        import sys
        print("before")
        sys.stdout.close()
        """,
    "C's output": """
        import ctypes
        libc = ctypes.CDLL(None)
        libc.printf(b"from C\\n")
        """,
    "argparse": """
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--lr", type=float, required=True)
        parser.parse_args()
        """,
    "logging": """
        import logging
        logging.warning("root")
        logging.getLogger("mine").error("mine %s", 1)
        logging.getLogger("other").info("never")
        """,
    "its own source": """
        import inspect, linecache, os, pickle, typing, dataclasses
        @dataclasses.dataclass
        class Point:
            x: "int"
        def f():
            return 1
        print(inspect.getsource(f), inspect.getsourcefile(f), inspect.getmodule(f).__name__)
        print(pickle.loads(pickle.dumps(Point(1))), typing.get_type_hints(Point))
        print(f.__code__.co_filename, f.__module__, Point.__qualname__)
        """,
    "doctest": '''
        def f():
            """
            >>> f()
            2
            """
            return 1
        import doctest
        print(doctest.testmod())
        ''',
    "unittest": """
        import unittest
        class Test(unittest.TestCase):
            def test(self): self.assertEqual(1, 1)
        print(unittest.TestLoader().loadTestsFromName("__main__.Test").countTestCases())
        unittest.main(argv=["train.py", "Test.missing"], verbosity=0)
        """,
    "asyncio": """
        import asyncio, sys
        async def main():
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", "print('child')", stdout=asyncio.subprocess.PIPE)
            out, _ = await process.communicate()
            print(out, process.returncode, await asyncio.to_thread(lambda: 1)
                  if hasattr(asyncio, "to_thread") else 1)
        asyncio.run(main())
        """,
    "pools of processes": """
        import multiprocessing as mp, os
        from concurrent.futures import ProcessPoolExecutor
        def square(n): return n * n
        def child(q): q.put((os.getppid(), mp.parent_process().pid))
        if __name__ == "__main__":
            with ProcessPoolExecutor(2, mp_context=mp.get_context("spawn")) as pool:
                print(list(pool.map(square, range(4))))
            for method in ("fork", "spawn", "forkserver"):
                context = mp.get_context(method)
                queue = context.Queue()
                process = context.Process(target=child, args=(queue,))
                process.start()
                print(queue.get()[1] == os.getpid(), end=" ")
                process.join()
                print(process.exitcode, process.name)
            with mp.Manager() as manager:
                print(manager.list([1, 2])[:])
            print(mp.current_process().name, mp.parent_process(), mp.active_children())
            print(mp.get_start_method())
        """,
    "shared memory": """
        from multiprocessing import shared_memory, Lock, Value
        memory = shared_memory.SharedMemory(create=True, size=8)
        memory.buf[0] = 7
        print(memory.buf[0])
        memory.close()
        memory.unlink()
        value = Value("i", 3)
        with value.get_lock():
            print(value.value)
        """,
    "a process that it leaves running": """
        import multiprocessing as mp, time
        def work():
            time.sleep(0.5)
            print("child is done", flush=True)
        if __name__ == "__main__":
            mp.get_context("fork").Process(target=work).start()
            print("main is done", flush=True)
        """,
    "a fork of its own": """
        import atexit, os
        atexit.register(lambda: print("exit", flush=True))
        if os.fork() == 0:
            print("child", flush=True)
            raise SystemExit(4)
        print("code", os.wait()[1] >> 8, flush=True)
        """,
    "another program in its place": """
        import os, sys
        print("before", flush=True)
        os.execv(sys.executable, [sys.executable, "-c", "print('after'); raise SystemExit(9)"])
        """,
    "imports": """
        import importlib, pkgutil, sys
        import helper
        print(helper.__file__, helper.value)
        print(importlib.reload(helper).value, pkgutil.get_data("pkg", "data.txt"))
        print(importlib.import_module("pkg.part").__package__, "pkg" in sys.modules)
        print([m.name for m in pkgutil.iter_modules(["."])])
        import runpy
        print(runpy.run_path("helper.py", run_name="x")["__name__"])
        try:
            import no_such_thing
        except ModuleNotFoundError as error:
            print(error, error.name)
        """,
    "temporary names": """
        import tempfile, os, random
        a, b = tempfile.mkdtemp(), tempfile.mkdtemp()
        print(a != b)
        random.seed(5)
        print(random.random(), random.Random(3).random())
        """,
    "faulthandler": """
        import faulthandler, sys, time
        faulthandler.enable()
        faulthandler.dump_traceback_later(0.5, exit=True)
        time.sleep(9)
        """,
    "a trace function": """
        import sys
        lines = []
        def trace(frame, event, arg):
            if frame.f_code.co_filename.endswith("train.py"):
                lines.append((event, frame.f_lineno))
            return trace
        sys.settrace(trace)
        def f():
            return 1
        f()
        sys.settrace(None)
        print(lines)
        """,
}
FILES = {
    "helper.py": "value = __name__\n",
    "pkg/__init__.py": "",
    "pkg/part.py": "",
    "pkg/data.txt": "data",
}


def version(path):
    done = subprocess.run([path, "-V"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.findall(r"[0-9]+", done.stdout)))


ORDERED = sorted(INTERPRETERS, key=version)


@pytest.fixture(params=sorted({ORDERED[0], ORDERED[-1]}))
def python(request):
    """The oldest and the newest interpreter; those in between behave much the same."""
    return request.param


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_fork_prints_and_exits_like_a_plain_run(staged, folder, name, monkeypatch):
    same(staged, folder, monkeypatch, SCRIPTS[name])


def same(staged, folder, monkeypatch, script):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    staged.write({"train.py": script, **FILES}, {})
    alone = subprocess.run(
        [staged.python, "train.py", "--x", "1"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    fork = staged.fork(["train.py", "--x", "1"], {}, {}, code=None)
    assert plain(fork.stdout) == plain(alone.stdout), alone.stderr
    assert plain(fork.stderr) == plain(alone.stderr)
    assert fork.returncode == alone.returncode


def plain(text):
    """The output without parts that vary, and without the frames that called the script."""
    text = re.sub(r"0x[0-9a-f]+|in [0-9.]+s", "…", text)
    return re.sub(r'  File ".*/stage/annotate_.*\n', "", text)


#: Settings of the interpreter, and scripts that show whether they apply.
VARIABLES = {
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONFAULTHANDLER": "1",
    "PYTHONHASHSEED": "7",
    "PYTHONSAFEPATH": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONIOENCODING": "latin-1:replace",
    "PYTHONUTF8": "1",
    "PYTHONTRACEMALLOC": "3",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "PYTHONMALLOC": "debug",
    "PYTHONASYNCIODEBUG": "1",
    "PYTHONINTMAXSTRDIGITS": "700",
    "PYTHONSTARTUP": "/nothing",
    "LC_ALL": "C",
    "TZ": "Asia/Tokyo",
}
SETTINGS = """
    import faulthandler, gc, locale, os, sys, time, tracemalloc, warnings
    print(sys.flags, sys.warnoptions, sys.stdout.encoding, sys.stdout.errors, hash("text"))
    print(faulthandler.is_enabled(), tracemalloc.get_traceback_limit())
    print(getattr(sys, "get_int_max_str_digits", int)(), time.tzname, __debug__, locale.getlocale())
    print(sys.getfilesystemencoding(), sys.stdout.write_through, os.environ.get("{name}"))
    assert 1 == 2, "only without PYTHONOPTIMIZE"
    warnings.warn("a warning")
    """


@pytest.mark.parametrize("python", ORDERED[-1:])
@pytest.mark.parametrize("name", VARIABLES)
def test_interpreter_settings_in_the_environment_apply_in_a_fork(staged, folder, name, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    monkeypatch.setenv(name, VARIABLES[name])
    script = SETTINGS.format(name=name)
    same(staged, folder, monkeypatch, script)
