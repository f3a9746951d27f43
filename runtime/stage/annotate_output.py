"""`display` and `%%capture` of a notebook in a trial. Python 3.8, standard library only."""

import contextlib
import io
import sys

import annotate_magic_names  # type: ignore[import-not-found]

_capturing: list = []  # lists that collect what is displayed


def display(*objects, display_id=None, **options):
    """Print each object, as IPython does in a terminal."""
    for each in objects:
        show(each)
    if display_id is not None:
        return DisplayHandle(display_id)
    return None


def show(value):
    if _capturing:
        _capturing[-1].append(RichOutput(value))
    else:
        print(repr(value))


def show_if_captured(value):
    if _capturing:
        show(value)


class DisplayHandle:
    def __init__(self, display_id=None):
        self.display_id = display_id

    def display(self, value, **options):
        show(value)

    update = display


class RichOutput:
    """An object that was displayed while output was captured."""

    def __init__(self, value):
        self.data = {"text/plain": repr(value)}
        self.metadata: dict = {}

    def __repr__(self):
        return self.data["text/plain"]

    def display(self):
        show(self)


class CapturedIO:
    """What `%%capture` captured: `stdout` and `stderr` as text, and displayed `outputs`."""

    def __init__(self, stdout, stderr, outputs=None):
        self._stdout, self._stderr = stdout, stderr
        self.outputs = [] if outputs is None else outputs

    @property
    def stdout(self):
        return self._stdout.getvalue() if self._stdout else ""

    @property
    def stderr(self):
        return self._stderr.getvalue() if self._stderr else ""

    def show(self):
        """Write what was captured."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)
        for output in self.outputs:
            output.display()

    __call__ = show

    def __str__(self):
        return self.stdout


class capture_output:  # noqa: N801  IPython's name
    """Captures output in a `with` statement."""

    def __init__(self, stdout=True, stderr=True, display=True):
        self.stdout, self.stderr, self.display = stdout, stderr, display

    def __enter__(self):
        out = io.StringIO() if self.stdout else None
        err = io.StringIO() if self.stderr else None
        outputs: list = []
        with contextlib.ExitStack() as stack:
            if out:
                stack.enter_context(contextlib.redirect_stdout(out))
            if err:
                stack.enter_context(contextlib.redirect_stderr(err))
            if self.display:
                _capturing.append(outputs)
                stack.callback(_capturing.pop)
            self._stack = stack.pop_all()
        return CapturedIO(out, err, outputs)

    def __exit__(self, *error):
        self._stack.close()


@contextlib.contextmanager
def captured(options, names):
    """Capture the output of a cell as `%%capture` does; shows it if the cell fails.

    `options` is None for a cell without that magic.
    """
    if options is None:
        yield
        return
    kinds = ("stdout", "stderr", "display")
    capture = capture_output(**{kind: "--no-" + kind not in options.split() for kind in kinds})
    with contextlib.ExitStack() as stack:
        result = stack.enter_context(capture)
        try:
            yield
        except BaseException:
            stack.close()
            result.show()
            raise
    if name := annotate_magic_names.capture_name(options):
        names[name] = result
