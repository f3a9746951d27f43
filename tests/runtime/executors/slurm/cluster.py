"""A Slurm of the tests' own on this machine: a controller and two nodes."""

import contextlib
import os
import shutil
import socket
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel")
_GPUS = 2  # of each node, which are null devices
_SETTINGS = """
ClusterName=annotate SlurmctldHost={host}(127.0.0.1) SlurmctldPort={port}
AuthType=auth/none CredType=cred/none SlurmUser=root SlurmdUser=root
ProctrackType=proctrack/linuxproc TaskPlugin=task/none JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none JobCompType=jobcomp/none MpiDefault=none
SwitchType=switch/none ReturnToService=2 SlurmdParameters=config_overrides
SelectType=select/cons_tres SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1
SlurmdTimeout=10 KillWait=5 GresTypes=gpu TaskProlog={folder}/prolog
PreemptType=preempt/partition_prio PreemptMode=REQUEUE
StateSaveLocation={folder}/state SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log SlurmdLogFile={folder}/%n.log
"""
_PARTITIONS = (
    "work Default=YES PriorityTier=2 PreemptMode=OFF",
    "cheap PriorityTier=1 PreemptMode=REQUEUE",
    "patient PriorityTier=1 PreemptMode=CANCEL GraceTime=20",
    "urgent PriorityTier=3 PreemptMode=OFF",
)


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
        for name in ("state", "spool-n1", "spool-n2", "home-n1", "home-n2", "devices"):
            (self.folder / name).mkdir()
        prolog = self.folder / "prolog"
        prolog.write_text(
            f"#!/bin/sh\necho export HOME={self.folder}/home-$SLURMD_NODENAME\n"
            f"echo export PATH={os.environ['PATH']}\n"
        )
        prolog.chmod(0o755)
        for number in range(_GPUS):
            os.mknod(self.folder / f"devices/gpu{number}", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        (self.folder / "gres.conf").write_text(
            f"Name=gpu File={self.folder}/devices/gpu[0-{_GPUS - 1}]\n"
        )
        host = socket.gethostname().partition(".")[0]
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={_free_port()} CPUs=4"
            f" RealMemory=1000 Gres=gpu:{_GPUS}"
            for name in ("n1", "n2")
        ]
        lines = [
            *_SETTINGS.format(host=host, port=_free_port(), folder=self.folder).split(),
            *nodes,
        ]
        lines += [f"PartitionName={words} Nodes=n1,n2 MaxTime=60 State=UP" for words in _PARTITIONS]
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")

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
            states = self.ask("sinfo", "-h", "-N", "-p", "work", "-o", "%T", check=False).split()
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

    def submitted(self, job):
        """When a job was submitted, in whole seconds since the epoch."""
        words = ("--noheader", "--states=all", f"--jobs={job}", "--format=%V")
        text = self.ask("squeue", *words).strip()
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))

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
        for process in below:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.kill_trials(node)

    def kill_trials(self, node):
        """Kill all that jobs run on a node, as it does when its memory is full."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("HOME") == str(self.home(node)):
                    process.kill()

    def close(self):
        """Kill the daemons, and all that they and Slurm's programs started for this cluster."""
        for name in list(self.daemons):
            self.stop(name)
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if self._owns(process):
                    process.kill()

    def _owns(self, process):
        if process.name().startswith("slurmstepd"):  # its title is where its environment was
            files = [str(file.readlink()) for file in Path(f"/proc/{process.pid}/fd").iterdir()]
            return any(file.startswith(f"{self.folder}/") for file in files)
        return process.environ().get("SLURM_CONF") == self.variables["SLURM_CONF"]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
