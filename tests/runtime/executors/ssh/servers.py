"""SSH servers on this machine, each as if it were a host of its own: with its own home folder."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@dataclass
class Server:
    """An sshd that lets this user in with one key, and whose sessions have the home `home`."""

    name: str
    folder: Path
    port: int
    process: subprocess.Popen | None = None

    @property
    def home(self):
        return self.folder / "home"

    def start(self):
        """Start listening; ends when `stop` is called or the connection is cut by `kill`."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")],
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self):
        """Stop listening, and cut all connections; what runs in sessions of its own goes on."""
        if self.process is not None:
            for pid in _descendants(self.process.pid):
                with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                    if Path(f"/proc/{pid}/comm").read_text().startswith("sshd"):
                        os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def _descendants(pid):
    import psutil

    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def make(folder, names, variables=lambda name: ""):
    """Servers, and a home folder with an SSH config that knows them by name. Not started.

    `variables` are those of a server's sessions: `NAME=VALUE` with spaces between them.
    """
    Path("/run/sshd").mkdir(exist_ok=True)  # where sshd as root drops its privileges
    user = folder / "user"
    ssh = user / ".ssh"
    ssh.mkdir(parents=True, mode=0o700)
    make_key(ssh / "id")
    servers, known, config = [], [], []
    for name in names:
        place = folder / name
        (place / "home").mkdir(parents=True)
        make_key(place / "host_key")
        (place / "authorized_keys").write_bytes((ssh / "id.pub").read_bytes())
        server = Server(name, place, _free_port())
        (place / "sshd_config").write_text(
            f"Port {server.port}\nListenAddress 127.0.0.1\nHostKey {place}/host_key\n"
            f"AuthorizedKeysFile {place}/authorized_keys\nPidFile none\nStrictModes no\n"
            "UsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            "PermitRootLogin yes\nPrintMotd no\n"
            f"SetEnv HOME={server.home} PATH={os.environ['PATH']} {variables(name)}\n"
        )
        key = (place / "host_key.pub").read_text().split()[:2]
        known.append(f"[127.0.0.1]:{server.port} {' '.join(key)}\n")
        config.append(f"Host {name}\n  HostName 127.0.0.1\n  Port {server.port}\n")
        servers.append(server)
    (ssh / "known_hosts").write_text("".join(known))
    config.append(f"Host *\n  IdentityFile {ssh}/id\n  UserKnownHostsFile {ssh}/known_hosts\n")
    (ssh / "config").write_text("".join(config))
    return servers, user


def make_key(path, passphrase=""):
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True, timeout=60)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
