"""One server for all experiments: finding, starting, naming and stopping it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request

import psutil
import pytest

from runtime.server import launch
from tests.runtime.processes import runs
from tests.runtime.server.conftest import free_port, wait_for


@pytest.fixture(autouse=True)
def _ended(home):
    yield
    launch.stop()


def read(link, path):
    """The answer of a link's server to a request with its secret."""
    address, _, token = link.partition("#token=")
    url = f"{address.partition('/e/')[0].rstrip('/')}/api/v1/nni/{path}"
    request = urllib.request.Request(url, headers={"X-Annotate-Token": token})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def answers(link):
    return bool(read(link, "version"))


def test_the_first_call_starts_a_server_and_the_next_ones_find_it(annotate):
    port = str(free_port())
    first = annotate("ui", "--port", port).stdout.strip()
    assert first.startswith(f"http://127.0.0.1:{port}/#token=")
    assert answers(first)
    assert annotate("ui").stdout.strip() == first
    (server,) = launch.running()
    process = psutil.Process(server.pid)
    assert annotate("ui", "--stop").stdout == f"Stopped the server on port {port}.\n"
    psutil.wait_procs([process], timeout=60)
    assert launch.running() == []


def test_many_concurrent_starts_make_one_server(folder):
    command = [sys.executable, "-m", "annotate", "ui", "--port", str(free_port())]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    outputs = {process.communicate(timeout=60)[0] for process in started}
    assert len(outputs) == 1
    assert answers(outputs.pop().strip())


def test_a_port_in_use_is_reported_with_its_user_and_a_free_port(annotate):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        errors = annotate("run", "--port", port, "train.py", code=2).stderr
        assert "train.py does not exist" in errors
        errors = annotate("ui", "--port", port, code=2).stderr
    assert f"port {port} is in use by " in errors
    assert f"(pid {os.getpid()})" in errors
    offered = int(errors.partition("--port ")[2].split()[0])
    assert port < offered < port + 50


def test_a_killed_server_is_not_found_and_another_one_starts(annotate):
    port = free_port()
    launch.ensure(port)
    (server,) = launch.running()
    psutil.Process(server.pid).kill()
    wait_for(lambda: not launch.running())
    (second,) = launch.ensure(port)
    assert answers(second)


def test_a_server_whose_home_was_removed_ends(home):
    launch.ensure(free_port())
    (server,) = launch.running()
    process = psutil.Process(server.pid)
    wait_for(lambda: answers(server.addresses()[0]))
    shutil.rmtree(home)
    psutil.wait_procs([process], timeout=60)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_run_with_a_port_prints_the_address_and_leaves_the_server_running(annotate, folder):
    (folder / "train.py").write_text("x = 1  # @nni.choice(1, 2)\n# @nni.report_final_result(x)\n")
    port = free_port()
    done = annotate("run", "train.py", "--max-trials", 1, "--port", port, "--tuner", "random")
    assert f"http://127.0.0.1:{port}/#token=" in done.stdout + done.stderr
    (link,) = annotate("webui", "url").stdout.split()
    name = link.partition("/e/")[2].partition("#")[0]
    assert annotate("view", name[:4]).stdout.strip() == link
    assert read(link, "experiment")["id"] == name


def test_webui_url_fails_if_no_server_is_running(annotate, folder):
    (folder / "train.py").write_text("x = 1  # @nni.choice(1, 2)\n# @nni.report_final_result(x)\n")
    annotate("run", "train.py", "--max-trials", 1, "--tuner", "random")
    assert "annotate view" in annotate("webui", "url", code=2).stderr


def test_a_server_that_hangs_is_replaced(monkeypatch):
    monkeypatch.setattr(launch, "_PATIENCE", 3.0)
    (link,) = launch.ensure(free_port())
    (server,) = launch.running()
    hung = psutil.Process(server.pid)
    hung.suspend()
    assert launch.ensure(server.port) == [link]
    assert answers(link)
    assert not runs(hung.pid)
    (server,) = launch.running()
    psutil.Process(server.pid).suspend()
    assert launch.stop() == [server.port]
    assert launch.running() == []
