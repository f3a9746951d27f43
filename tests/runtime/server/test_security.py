"""Attacks on the server of the pages, each as it was seen elsewhere."""

import socket
import stat

import pytest

from runtime.server import launch
from tests.runtime.server.conftest import serving

CHANGES = [
    ("DELETE", "/api/v1/nni/trial-jobs/1"),
    ("POST", "/api/v1/nni/trial-jobs"),
    ("PUT", "/api/v1/nni/experiment"),
    ("PATCH", "/"),
    ("OPTIONS", "/api/v1/nni/experiment"),
]
READS = ["/api/v1/nni/experiment", "/api/openapi.json", "/static/", "/"]


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
def test_a_name_that_was_rebound_to_this_address_gets_nothing(site, path, host):
    status, _, body = site.ask(path, headers={"Host": host.replace("PORT", str(site.port))})
    assert status in (400, 403)
    assert b"train" not in body


def test_both_names_of_loopback_are_served_with_the_port(site):
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert site.ask("/api/v1/nni/version", headers={"Host": f"{name}:{site.port}"})[0] == 200


def test_two_hosts_in_one_request_are_refused(site):
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
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
def test_a_change_takes_our_origin_the_token_and_json(site, method, path, wrong):
    wrong = {name: value.replace("PORT", str(site.port)) for name, value in wrong.items()}
    wrong = {name: value.encode("latin-1") for name, value in wrong.items()}
    status, headers, _ = site.change(path, method, {}, **wrong)
    assert status in (401, 403, 415)
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_a_change_that_is_ours_passes_the_guard(site):
    assert site.change("/api/v1/nni/nothing-here", "POST", {})[0] == 404


def test_a_body_has_a_length_and_an_end(site):
    assert site.change("/x", "POST", **{"Content-Length": str(1 << 30)})[0] in (400, 413)
    assert site.change("/x", "POST", **{"Transfer-Encoding": "chunked"})[0] in (400, 411)


def test_no_websocket_is_opened_from_anywhere(site):
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
        f"/api/v1/nni/experiment?experiment={name}",
        f"/static/{name}",
        f"/static/{name}/server/token",
    ):
        status, _, body = site.ask(path)
        assert status in (400, 404, 405, 414, 422), path
        assert site.token.encode() not in body
        assert b"root:" not in body


def test_every_answer_forbids_foreign_scripts_and_frames(site):
    for path in ("/api/v1/nni/version", "/nowhere", "/api/v1/nni/experiment?experiment=No"):
        _, headers, _ = site.ask(path)
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in headers


def test_the_token_is_in_a_file_of_its_owner_and_in_no_answer(site):
    path = site.home / "server" / "token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text() == site.token
    assert len(site.token) >= 32
    for url in (*READS, "/api/v1/nni/version"):
        _, headers, body = site.ask(url)
        assert site.token not in str(headers) + body.decode()


def test_it_listens_on_loopback_alone(site):
    import psutil

    (found,) = [
        c
        for c in psutil.net_connections("tcp")
        if c.status == "LISTEN" and c.laddr.port == site.port
    ]
    assert found.laddr.ip == "127.0.0.1"


def test_off_loopback_nothing_is_read_without_the_token(tmp_path):
    with serving(tmp_path / "home", host="0.0.0.0", names=("box.example",)) as site:
        named = {"Host": f"box.example:{site.port}"}
        assert site.ask("/api/v1/nni/version", headers=named)[0] == 401
        assert site.ask("/api/v1/nni/version")[0] == 401
        right = {"X-Annotate-Token": site.token}
        assert site.ask("/api/v1/nni/version", headers=named | right)[0] == 200
        foreign = {"Host": f"evil.example:{site.port}"}
        assert site.ask("/api/v1/nni/version", headers=foreign | right)[0] == 403
        assert all(
            name.startswith("http://box.example:") for name in launch.running()[0].addresses()
        )
