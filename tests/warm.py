"""Runs the command line in forks of one process that has imported it.

Starting `python -m annotate` anew takes half a second of a processor, mostly for imports. Tests of
how our processes start do that; all others take a fork, which is a process of its own in all else.
"""

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


class WarmStart:
    """Starts commands: `run` is like `subprocess.run`. A second command at a time starts anew."""

    def __init__(self):
        self._environment = _interpreters(os.environ)
        ours, its = socket.socketpair()
        with its:
            command = [sys.executable, str(Path(__file__)), str(its.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[its.fileno()])
        self._socket = ours
        self._lock = threading.Lock()

    def close(self):
        self._socket.close()  # which ends it
        self._process.wait(timeout=60)

    def run(self, words, *, cwd, env, timeout):
        """Run `annotate WORDS` without input; raises subprocess.TimeoutExpired."""
        if _interpreters(env) != self._environment or not self._lock.acquire(blocking=False):
            return _run_anew(words, cwd=cwd, env=env, timeout=timeout)
        with contextlib.ExitStack() as stack:
            stack.callback(self._lock.release)
            devnull = stack.enter_context(Path(os.devnull).open("rb"))
            out, out_end = map(stack.enter_context, _pipe())
            err, err_end = map(stack.enter_context, _pipe())
            request = json.dumps([list(words), str(cwd), dict(env)]).encode()
            fds = [devnull.fileno(), out_end.fileno(), err_end.fileno()]
            socket.send_fds(self._socket, [len(request).to_bytes(8, "big")], fds)
            self._socket.sendall(request)
            pid = int(self._answer())
            out_end.close()
            err_end.close()
            texts = _read(out, err, time.monotonic() + timeout)
            if texts is None:
                os.kill(pid, signal.SIGKILL)
                self._answer()
                raise subprocess.TimeoutExpired(words, timeout)
            code = int(self._answer())
        return subprocess.CompletedProcess(words, code, *texts)

    def _answer(self):
        answer = self._socket.recv(20)
        assert answer, "the process that forks commands has ended"
        return answer


def _interpreters(environment):
    """The variables that Python, its loader or its libraries read when they start."""
    names = ("PYTHON", "LD_", "LC_", "LANG", "TZ", "OPENBLAS_", "OMP_")
    return {name: value for name, value in environment.items() if name.startswith(names)}


def _run_anew(words, **options):
    command = [sys.executable, "-m", "annotate", *words]
    none = subprocess.DEVNULL
    return subprocess.run(
        command, stdin=none, capture_output=True, text=True, check=False, **options
    )


def _pipe():
    read, write = os.pipe()
    return os.fdopen(read, "rb", buffering=0), os.fdopen(write, "wb", buffering=0)


def _read(out, err, deadline):
    """Both texts to their ends; None if that takes too long."""
    data = {out: [], err: []}
    waiting = {out, err}
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], max(0, deadline - time.monotonic()))
        if not ready:
            return None
        for stream in ready:
            chunk = stream.read(1 << 16)
            data[stream].append(chunk)
            if not chunk:
                waiting.remove(stream)
    return [b"".join(data[stream]).decode().replace("\r\n", "\n") for stream in (out, err)]


def _serve(requests):
    """Fork a command for each request until the other end closes."""
    while True:
        head, fds, _, _ = socket.recv_fds(requests, 8, 3)
        if not head:
            return
        size = int.from_bytes(head, "big")
        request = b""
        while len(request) < size:
            request += requests.recv(size - len(request))
        pid = os.fork()
        if pid == 0:
            requests.close()
            _exit(_become(fds, *json.loads(request)))
        for fd in fds:
            os.close(fd)
        requests.send(b"%20d" % pid)
        requests.send(b"%20d" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _become(fds, words, cwd, environment):
    """Be the process that the command line would have started; returns its exit code."""
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        errors = "backslashreplace" if name == "stderr" else "strict"
        stream = os.fdopen(number, "w" if number else "r", closefd=False, errors=errors)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.argv = ["annotate", *words]
    sys.path.insert(0, "")
    import annotate_hpo

    try:
        return annotate_hpo.main()
    except SystemExit as end:  # argparse's, after --help
        return end.code or 0


def _exit(code):
    """End as Python does, but leave memory to the kernel: all those modules take a while."""
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


#: Not imported by commands: programs of other processes, and what needs Ray.
_OTHERS = (
    "annotate.__main__",
    "runtime.stage",
    "runtime.server",
    "runtime.executors.ray.actor",
    "runtime.executors.ray.gateway",
)


def _import_all():
    """Import what commands import when they need it."""
    import annotate
    import runtime

    for name in ("auto", "random"):
        importlib.import_module(f"tuners.{name}")
    for package in (annotate, runtime):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith(_OTHERS):
                importlib.import_module(module.name)
    assert threading.active_count() == 1


if __name__ == "__main__":
    del sys.path[0]  # tests/, whose folders have the names of our packages
    _import_all()
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        _serve(requests)
