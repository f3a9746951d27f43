"""`python annotate_fork_server.py SOCKET SCRIPT`: forks a trial of the script for each request.

It imports the script's libraries once. It starts no thread and touches no GPU. If a library does,
or cannot be imported, it starts again without that library; where it cannot guarantee that a fork
behaves like a new process, it reports why and exits.

Messages are lines of JSON. Requests:
    start   id, argv, environment (changes only), isolation (options of annotate_isolate.py), stdin,
            stdout, stderr, mark (see leftovers.py)
    signal  id, number: send a signal to the trial's process group
    reap    id: kill what the trial left running, and let the system reuse its process ID
Answers:
    ready   libraries, seconds, left_out (the reason for each library that trials import themselves)
    refused reason
    started id, pid, time
    failed  id, reason
    ended   id, code
When the socket is closed, all trials are killed.
"""

import sys

_at_start = frozenset(sys.modules)

import contextlib  # noqa: E402
import ctypes  # noqa: E402
import errno  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import time  # noqa: E402

import annotate_ending  # noqa: E402
import annotate_isolate  # noqa: E402
import annotate_pages  # noqa: E402
import annotate_preload  # noqa: E402
import annotate_trial  # noqa: E402
import annotate_writes  # noqa: E402, F401  for the trials

_GRACE = 2.0  # seconds for trials to end by themselves after the driver is gone
_PR_SET_PDEATHSIG = 1
_RLIMIT_RTTIME = 15
_OOM_SCORE = "300"  # makes the out-of-memory killer prefer trials to this process and the driver


class _Server:
    def __init__(self, channel):
        self._channel = channel
        self._data = b""
        self._pids = {}  # from id to a process that is not reaped yet
        self._running = set()
        self._spare: tuple = ()  # the next trial's process, and the pipe for its request
        self._libc = ctypes.CDLL(None)
        self._pid = os.getpid()

    def serve(self):
        """Handle requests until the socket closes. Returns only in a fork: its request."""
        self._wake, self._wake_write = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._wake_write, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        self._pieces = annotate_pages.Pieces(self._libc)
        while True:
            # Fork the process for the next trial in advance, while others are running.
            if self._has_spare() is None:
                return self._take()
            ready = self._await()
            if self._wake in ready:
                os.read(self._wake, 4096)
                self._report_ends()
            for request in self._requests() if self._channel in ready else ():
                if request is None:
                    self._end_all()
                elif request["do"] == "start":
                    if self._start(request) is None:
                        return self._take()
                else:
                    self._obey(request)

    def _obey(self, request):
        if request["do"] == "ping":
            self.report("pong")
        elif request["do"] == "signal" and request["id"] in self._pids:
            _signal(self._pids[request["id"]], request["number"])
        elif request["do"] == "reap":
            pid = self._pids.pop(request["id"])
            _signal(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _await(self):
        """The descriptors that can be read. While trials run, uses the wait to collapse pages."""
        sources = [self._channel, self._wake]
        while self._pieces and self._running:
            ready, _, _ = select.select(sources, [], [], 0)
            if ready:
                return ready
            self._pieces.gather()
        return select.select(sources, [], [])[0]

    def report(self, event, **fields):
        data = json.dumps(dict(fields, event=event)).encode() + b"\n"
        try:
            self._channel.sendall(data)
        except OSError:
            self._end_all()

    def flush_c(self):
        self._libc.fflush(None)

    def _requests(self):
        try:
            data = self._channel.recv(65536)
        except OSError:
            data = b""  # the driver was killed before it read our answers
        *lines, self._data = (self._data + data).split(b"\n")
        return [json.loads(line) for line in lines] + ([] if data else [None])

    def _has_spare(self):
        """Fork a spare process if there is none. False if that fails; None in the new process."""
        if self._spare:
            return True
        read, write = os.pipe()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(read)
            os.close(write)
            self._fork_error = str(error)
            return False
        os.close(read if pid else write)
        self._spare = (pid, write if pid else read)
        return True if pid else None

    def _start(self, request):
        """Pass the request to the spare process. None in a spare process that was forked here."""
        began, line = time.time(), json.dumps(request).encode() + b"\n"
        while True:
            has = self._has_spare()
            if not has:
                if has is False:
                    self.report("failed", id=request["id"], reason=self._fork_error)
                return has
            pid, pipe = self._spare
            self._spare = ()
            taken = _write(pipe, line)
            os.close(pipe)
            if taken:
                self._pids[request["id"]] = pid
                self._running.add(request["id"])
                self.report("started", id=request["id"], pid=pid, time=began)
                return True
            os.waitpid(pid, 0)  # the spare process was killed while it waited

    def _take(self):
        """In the spare process: set it up like a new process, and return its request."""
        _, pipe = self._spare
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._channel.close()
        os.close(self._wake)
        os.close(self._wake_write)
        os.setsid()
        self._libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write(_OOM_SCORE)
        if os.getppid() != self._pid:
            os._exit(1)  # the server ended before the death signal was set
        _renew()
        request = json.loads(_read_line(pipe))
        os.close(pipe)
        if request["mark"] is not None:
            limit = (ctypes.c_ulong * 2)(request["mark"], request["mark"])
            self._libc.prlimit(0, _RLIMIT_RTTIME, limit, None)
        if request["stdin"] is not None:
            _replace(0, os.open(request["stdin"], os.O_RDONLY))
        _replace(1, _open(request["stdout"]))
        _replace(2, _open(request["stderr"]))
        for name, value in request["environment"].items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if request["isolation"] is not None:
            _isolate(request["isolation"])
        return request

    def _report_ends(self):
        for fork in list(self._running):
            end = _end(self._pids[fork])
            if end is not None:
                self._running.discard(fork)
                _signal(self._pids[fork], signal.SIGTERM)  # to processes that it left running
                exited = end.si_code == os.CLD_EXITED
                code = end.si_status if exited else -end.si_status
                self.report("ended", id=fork, code=code)

    def _end_all(self):
        for pid in self._pids.values():
            _signal(pid, signal.SIGTERM)
        until = time.monotonic() + _GRACE
        while any(_end(self._pids[n]) is None for n in self._running) and time.monotonic() < until:
            time.sleep(0.02)
        for pid in self._pids.values():
            _signal(pid, signal.SIGKILL)
        os._exit(0)  # the spare process ends with this one


def _isolate(options):
    try:
        annotate_isolate.enter(options)
    except OSError as error:
        print("--isolate: %s" % (error.strerror or error), file=sys.stderr, flush=True)
        os._exit(1)
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        setattr(processes, "ORIGINAL_DIR", os.getcwd())  # noqa: B010  unknown to type checkers


def _replace(number, file):
    os.dup2(file, number)
    os.close(file)


def _open(path):
    """Open the file for appending; waits while the disk is full."""
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
        time.sleep(1)


def _write(pipe, data):
    """Write all data; False if the pipe has no reader any more."""
    try:
        while data:
            data = data[os.write(pipe, data) :]
    except OSError:
        return False
    return True


def _read_line(pipe):
    """Read one line; ends this process if the pipe is closed before."""
    data = b""
    while not data.endswith(b"\n"):
        chunk = os.read(pipe, 65536)
        if not chunk:
            os._exit(0)
        data += chunk
    return data


def _signal(pid, number):
    """Signal the process group, or the process itself if it has no group yet."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    except PermissionError:
        pass


def _end(pid):
    """How the child ended, without reaping it; None while it runs."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)


def _renew():
    """Renew per-process state. Python's own random generator reseeds itself in a fork."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.default_generator.seed()
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        processes.current_process().authkey = os.urandom(32)
    logging = sys.modules.get("logging")
    if logging is not None:  # `relativeCreated` counts from here, since 3.13 in nanoseconds
        now = time.time_ns()
        private = vars(logging)
        private["_startTime"] = now if isinstance(private["_startTime"], int) else now / 1e9
    threading = sys.modules.get("threading")
    if threading is not None and hasattr(threading, "get_native_id"):
        threading.main_thread()._set_native_id()


def _serve(channel, script, left_out):
    server = _Server(channel)
    began = time.monotonic()
    try:
        annotate_trial.prepare(script)
        names = annotate_preload.preload(script, _at_start, left_out)
    except annotate_preload.Refused as error:
        server.report("refused", reason=str(error))
        os._exit(0)
    except annotate_preload.Unsafe as error:
        _start_without(dict(left_out, **{error.library: str(error)}))
    seconds = time.monotonic() - began
    server.report("ready", libraries=names, seconds=seconds, left_out=left_out, answers=True)
    last = next(reversed(sys.modules))
    code = annotate_trial.compiled(script)
    return server.serve(), last, server.flush_c, code


def _start_without(left_out):
    """Replace this process with a server that does not import these libraries."""
    kept = {0, 1, 2, int(sys.argv[1])}
    for number in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):  # the listing's own is closed
            os.set_inheritable(number, number in kept)
    sys.stdout.flush()
    sys.stderr.flush()
    with open("/proc/self/environ", "rb") as file:  # as it was when this process started
        pairs = [entry.partition(b"=") for entry in file.read().split(b"\0") if entry]
    command = [sys.executable, *sys.argv[:3], json.dumps(left_out)]
    os.execve(sys.executable, command, {name: value for name, _, value in pairs})


def _run(argv, code):
    try:
        annotate_trial.execute(argv, code)
    except SystemExit as error:
        return error.code
    return None


if __name__ == "__main__":
    _channel = socket.socket(fileno=int(sys.argv[1]))
    _left_out = json.loads(sys.argv[3]) if len(sys.argv) > 3 else {}
    _request, _last, _flush_c, _code = _serve(_channel, sys.argv[2], _left_out)
    if hasattr(sys, "orig_argv"):
        sys.orig_argv = [sys.executable, *_request["argv"]]
    if "NNI_COPY" in os.environ:  # the script has another path there
        annotate_trial.prepare(_request["argv"][0])
        _code = None
    annotate_ending.end(_run(_request["argv"], _code), _last, _flush_c)
