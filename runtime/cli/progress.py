"""Shows an experiment's progress on standard error."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from annotate.space import SearchSpace
from runtime.cli import terminal
from runtime.cli.text import gpu_line, number, values_line
from runtime.core.config import Config
from runtime.core.failures import Failure
from runtime.core.new_settings import resumed
from runtime.core.objective import goal
from runtime.core.paths import ExperimentFolder
from runtime.core.trial import Origin, Trial, TrialState
from runtime.system.units import count, duration

if TYPE_CHECKING:
    from rich.console import RenderableType

_CLOCK = 1.0  # seconds between two drawings while nothing changes
_FRAME = 0.125  # seconds between two drawings at least
_MOST_RUNNING = 12  # rows of running trials that fit on a screen


class Progress:
    """Follows an experiment; subclasses draw it."""

    def __init__(self, config: Config, space: SearchSpace, folder: ExperimentFolder) -> None:
        self.config = config
        self.names: Mapping[str, str] = space.names
        self.folder = folder
        self.space = "own search space" if space.foreign else count(len(space), "parameter")
        self._current: dict[int, Trial] = {}  # those that have not ended
        self._over: set[int] = set()  # the numbers of the others
        self.best: Trial | None = None
        self.new_settings: tuple[str, ...] = ()
        self.began = time.monotonic()
        self._failures: Counter[str] = Counter()

    def __enter__(self) -> Progress:
        self.say(
            f"experiment {self.folder.id}: {self.config.shown}, {self.space}, "
            f"{self.config.tuner}, {goal(self.config, new=not self.ended)}, "
            f"seed {self.config.seed}{_other_python(self.config)}{self._resumed()}"
        )
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return len(self._over)

    def _resumed(self) -> str:
        """What is new in an experiment that resumes."""
        if not self.ended and not self.new_settings:
            return ""
        return resumed(self.ended, self.config, self.new_settings)

    def recall(self, trials: Iterable[Trial]) -> None:
        """Count the trials that ended before this driver started."""
        for trial in trials:
            if trial.state.ended:
                self._over.add(trial.number)
                self.best = trial if self._is_better(trial) else self.best

    def say(self, text: str) -> None:
        """Print a permanent line."""
        terminal.say(text)

    def note(self, text: str) -> None:
        logging.info(text)
        self.say(text)

    def changed(self, trial: Trial) -> None:
        logging.debug("trial %d %s, %d reports", trial.number, trial.state.value, trial.reports)
        if not trial.state.ended:
            self._current[trial.number] = trial
        elif trial.number not in self._over:
            self._current.pop(trial.number, None)
            self._over.add(trial.number)
            better = self._is_better(trial)
            if better:
                self.best = trial
            self.say(self._line(trial, better=better))
            logging.info("trial %d %s %s", trial.number, trial.state.value, trial.reason or "")

    def failed(self, trial: Trial, failure: Failure) -> None:
        """Show the last lines of the first failure of each kind; only count further ones."""
        self._failures[failure.kind] += 1
        if self._failures[failure.kind] == 1 and failure.output:
            self.say("\n".join(f"     | {line}" for line in failure.output.splitlines()))
            self.say(f"     full output: {self.folder.trial(trial.number).stderr}")

    def _is_better(self, trial: Trial) -> bool:
        if not trial.ranks or trial.metric is None:
            return False
        if self.best is None or self.best.metric is None:
            return True
        sign = 1 if self.config.maximize else -1
        return sign * trial.metric > sign * self.best.metric

    def _line(self, trial: Trial, *, better: bool) -> str:
        took = duration(trial.seconds(time.time()) or 0.0)
        values = values_line(trial.values, self.names)
        mark = "as written " if trial.origin is Origin.BASELINE else "best " if better else ""
        if trial.state is not TrialState.SUCCEEDED:
            earlier = self._failures[Failure(trial.reason or "", "").kind]
            times = f" ({earlier + 1} times)" if earlier else ""
            result = f"{trial.state.value}: {terminal.visible(trial.reason or '')}{times} "
        else:
            result = f"{number(trial.metric if trial.metric is not None else float('nan')):>8} "
        return f"{trial.number:4d} {result} {took:>6}  {self._machine(trial)}{mark}{values}"

    def _machine(self, trial: Trial) -> str:
        """The trial's machine as a column, if there are several."""
        names = [host.partition("*")[0].strip() for host in self.config.hosts.split(",")]
        if trial.place is None or len(names) < 2:
            return ""
        name = terminal.visible(str(trial.place.get("machine")))
        return f"{name:<{max(map(len, names))}}  "

    def running(self) -> list[Trial]:
        states = (TrialState.RUNNING, TrialState.WAITING)
        return [t for t in list(self._current.values()) if t.state in states]


class LinesProgress(Progress):
    """Prints one line per trial, for pipes, files and `--json`."""


class LiveProgress(Progress):
    """Prints the same lines, and below them the running trials, a bar and the best result."""

    def __init__(self, config: Config, space: SearchSpace, folder: ExperimentFolder) -> None:
        super().__init__(config, space, folder)
        self._changed = threading.Event()
        self._closing = threading.Event()

    def __enter__(self) -> Progress:
        from rich.console import Console
        from rich.live import Live

        self._console = Console(stderr=True, highlight=False)
        super().__enter__()
        self._live = Live(
            get_renderable=self._draw,
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        self._screen = threading.Thread(target=self._refresh, name="screen", daemon=True)
        self._screen.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self._changed.set()
        self._screen.join()
        with suppress(OSError):
            self._live.stop()

    def changed(self, trial: Trial) -> None:
        super().changed(trial)
        self._changed.set()

    def _refresh(self) -> None:
        """Draw each change soon, and otherwise the clocks once a second."""
        while not self._closing.is_set():
            changed = self._changed.wait(_CLOCK)
            self._changed.clear()
            with suppress(OSError, ValueError):  # the terminal is gone
                self._live.refresh()
            if changed:
                self._closing.wait(_FRAME)

    def say(self, text: str) -> None:
        with suppress(OSError):  # the terminal is gone
            self._console.print(terminal.visible(text, lines=True), markup=False, soft_wrap=True)

    def _draw(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table

        table = Table.grid(padding=(0, 2))
        running = self.running()
        for trial in running[:_MOST_RUNNING]:
            took = trial.seconds(time.time())
            last = (
                trial.reason or ""
                if trial.last is None
                else f"{number(trial.last)} at {trial.reports}"
            )
            table.add_row(
                terminal.cell(f"{trial.number:4d} ▸", style="cyan"),
                terminal.cell(_how_far(trial, took), style="cyan"),
                terminal.cell(self._machine(trial) + gpu_line(trial.gpu), style="cyan"),
                terminal.cell(last or trial.reason or "", style="bold"),
                terminal.cell(values_line(trial.values, self.names) or "as written", style="dim"),
            )
        if len(running) > _MOST_RUNNING:
            table.add_row(
                terminal.cell("   …"), terminal.cell(f"and {len(running) - _MOST_RUNNING} more")
            )
        return Group(table, self._bar())

    def _bar(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        limit = self.config.max_trials
        row = Table.grid(padding=(0, 2))
        counted = f"{self.ended}/{limit} trials" if limit else count(self.ended, "trial")
        elapsed = duration(int(time.monotonic() - self.began))
        cells: list[RenderableType] = [
            terminal.cell(counted),
            terminal.cell(elapsed, style="cyan"),
        ]
        if limit:
            cells.insert(0, ProgressBar(total=limit, completed=self.ended, width=30))
        if self.best is not None and self.best.metric is not None:
            name = f"{self.config.metric_name} " if self.config.metric_name else ""
            best = f"best {name}{number(self.best.metric)} (trial {self.best.number})"
            cells.append(terminal.cell(best, style="bold green"))
        row.add_row(*cells)
        return row


def _other_python(config: Config) -> str:
    """The trials' interpreter for the first line, if it is not the one that runs us."""
    if config.command or config.python == sys.executable:
        return ""
    return f", {config.python}"


def _how_far(trial: Trial, took: float | None) -> str:
    if took is not None:
        return duration(int(took))
    return "waiting" if trial.reason else "starting"
