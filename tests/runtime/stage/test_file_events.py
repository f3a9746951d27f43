"""Changes of files are told, and waits end with them."""

import asyncio
import os
import select
import sys
import threading

import pytest

from runtime.server.folder_changes import FolderChanges
from runtime.stage.agent.file_events import FileEvents, events_in
from runtime.system.file_wait import FileWait

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify exists on Linux only")


@pytest.fixture
def events():
    events = FileEvents()
    yield events
    events.close()


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.touch()
    return file


def is_readable(events):
    return bool(select.select([events], [], [], 0)[0])


def append(file):
    with file.open("a") as out:
        out.write("x\n")


def test_a_change_of_a_file_is_told_once(events, file):
    events.watch(str(file))
    assert not is_readable(events)
    append(file)
    append(file)
    assert is_readable(events)
    assert events.changed() == {str(file)}
    assert events.changed() == set()


def test_a_forgotten_file_is_told_no_more(events, file):
    events.watch(str(file))
    events.forget(str(file))
    append(file)
    assert events.changed() == set()


def test_a_deleted_file_is_watched_no_longer(events, file):
    events.watch(str(file))
    file.unlink()
    assert events.changed() == {str(file)}
    assert not events.watches(str(file))


def test_a_new_file_in_the_place_of_another_is_told(events, file):
    with file.open() as still_open:
        events.watch(str(file))
        file.unlink()
        file.touch()
        events.watch(str(file))
        events.changed()
        append(file)
        assert events.changed() == {str(file)}
        assert still_open.read() == ""
    events.changed()
    assert events.watches(str(file))


def test_a_folders_files_are_told(events, file):
    events.watch(str(file.parent))
    append(file)
    assert events.changed() == {str(file.parent)}


def test_watching_a_missing_file_raises(events, tmp_path):
    with pytest.raises(FileNotFoundError):
        events.watch(str(tmp_path / "missing"))


def test_a_trial_of_the_folder_leaves_its_times_as_they_are(tmp_path):
    before = tmp_path.stat()
    events = events_in(str(tmp_path))
    assert events is not None
    assert events.changed() == set()
    assert tmp_path.stat().st_mtime_ns == before.st_mtime_ns
    events.close()


def test_a_missing_folder_has_no_events(tmp_path):
    assert events_in(str(tmp_path / "missing")) is None


def test_a_wait_without_a_time_limit_ends_with_a_change_or_a_wake(file):
    wait = FileWait(file, interval=3600)
    wait.begin()
    append(file)
    assert wait.wait()
    ended = threading.Event()
    thread = threading.Thread(target=lambda: (wait.wait(), ended.set()))
    thread.start()
    wait.wake()
    assert ended.wait(60)
    thread.join()
    wait.close()


def test_a_wait_for_a_missing_file_is_a_pause(tmp_path):
    wait = FileWait(tmp_path / "missing", interval=0.01)
    wait.begin()
    assert not wait.wait()
    wait.close()


def test_a_coroutine_waits_for_a_folder(file):
    async def follow():
        with FolderChanges(file.parent, 3600) as changes:
            assert not changes.take()
            append(file)
            await changes.wait(3600)
            assert changes.take()
            os.utime(file)
            await changes.wait(3600)

    asyncio.run(asyncio.wait_for(follow(), 60))
