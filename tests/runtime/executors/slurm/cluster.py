"""A Slurm of the tests' own on this machine: a controller and two nodes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel")


def missing():
    """Why there can be no cluster here; None if there can."""
    absent = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
    if absent:
        return f"needs Slurm: there is no {absent[0]}"
    return None if os.getuid() == 0 else "needs to start Slurm as root"


@dataclass
class Cluster:
    """Nodes n1 and n2 with homes of their own. `folder` has what the daemons keep."""

    folder: Path
    daemons: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def variables(self):
        """Environment variables with which Slurm's programs find this cluster."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def home(self, node):
        return self.folder / f"home-{node}"

    def write(self):
        """Write the configuration."""
        for name in ("state", "spool-n1", "spool-n2", "home-n1", "home-n2"):
            (self.folder / name).mkdir()
        ports = {name: _free_port() for name in ("slurmctld", "n1", "n2")}
        host = socket.gethostname().partition(".")[0]
        nodes = "".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[name]} CPUs=4"
            " RealMemory=1000\n"
            for name in ("n1", "n2")
        )
        prolog = self.folder / "prolog"
        prolog.write_text(
            f"#!/bin/sh\necho export HOME={self.folder}/home-$SLURMD_NODENAME\n"
            f"echo export PATH={os.environ['PATH']}\n"
        )
        prolog.chmod(0o755)
        (self.folder / "slurm.conf").write_text(
            f"ClusterName=annotate\nSlurmctldHost={host}(127.0.0.1)\n"
            f"SlurmctldPort={ports['slurmctld']}\n"
            "AuthType=auth/none\nCredType=cred/none\nSlurmUser=root\nSlurmdUser=root\n"
            "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n"
            "JobAcctGatherType=jobacct_gather/none\n"
            "AccountingStorageType=accounting_storage/none\nJobCompType=jobcomp/none\n"
            "MpiDefault=none\nSwitchType=switch/none\nReturnToService=2\n"
            "SlurmdParameters=config_overrides\nSelectType=select/cons_tres\nSelectTypeParameters=CR_CPU\n"
            "SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,"
            "bf_interval=1\n"
            f"SlurmdTimeout=10\nKillWait=5\nGresTypes=gpu\nTaskProlog={prolog}\n"
            f"StateSaveLocation={self.folder}/state\nSlurmdSpoolDir={self.folder}/spool-%n\n"
            f"SlurmctldPidFile={self.folder}/slurmctld.pid\nSlurmdPidFile={self.folder}/%n.pid\n"
            f"SlurmctldLogFile={self.folder}/slurmctld.log\nSlurmdLogFile={self.folder}/%n.log\n"
            f"{nodes}PartitionName=work Nodes=n1,n2 Default=YES MaxTime=60 State=UP"
            " OverSubscribe=NO\n"
        )

    def start(self, name):
        """Start the daemon `slurmctld`, n1 or n2."""
        command = ["slurmctld", "-D"] if name == "slurmctld" else ["slurmd", "-D", "-N", name]
        with (self.folder / f"{name}.out").open("ab") as out:
            self.daemons[name] = subprocess.Popen(
                [shutil.which(command[0], path=_PATH), *command[1:]],
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait_for_nodes(self):
        until = time.monotonic() + 60
        while time.monotonic() < until:
            states = self.ask("sinfo", "-h", "-N", "-o", "%T", check=False).split()
            if len(states) == 2 and set(states) <= {"idle", "mixed"}:
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "slurmctld.log").read_text())

    def ask(self, *command, check=True):
        """The standard output of a program of Slurm."""
        return subprocess.run(
            command,
            env={**os.environ, **self.variables},
            check=check,
            text=True,
            timeout=60,
            stdout=subprocess.PIPE,
            stderr=None if check else subprocess.DEVNULL,
        ).stdout

    def stop(self, name):
        """Kill a daemon; what it started runs on."""
        process = self.daemons.pop(name)
        process.kill()
        process.wait()

    def lose(self, node):
        """Kill a node's daemon and everything that runs there, the daemons first."""
        below = psutil.Process(self.daemons[node].pid).children(recursive=True)
        self.stop(node)
        below.sort(key=lambda process: "slurmstepd" not in process.name())
        for process in [*below, *psutil.process_iter()]:
            with contextlib.suppress(psutil.Error, OSError):
                if process in below or process.environ().get("HOME") == str(self.home(node)):
                    process.send_signal(signal.SIGKILL)

    def close(self):
        for name in list(self.daemons):
            self.stop(name)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("SLURM_CONF") == self.variables["SLURM_CONF"]:
                    process.kill()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
