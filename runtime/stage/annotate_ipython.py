"""IPython's modules for a notebook in a trial. Python 3.8, standard library only.

Where IPython is not installed, stand-ins have the names that notebooks use. Where it is, only the
notebook's own `get_ipython()` differs. Libraries see no Jupyter in either case.
"""

import os
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

import annotate_output
import annotate_shell

#: Classes of `IPython.display`, which a terminal shows by their name.
_SHOWN = (
    *("Audio", "Code", "DisplayObject", "FileLink", "FileLinks", "GeoJSON", "HTML", "IFrame"),
    *("Image", "JSON", "Javascript", "Latex", "Markdown", "Math", "Pretty", "SVG"),
    *("TextDisplayObject", "Video", "YouTubeVideo"),
)


def install(shell):
    """Prepare this process's imports for a notebook with this `shell`."""
    changes = {
        "IPython": lambda module: _answer(module, shell),
        "IPython.core.getipython": lambda module: _answer(module, shell),
        "tqdm.notebook": _print_bars,
        "google.colab.drive": _mount_nothing,
        "google.colab._message": _ask_nothing,
    }
    for name, change in changes.items():
        if name in sys.modules:
            change(sys.modules[name])
    sys.meta_path.insert(0, _Changing(changes))
    sys.meta_path.append(_StandIns(shell))


class _Changing:
    """Finds modules like the other finders, and changes some of them when they are loaded."""

    def __init__(self, changes):
        self._changes = changes

    def find_spec(self, name, path=None, target=None):
        change = self._changes.get(name)
        if change is None:
            return None
        others = (finder for finder in sys.meta_path if not isinstance(finder, _Changing))
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None or isinstance(spec.loader, _StandIns) or spec.loader is None:
            return spec
        plain = spec.loader.exec_module

        def exec_module(module):
            plain(module)
            change(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


class _StandIns(Loader):
    """Finds and loads stand-ins for IPython's modules where it is not installed."""

    def __init__(self, shell):
        self._shell = shell
        self._modules: dict = {}

    def find_spec(self, name, path=None, target=None):
        if name == "IPython" and not self._modules:
            self._modules = _modules(self._shell)
        if name not in self._modules:
            return None
        return ModuleSpec(name, self, is_package=hasattr(self._modules[name], "__path__"))

    def create_module(self, spec):
        return self._modules[spec.name]

    def exec_module(self, module):
        """The module has its names since it was created."""


def _modules(shell):
    displays = {name: _display_class(name) for name in _SHOWN}
    for name in ("clear_output", "set_matplotlib_formats", "set_matplotlib_close"):
        displays[name] = _do_nothing
    displays["display"] = annotate_output.display
    displays["update_display"] = lambda value, **options: annotate_output.show(value)
    displays["DisplayHandle"] = annotate_output.DisplayHandle
    own = {"InteractiveShell": type(shell)}
    capture = {"capture_output": annotate_output.capture_output}
    contents = {
        "IPython": {"get_ipython": _do_nothing, **own},
        "IPython.display": displays,
        "IPython.core": {},
        "IPython.core.display": displays,
        "IPython.core.display_functions": displays,
        "IPython.core.getipython": {"get_ipython": _do_nothing},
        "IPython.core.interactiveshell": own,
        "IPython.utils": {},
        "IPython.utils.capture": capture,
        "IPython.utils.io": capture,
    }
    modules = {name: _module(name, names) for name, names in contents.items()}
    for name in ("IPython", "IPython.core.getipython"):
        _answer(modules[name], shell)
    for name, module in modules.items():
        if any(other.startswith(name + ".") for other in modules):
            module.__path__ = []
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    return modules


def _module(name, names):
    def missing(attribute):
        if not attribute.startswith("__"):
            text = "%s.%s is not available, because %s has no IPython"
            raise AttributeError(text % (name, attribute, sys.executable))
        raise AttributeError(attribute)

    module = ModuleType(name)
    module.__dict__.update(names, __getattr__=missing)
    return module


def _display_class(name):
    def init(self, data=None, *positional, **options):
        self.data = data
        self.__dict__.update(options)

    shown = "<IPython.core.display.%s object>" % name
    return type(name, (), {"__init__": init, "__repr__": lambda self: shown})


def _do_nothing(*positional, **options):
    """For what has no effect outside Jupyter."""


def _answer(module, shell):
    """Have `get_ipython()` return the shell to the notebook, and to libraries what it did."""
    plain = module.get_ipython

    def get_ipython():
        is_notebook = sys._getframe(1).f_globals is shell.user_ns
        return shell if is_notebook else plain()

    module.get_ipython = get_ipython


def _print_bars(module):
    """Replace progress bars that only a browser shows."""
    text = sys.modules["tqdm"].std
    module.tqdm = module.tqdm_notebook = text.tqdm
    module.trange = module.tnrange = text.trange


def _mount_nothing(module):
    """Use the drive that is mounted, because only the notebook's page can mount it."""

    def mount(mountpoint, *positional, **options):
        if not os.path.isdir(os.path.join(os.path.expanduser(mountpoint), "My Drive")):
            annotate_shell.refuse("drive.mount(%r)" % mountpoint)
        print("Drive already mounted at %s" % mountpoint)

    module.mount = mount


def _ask_nothing(module):
    """Refuse requests to the notebook's page, such as for a file or a secret."""

    def blocking_request(request_type, *positional, **options):
        annotate_shell.refuse("Colab's request %r" % request_type)

    module.blocking_request = module.send_request = blocking_request
