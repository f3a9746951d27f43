"""Network file systems are recognised."""

import subprocess
from pathlib import Path

import pytest

from runtime.system.filesystem import kind_of, warning

MOUNTS = r"""
/dev/sda1 / ext4 rw,relatime 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb1 /home/local ext4 rw 0 0
share /mnt/a\040b\012c cifs rw 0 0
tmpfs /over tmpfs rw 0 0
me@host:/ /over fuse.sshfs rw 0 0
"""[1:]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib", "ext4"),
        ("/home/ann/.local", "nfs4"),
        ("/home/local/x", "ext4"),
        ("/home2", "ext4"),
        ("/mnt/a b\nc/d", "cifs"),
        ("/over/x", "fuse.sshfs"),
    ],
)
def test_the_nearest_mount_decides(path, kind):
    assert kind_of(Path(path), MOUNTS) == kind


def test_only_a_home_on_a_network_file_system_causes_a_warning():
    assert "network file system (nfs4)" in warning(Path("/home/ann"), MOUNTS)
    assert "ANNOTATE_HOME" in warning(Path("/home/ann"), MOUNTS)
    assert warning(Path("/var"), MOUNTS) == ""
    assert warning(Path("/var"), "") == ""


@pytest.mark.skipif(not Path("/proc/self/mounts").exists(), reason="no list of mounts here")
def test_the_mounts_of_this_machine_are_read(tmp_path):
    df = subprocess.run(["df", "--output=fstype", tmp_path], capture_output=True, text=True)
    mounts = Path("/proc/self/mounts").read_text()
    assert kind_of(tmp_path, mounts) == df.stdout.split()[-1]
