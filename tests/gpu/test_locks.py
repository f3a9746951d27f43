"""Locks on GPUs end with their holder, and planted files cannot mislead them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from annotate.errors import AnnotateError
from runtime.gpus.locks import OwnLocks
from runtime.stage.agent.gpus.locks import AlreadyHeld, Holder

HOLD = """
import sys, time
from runtime.stage.agent.gpus.locks import Holder, Locks
lock = Locks(sys.argv[1]).take("GPU-x")
lock.sign(Holder(4711, "somebody", "EXP", 1.5))
print("held", flush=True)
time.sleep(600)
"""


def hold(place, **options):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(place)], stdout=subprocess.PIPE, **options
    )
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path):
    place = tmp_path / "leases"
    process = hold(place)
    locks = OwnLocks(str(place))
    with pytest.raises(AlreadyHeld) as caught:
        locks.take("GPU-x")
    assert caught.value.holder == Holder(4711, "somebody", "EXP", 1.5)
    locks.take("GPU-y").release()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    locks.take("GPU-x").release()
    locks.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_a_lock_excludes_other_users_until_it_is_released(tmp_path):
    place = tempfile.mkdtemp()  # another user can't get at the test's own folder
    Path(place).chmod(0o1777)
    become = "import os\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\nlock = Locks("
    script = HOLD.replace("time.sleep(600)", "").replace("lock = Locks(", become)

    def other():
        words = [sys.executable, "-c", script, place]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    locks = OwnLocks(place)
    try:
        lock = locks.take("GPU-x")
        assert "AlreadyHeld" in other().stderr
        lock.release()
        first_try = other()
        assert first_try.stdout == "held\n", first_try.stderr
        assert "held" in other().stdout, "the first user's file, written by the second"
        locks.take("GPU-x").release()
    finally:
        locks.close()
        shutil.rmtree(place)


def test_links_and_special_files_in_place_of_a_lock_are_refused(tmp_path):
    place, victim = tmp_path / "leases", tmp_path / "victim"
    victim.write_text("precious")
    locks = OwnLocks(str(place))
    (place / "GPU-x.lock").symlink_to(victim)
    os.mkfifo(place / "GPU-y.lock")
    for name in ("GPU-x", "GPU-y"):
        with pytest.raises(AnnotateError, match="cannot be leased"):
            locks.take(name)
    locks.close()
    assert victim.read_text() == "precious"
    (tmp_path / "elsewhere").symlink_to(place)
    with pytest.raises(AnnotateError, match="cannot be leased"):
        OwnLocks(str(tmp_path / "elsewhere"))


def test_a_writable_folder_that_is_not_sticky_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(AnnotateError, match="not sticky"):
        OwnLocks(str(tmp_path))


def test_a_lock_works_after_its_file_was_removed(tmp_path):
    locks = OwnLocks(str(tmp_path / "leases"))
    locks.take("GPU-x").release()
    (tmp_path / "leases" / "GPU-x.lock").unlink()
    lock = locks.take("GPU-x")
    with pytest.raises(AlreadyHeld):
        locks.take("GPU-x")
    lock.release()
    locks.close()


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 4000, b'{"pid": "\\u001b[31m"}', b"\xff"])
def test_the_content_of_a_lock_file_is_not_trusted(tmp_path, content):
    locks = OwnLocks(str(tmp_path / "leases"))
    lock = locks.take("GPU-x")
    (tmp_path / "leases" / "GPU-x.lock").write_bytes(content)
    with pytest.raises(AlreadyHeld) as caught:
        locks.take("GPU-x")
    assert caught.value.holder == Holder()
    lock.release()
    locks.close()
