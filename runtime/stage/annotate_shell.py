"""A notebook's `get_ipython()` in a trial. Python 3.8, standard library only.

It does what a trial can do without Jupyter, and raises NeedsJupyter for the rest.
"""

import os
import re
import string
import subprocess
import sys

import annotate_magic_names as magic_names  # type: ignore[import-not-found]
import annotate_output

#: Options such as `-n 10 -r 3`, before the code that a magic times.
_TIMED = re.compile(r"(?:-\w+(?:[ \t]*\d+)?[ \t]+)+")
_DOLLAR = re.compile(r"\$(\$|[A-Za-z_]\w*(?:\.\w+)*)")


class NeedsJupyter(RuntimeError):
    """A notebook asks for something that only Jupyter has."""


def refuse(what):
    raise NeedsJupyter("%s needs Jupyter, which trials do not use" % what)


def on_colab():
    return "COLAB_RELEASE_TAG" in os.environ


class SList(list):
    """The lines that a shell command printed, as IPython returns them."""

    l = list_ = property(list)  # noqa: E741  IPython's name
    n = nlstr = property("\n".join)
    s = spstr = property(" ".join)


class InteractiveShell:
    """What `get_ipython()` returns; `user_ns` has the notebook's names.

    With `keeps_out`, `Out` keeps the value of each cell, as in IPython.
    """

    def __init__(self, user_ns, keeps_out=False):
        self.user_ns = user_ns
        self.config: dict = {}
        self.execution_count = 0
        self._keeps_out = keeps_out
        self._latest = {"_": "", "__": "", "___": ""}
        self._folder = os.getcwd()
        user_ns.update(self._latest, In=[""], Out={})
        self._given = set(user_ns) | {"get_ipython", "display"}
        if on_colab():  # notebooks look for google.colab in its name
            cls = type(self)
            cls.__module__, cls.__name__, cls.__qualname__ = "google.colab._shell", "Shell", "Shell"

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError("get_ipython().%s needs Jupyter, which trials do not use" % name)

    def begin(self, text):
        """Number a cell that is about to run."""
        self.execution_count += 1
        if isinstance(self.user_ns.get("In"), list):
            self.user_ns["In"].append(text)

    def end(self, value):
        """Note the value of the last expression in a cell."""
        names = self.user_ns
        if value is None:
            return
        annotate_output.show_if_captured(value)
        if all(names.get(name) is latest for name, latest in self._latest.items()):
            self._latest = {"_": value, "__": self._latest["_"], "___": self._latest["__"]}
            names.update(self._latest)
        if self._keeps_out:
            names["Out"][self.execution_count] = names["_%d" % self.execution_count] = value

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        """Run a line magic, or skip one that does not affect Python."""
        if magic_name in magic_names.TIMES:
            return self._once(_TIMED.sub("", line.strip(), count=1))
        line = _expanded(line, sys._getframe(_stack_depth)).strip()
        if magic_name in magic_names.RUN | magic_names.VALUES:
            return getattr(self, "_" + magic_name)(line)
        if magic_name in magic_names.SHELL:
            return self.system(line)
        if magic_name not in magic_names.IDLE:
            refuse("%" + magic_name)
        return None

    def magic(self, arg_s):
        name, _, line = arg_s.lstrip("%").partition(" ")
        return self.run_line_magic(name, line, _stack_depth=2)

    def run_cell_magic(self, magic_name, line, cell):
        """Write a file, run a cell once, or skip one that does not affect Python."""
        if magic_name in magic_names.TIMES:
            return self._once(cell)
        if magic_name in magic_names.WRITES and not line.strip().startswith("-"):
            _write(_path(_expanded(line, sys._getframe(1))), cell)
        elif not magic_names.is_skipped_cell(magic_name, line):
            refuse("%%" + magic_name)
        return None

    def _once(self, code):
        """Run Python code in the notebook's names; return the value of a lone expression."""
        try:
            code = compile(code, "<magic>", "eval")
        except SyntaxError:
            code = compile(code, "<magic>", "exec")
        return eval(code, self.user_ns)

    def system(self, cmd):
        """Skip a shell command, as trials do with a line that begins with an exclamation mark."""
        print("annotate: trials skip !%s" % cmd, file=sys.stderr)

    system_raw = system_piped = system

    def getoutput(self, cmd, split=True, depth=0):
        """Run a shell command; return what it prints."""
        done = subprocess.run(
            _expanded(cmd, sys._getframe(depth + 1)),
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            errors="replace",
            check=False,
        )
        return SList(done.stdout.splitlines()) if split else done.stdout

    def _cd(self, line):
        quiet = line.split()[:1] == ["-q"]
        target = line[2:].strip() if quiet else line
        place = self._folder if target == "-" else _path(target or "~")
        here = os.getcwd()
        try:
            os.chdir(place)
        except OSError as error:  # the notebook goes on, as in IPython
            print(error, file=sys.stderr)
            return
        self._folder = here
        if not quiet:
            print(os.getcwd())

    def _pwd(self, line):
        return os.getcwd()

    def _env(self, line):
        name, sign, value = line.partition("=" if "=" in line else " ")
        if sign:
            os.environ[name.strip()] = value.strip()
            print("env: %s=%s" % (name.strip(), value.strip()))
            return None
        return os.environ[line] if line else dict(os.environ)

    _set_env = _env

    def _reset(self, line):
        for name in set(self.user_ns) - self._given:
            del self.user_ns[name]


def _path(text):
    """A path as magics take it: in quotes, with escaped spaces, or from the home folder."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return os.path.expanduser(text.replace("\\ ", " "))


def _write(path, text):
    """Write a file that other trials may read; leave one with this text alone."""
    data = text.encode("utf-8", "surrogatepass")
    try:
        with open(path, "rb") as file:
            if file.read() == data:
                return
    except OSError:
        pass
    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "wb") as file:
        file.write(data)
    os.replace(temporary, path)


class _Expander(string.Formatter):
    def __init__(self, frame):
        self._frame = frame

    def expand(self, text):
        parts = []
        for literal, name, spec, _ in self.parse(text):
            parts.append(_DOLLAR.sub(self._variable, literal))
            if name is not None:
                code = name + (":" + spec if spec else "")
                parts.append(str(eval(code, self._frame.f_globals, self._frame.f_locals)))
        return "".join(parts)

    def _variable(self, match):
        if match[1] == "$":
            return "$"
        try:
            return str(eval(match[1], self._frame.f_globals, self._frame.f_locals))
        except Exception:
            return match[0]  # a variable of the shell


def _expanded(text, frame):
    """Replace `{expression}` and `$name` by their values in a frame, where they have one."""
    if "$" not in text and "{" not in text:
        return text
    try:
        return _Expander(frame).expand(text)
    except Exception:
        return text  # braces of the command itself
