"""Known attacks on local web servers, tried on ours."""

import base64
import dataclasses
import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.server import analysis, api, launch
from runtime.server.nni import changes as nni_changes
from runtime.server.nni import rest as nni_rest
from runtime.server.nni import results as nni_results
from tests.runtime.server.conftest import serving

CHANGES = [
    ("DELETE", "/api/v1/nni/trial-jobs/1"),
    ("POST", "/api/v1/nni/trial-jobs"),
    ("PUT", "/api/v1/nni/experiment"),
    ("PATCH", "/"),
    ("OPTIONS", "/api/v1/nni/experiment"),
]
READS = ["/api/v1/nni/experiment", "/api/openapi.json", "/static/", "/"]


RELAY = """\
import os, socket, sys, threading
import encodings.idna  # which the other user may not be able to read
os.setuid(65534)
def pump(one, other):
    while data := one.recv(65536):
        other.sendall(data)
    other.shutdown(socket.SHUT_WR)
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    while True:
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        for ends in ((near, far), (far, near)):
            threading.Thread(target=pump, args=ends, daemon=True).start()
"""


@pytest.fixture(scope="module")
def stranger(site):
    """The site as seen by a program of another user of this machine."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    command = [sys.executable, "-c", RELAY, str(site.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as relay:
        port = int(relay.stdout.readline())
        yield dataclasses.replace(site, port=port, called=site.host)
        relay.kill()


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example:PORT",
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:PORT.evil",
        "localhost:PORT@evil",
        "",
    ],
)
def test_a_rebound_dns_name_is_refused(site, path, host):
    status, _, body = site.ask(path, headers={"Host": host.replace("PORT", str(site.port))})
    assert status in (400, 403)
    assert b"train" not in body


def test_both_names_of_loopback_are_served_with_the_port(site):
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert site.ask("/api/v1/nni/version", headers={"Host": f"{name}:{site.port}"})[0] == 200


def test_two_hosts_in_one_request_are_refused(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as raw:
        raw.sendall(f"GET / HTTP/1.1\r\nHost: {site.host}\r\nHost: evil\r\n\r\n".encode())
        assert raw.recv(100).split()[1] in (b"400", b"403")


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    "wrong",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://127.0.0.1:PORT"},
        {"X-Annotate-Token": ""},
        {"X-Annotate-Token": "é" * 43},
        {"X-Annotate-Token": "A" * 43},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain; application/json"},
    ],
    ids=str,
)
def test_a_change_needs_our_origin_the_token_and_json(site, method, path, wrong):
    wrong = {name: value.replace("PORT", str(site.port)) for name, value in wrong.items()}
    wrong = {name: value.encode("latin-1") for name, value in wrong.items()}
    status, headers, _ = site.change(path, method, {}, **wrong)
    assert status in (401, 403, 415)
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_a_change_from_our_pages_is_accepted(site):
    assert site.change("/api/v1/nni/nothing-here", "POST", {})[0] == 404


def test_a_body_needs_a_length_and_has_a_limit(site):
    assert site.change("/x", "POST", **{"Content-Length": str(1 << 30)})[0] in (400, 413)
    assert site.change("/x", "POST", **{"Transfer-Encoding": "chunked"})[0] in (400, 411)


def test_websockets_are_refused(site, stranger):
    for host, origin in ((site.host, f"http://{site.host}"), (site.host, "http://evil.example")):
        headers = {
            "Host": host,
            "Origin": origin,
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        assert site.ask("/api/v1/events", headers=headers)[0] in (400, 403, 404)
        events = "/api/v1/experiments/Plain/events"
        assert stranger.ask(events, headers=headers, anonymous=True)[0] in (400, 401, 403)
        assert site.ask("/api/v1/nni/version", headers=headers)[0] != 101


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "%2e%2e",
        "..%2f..%2ftoken",
        "%2fetc%2fpasswd",
        "..%5c..",
        "a%00b",
        "Plain%2f..",
        ".",
        "a'%20OR%20'1'='1",
        "%F0%9F%92%A9",
        "A" * 5000,
    ],
)
def test_an_id_never_becomes_a_path(site, name):
    for path in (
        f"/api/v1/nni/trial-jobs/{name}",
        f"/api/v1/experiments/{name}",
        f"/api/v1/experiments/{name}/log",
        f"/api/v1/experiments/Plain/trials/{name}",
        f"/api/v1/experiments/Plain/trials/{name}/log/stdout",
        f"/api/v1/experiments/Plain/trials/1/log/{name}",
        f"/api/v1/experiments/Plain/trials/1/log/{name}/whole",
        f"/api/v1/experiments/Plain/results.{name}",
        f"/api/v1/nni/experiment?experiment={name}",
        f"/static/{name}",
        f"/static/{name}/server/token",
    ):
        status, _, body = site.ask(path)
        assert status in (400, 404, 405, 414, 422), path
        assert site.token.encode() not in body
        assert b"root:" not in body


def test_every_answer_forbids_foreign_scripts_and_frames(site):
    foreign = {"Origin": "http://evil.example"}
    for path in ("/api/v1/nni/version", "/nowhere", "/api/v1/nni/experiment?experiment=No", "/"):
        _, headers, _ = site.ask(path, headers=foreign)
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


def test_only_the_owner_can_read_the_token_file_and_no_answer_has_the_token(site):
    path = site.home / "server" / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text() == site.token
    assert len(site.token) >= 32
    for url in (*READS, "/api/v1/nni/version"):
        _, headers, body = site.ask(url)
        assert site.token not in str(headers) + body.decode()


def test_no_endpoint_accepts_a_command_or_a_file(site):
    changes = {
        (method, route.path)
        for part in (analysis, api, nni_changes, nni_rest, nni_results)
        for route in part.router.routes
        for method in route.methods - {"GET", "HEAD"}
    }
    asked = "/api/v1/experiments/{id}/requests/{kind}"
    assert changes == {
        ("POST", asked),
        ("POST", "/api/v1/nni/trial-jobs"),
        ("DELETE", "/api/v1/nni/trial-jobs/{trial}"),
        ("PUT", "/api/v1/nni/experiment"),
        ("POST", "/api/v1/nni/experiment/import-data"),
    }
    for kind in ("run", "command", "import", "../stop"):
        path = asked.format(id="Plain", kind=kind)
        assert site.change(path, "POST", {"command": "touch x"})[0] in (404, 422), kind
    for extra in ("command", "script", "path"):
        answer = site.change(asked.format(id="Plain", kind="stop"), "POST", {extra: "touch x"})
        assert answer[0] == 422, extra


def test_the_server_deserialises_nothing_executable():
    folder = Path(launch.__file__).parent
    for path in folder.rglob("*.py"):
        text = path.read_text()
        assert not re.search(r"\b(pickle|marshal|shelve|yaml|eval|exec|os\.system)\b", text), path


def test_the_server_listens_only_on_loopback(site):
    import psutil

    (listener,) = [
        c
        for c in psutil.net_connections("tcp")
        if c.status == "LISTEN" and c.laddr.port == site.port
    ]
    assert listener.laddr.ip == "127.0.0.1"


def _basic(password):
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Annotate-Token": ""},
        {"X-Annotate-Token": "A" * 43},
        {"X-Annotate-Token": "é".encode("latin-1")},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Bearer TOKEN"},
        {"Authorization": _basic("")},
        {"Authorization": _basic("A" * 43)},
        {"Cookie": "annotate-token=TOKEN"},
        {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"},
    ],
    ids=str,
)
def test_another_user_of_this_machine_cannot_read(stranger, headers):
    site = stranger
    given = {
        n: v.replace("TOKEN", site.token) if isinstance(v, str) else v for n, v in headers.items()
    }
    experiment = "/api/v1/experiments"
    for path in (
        *("/api/v1/nni/version", "/api/v1/nni/trial-jobs", "/api/openapi.json", experiment),
        *(f"{experiment}/Plain{rest}" for rest in ("", "/events", "/values", "/results.csv")),
        *(f"{experiment}/StrangeX{rest}" for rest in ("/log", "/trials/3/log/stderr/whole")),
        *(f"{experiment}/Plain/trials?token={site.token}", "//api/v1/experiments", "/API/v1/nni"),
    ):
        status, _, body = site.ask(path, headers=given, anonymous=True)
        assert status in (401, 404), path
        assert b"t0001" not in body
        assert b"last words" not in body
    status, _, body = site.ask("/e/Plain", headers=given, anonymous=True)
    assert status == 200  # the page itself, which contains no experiment's data
    assert b"Plain" not in body
    assert site.ask("/static/app.js", headers=given, anonymous=True)[0] == 200


def test_programs_of_the_same_user_can_read_without_a_token(site):
    assert site.ask("/api/v1/nni/version", anonymous=True)[0] == 200
    assert site.change("/api/v1/nni/trial-jobs/1", "DELETE", **{"X-Annotate-Token": ""})[0] == 401


def test_a_password_allows_reading_but_not_changes(stranger):
    known = {"Authorization": _basic(stranger.token)}
    assert stranger.ask("/api/v1/nni/version", headers=known, anonymous=True)[0] == 200
    changed = stranger.change(
        "/api/v1/nni/trial-jobs/1", "DELETE", **known, **{"X-Annotate-Token": ""}
    )
    assert changed[0] == 401


def test_the_server_never_makes_a_browser_ask_for_a_password(stranger):
    assert "WWW-Authenticate" not in stranger.ask("/api/v1/nni/version", anonymous=True)[1]


def test_other_machines_cannot_read_without_the_token(tmp_path):
    with serving(tmp_path / "home", host="0.0.0.0", names=("box.example",)) as site:
        named = {"Host": f"box.example:{site.port}"}
        version = "/api/v1/nni/version"
        assert site.ask(version, headers=named, anonymous=True)[0] == 401
        assert site.ask(version, anonymous=True)[0] == 401
        assert site.ask(version, headers=named)[0] == 200
        foreign = {"Host": f"evil.example:{site.port}"}
        assert site.ask(version, headers=foreign)[0] == 403
        assert all(
            name.startswith("http://box.example:") for name in launch.running()[0].addresses()
        )
