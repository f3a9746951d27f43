"""Finds the imports that a script will certainly execute, without running it.

Follows the statements in the order of execution, also through the user's own modules. Stops where
the script, or a library unknown to us, may change the environment, the processor's cores, the
working folder or the import path, because later imports may then differ.
"""

import ast
import os
import sys
from importlib.machinery import PathFinder

import annotate_frozen
import annotate_trial
from annotate_libraries import HARMLESS, LATE, LIBRARIES, STANDARD

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_SEEDS = {
    *("manual_seed", "seed", "seed_all", "seed_everything", "set_random_seed", "set_seed"),
    *("set_state", "setstate"),
}
_READS = {"get", "keys", "values", "items", "copy"}
_WRITES = {"setdefault", "pop"}
_MAGICS = {"magic", "run_cell_magic", "run_line_magic"}  # such as %env
_CHANGING = {
    *("chdir", "cpu_affinity", "load_dotenv", "patch_all", "putenv", "sched_setaffinity"),
    *("unsetenv", *_MAGICS),
}
_PATHS = {"meta_path", "modules", "path", "path_hooks"}


def find(program):
    """(module, names imported from it, seeded) for each certain import of a library, in order.

    `seeded` tells whether a generator of random numbers may have been seeded before.
    """
    search = _Search()
    script, name = annotate_trial.script_of(program), annotate_trial.module_of(program)
    copy = annotate_frozen.frozen(script) if script else None
    if copy is None:
        return search.imports
    is_main = os.path.basename(script) == "__main__.py" and not name.endswith("__main__")
    package = name if is_main else name.rpartition(".")[0]
    if package:
        search.packages(copy, package)
    search.file(copy, package, main=True)
    return search.imports


class _Search:
    def __init__(self):
        self.imports = []
        self._files = set()
        self._stopped = False  # later imports may depend on a change of environment or path
        self._armed = False  # a function is defined that makes such a change when called
        self._seeded = False

    def file(self, path, package, main=False):
        """Follow the file `path`, a module of `package`."""
        if path in self._files or self._stopped:
            return
        self._files.add(path)
        try:
            with open(path, "rb") as file:
                body = ast.parse(file.read()).body
        except (OSError, SyntaxError, ValueError, RecursionError):
            self._stopped = True
            return
        self._body(body, package, main)

    def packages(self, copy, package):
        """Follow the packages around the file `copy`, outermost first."""
        parts = package.split(".")
        folder = os.path.dirname(copy)
        for _ in parts:
            folder = os.path.dirname(folder)
        self._own(folder, package, ())

    def _body(self, body, package, main):
        for statement in body:
            if self._stopped:
                return
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    self._module(alias.name, ())
            elif isinstance(statement, ast.ImportFrom):
                module = _absolute(statement, package)
                self._module(module, tuple(alias.name for alias in statement.names))
            elif isinstance(statement, ast.Try):
                self._body(statement.body, package, main)
                self._other(statement)
            elif main and _is_main_guard(statement):
                self._body(statement.body, package, main)
            else:
                self._other(statement)

    def _module(self, module, names):
        top = module.partition(".")[0]
        if self._stopped or not top or top in sys.builtin_module_names:
            return
        folder = users_folder(top)
        spec = None if folder else PathFinder.find_spec(top)
        if spec is not None and spec.origin is None:
            folder = users_folder(top, whole=False)
        if folder is not None:
            self._own(folder, module, names)
        elif spec is not None:
            self.imports.append((module, names, self._seeded))
            if top not in LIBRARIES and top not in STANDARD and top not in HARMLESS:
                self._stopped = _changes_environment(spec.origin)
        else:
            self._stopped = True  # missing, or found only by an import hook

    def _own(self, folder, module, names):
        """Follow every file of the user's that importing `names` from `module` runs."""
        parts = module.split(".")
        steps = [parts[: n + 1] for n in range(len(parts))] + [[*parts, name] for name in names]
        for step in steps:
            place = os.path.join(folder, *step)
            if os.path.isfile(os.path.join(place, "__init__.py")):
                self.file(os.path.join(place, "__init__.py"), ".".join(step))
            elif os.path.isfile(place + ".py"):
                self.file(place + ".py", ".".join(step[:-1]))

    def _other(self, statement):
        direct, whole = list(_direct(statement)), list(ast.walk(statement))
        calls = any(isinstance(node, ast.Call) for node in direct)
        self._seeded = self._seeded or any(_name(node) in _SEEDS for node in whole)
        if _changes(direct, _is_lever) or (self._armed and calls):
            self._stopped = True
        elif _changes(whole, _is_lever):
            self._armed = True


def users_folder(top, whole=True):
    """The snapshot's copy of the path entry that contains the user's module `top`, or None.

    With `whole=False`, a package folder without `__init__.py` counts too.
    """
    for entry in sys.path:
        folder = annotate_frozen.frozen(entry or os.getcwd())
        if folder is not None:
            place = os.path.join(folder, top)
            package = os.path.join(place, "__init__.py") if whole else place
            if os.path.isfile(place + ".py") or os.path.exists(package):
                return folder
    return None


def _absolute(statement, package):
    if not statement.level:
        return statement.module or ""
    parents = package.split(".")
    kept = parents[: len(parents) - statement.level + 1]
    return ".".join([*kept, statement.module] if statement.module else kept)


def _is_main_guard(statement):
    if not isinstance(statement, ast.If) or not isinstance(statement.test, ast.Compare):
        return False
    test = statement.test
    words = {getattr(side, "id", getattr(side, "value", None)) for side in _sides(test)}
    return isinstance(test.ops[0], ast.Eq) and words == {"__name__", "__main__"}


def _sides(test):
    return [test.left, *test.comparators]


def _direct(statement):
    """The nodes executed with the statement itself, which excludes bodies of functions."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, _FUNCTIONS):
            waiting.extend(getattr(node, "decorator_list", ()))
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _changes(nodes, lever):
    """Whether the nodes may use a lever to change something."""
    harmless = {id(node) for user in nodes for node in _harmless(user)}
    return any(id(node) not in harmless and lever(node) for node in nodes)


def _changes_environment(path):
    """Whether importing a library may do so, by the file `path`, with which its import begins."""
    try:
        with open(path, "rb") as file:
            text = file.read()
        if not any(word.encode() in text for word in ("environ", *_CHANGING)):
            return False  # as almost all libraries
        body = ast.parse(text).body
    except (OSError, SyntaxError, ValueError, RecursionError):
        return False  # an extension module, or a file that fails in every trial
    armed = False
    for statement in body:
        direct = list(_direct(statement))
        if _changes(direct, _is_outside) or (
            armed and any(isinstance(n, ast.Call) for n in direct)
        ):
            return True
        armed = armed or _changes(list(ast.walk(statement)), _is_outside)
    return False


def _is_outside(node):
    if isinstance(node, ast.Attribute) and node.attr == "environ":
        return getattr(node.value, "id", None) == "os"
    return _name(node) == "environ" or _name(node) in _CHANGING


def _name(node):
    return getattr(node, "attr", None) or getattr(node, "id", None)


def _is_lever(node):
    if _is_outside(node) or getattr(node, "attr", None) == "environ":
        return True
    is_sys = isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "sys"
    return is_sys and node.attr in _PATHS


def _harmless(user):
    """Children of `user` that it only reads, or changes in a way that affects no import."""
    if isinstance(user, ast.Subscript):
        if isinstance(user.ctx, ast.Load) or _text(user.slice) in LATE:
            yield user.value
    elif isinstance(user, ast.Attribute) and user.attr in _READS:
        yield user.value
    elif isinstance(user, ast.Compare):
        yield from user.comparators
    elif isinstance(user, ast.Call) and isinstance(user.func, ast.Attribute):
        late = user.func.attr in _WRITES and user.args and _text(user.args[0]) in LATE
        # Entries appended to the path hide no earlier entry.
        if late or (user.func.attr == "append" and getattr(user.func.value, "attr", "") == "path"):
            yield user.func.value


def _text(node):
    node = node.value if type(node).__name__ == "Index" else node  # Python 3.8
    return getattr(node, "value", None)
