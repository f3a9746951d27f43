"""A Ray cluster of the tests' own on this machine: two nodes with homes of their own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

HEAD, OTHER = "127.0.0.2", "127.0.0.3"


@dataclass
class Cluster:
    """Nodes with 4 CPUs each; the head has 2 GPUs that do not exist."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ray")))
    process: subprocess.Popen | None = None
    address: str = ""
    client_port: int = 0

    @property
    def home(self):
        """The home folder of all nodes' users."""
        return self.folder / "home"

    @property
    def agents(self):
        return self.home / ".local/share/annotate/agent/experiments"

    def start(self):
        """Start the cluster; takes up to a minute."""
        self.home.mkdir()
        environment = {
            **os.environ,
            "HOME": str(self.home),
            "RAY_TMPDIR": str(self.folder),  # sockets need short paths
            "RAY_raylet_start_wait_time_s": "300",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("nodes.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        self.client_port = free_port()
        self.start_node(
            HEAD,
            num_gpus=2,
            gcs_server_port=free_port(),
            ray_client_server_port=self.client_port,
            include_dashboard=True,
            dashboard_host="127.0.0.1",
            dashboard_port=free_port(),
            dashboard_agent_listen_port=free_port(),
        )
        self.start_node(OTHER)

    def start_node(self, name, **options):
        self._ask({"do": "start", "node": name, "options": {"num_cpus": 4, **options}})

    def kill_node(self, name):
        self._ask({"do": "kill", "node": name})

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, (self.folder / "log").read_text()
        reply = json.loads(answer)
        self.address = reply["address"]
        return reply["value"]

    def evaluate(self, expression):
        """The value of a Python expression, in a program that is connected to the cluster."""
        return self._ask({"do": "evaluate", "expression": expression})

    def actors(self):
        """The names of all actors that are alive."""
        return self.evaluate("ray.util.list_named_actors()")

    def wait_until_idle(self):
        """Wait until nobody uses any CPU."""
        until = time.monotonic() + 60
        while self.evaluate("ray.available_resources().get('CPU')") != 8:
            assert time.monotonic() < until, self.actors()
            time.sleep(0.1)

    def stop(self):
        self.process.communicate(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    """A free port that Ray gives to no worker."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if not 10002 <= port <= 19999:
            return port
