"""Hosts as users name them: what is wrong with one is said, and what is left there is removed."""

import json
import re
from pathlib import Path

from runtime.cli import engines_check
from tests.runtime.executors.ssh import servers


def test_engines_check_says_for_each_host_what_is_there_or_what_to_mend(project, network):
    (alpha, beta), user = network
    servers.make_key(user / ".ssh" / "stranger")
    config = user / ".ssh" / "config"
    before = config.read_text()
    ssh = user / ".ssh"
    here = f"HostName 127.0.0.1\n  UserKnownHostsFile {ssh}/known_hosts\n  IdentityFile {ssh}"
    sections = [
        f"Host jump\n  {here}/id\n  Port {beta.port}\n  ProxyJump alpha\n",
        f"Host wrong\n  {here}/stranger\n  Port {alpha.port}\n",
    ]
    config.write_text("".join(sections) + before.replace("Host *", "Host * !wrong !jump"))
    hosts = " alpha*2, jump,wrong,, nowhere.invalid, root@[::1]:1 "
    try:
        out, _ = project.run("engines", "check", "--hosts", hosts, "--json", code=2)
    finally:
        config.write_text(before)
    found = {about["machine"]: about for about in json.loads(out)}
    assert list(found) == ["alpha", "jump", "wrong", "nowhere.invalid", "root@[::1]:1"]
    assert [about["usable"] for about in found.values()] == [True, True, False, False, False]
    assert found["alpha"]["trials_at_a_time"] == 2
    assert found["alpha"]["folder"].startswith(str(alpha.home))
    assert found["jump"]["folder"].startswith(str(beta.home))
    assert found["wrong"]["reason"].startswith("it does not let you in: Permission denied")
    assert found["wrong"]["hint"] == "check with: ssh wrong"
    assert found["nowhere.invalid"]["reason"] == "there is no host of this name"
    assert found["root@[::1]:1"]["hint"] == "check with: ssh -p 1 root@::1"
    printed = [engines_check.shown(found[name]) for name in ("alpha", "nowhere.invalid")]
    assert _words("\n\n".join(printed)) == _words(_transcript())


def _transcript():
    """What docs/machines.md says that the command prints."""
    page = (Path(__file__).parents[4] / "docs" / "machines.md").read_text()
    (block,) = re.findall(r"\$ annotate engines check .*\n((?:.|\n)+?)```", page)
    return block.rstrip()


def _words(text):
    """The text without what differs between machines: numbers, and names and paths behind them."""
    rows = []
    for line in text.splitlines():
        label, _, value = line.strip().partition("   ")
        if label.startswith("GPU"):
            continue  # tests/gpu/test_elsewhere.py has some
        differs = label in ("computer", "Python", "free disk")
        rows.append((label, "" if differs else re.sub(r"[\d.]+", "N", value.strip())))
    return rows


def test_platform_clean_removes_what_agents_left_on_the_named_hosts(project, network):
    (alpha, _), _ = network
    left = alpha.home / ".local" / "share" / "annotate" / "agent"
    (left / "experiments" / "Abandoned").mkdir(parents=True)
    (left / "experiments" / "Abandoned" / "data").write_bytes(b"." * 2_000_000)
    out, _ = project.run("platform", "clean", "--hosts", "alpha")
    assert "alpha: removed 1 experiment (Abandoned), " in out
    assert not left.exists()


def test_isolate_is_refused_with_the_folder_to_write_to(project):
    project.write(1)
    _, err = project.run("run", "train.py", "--hosts", "alpha", "--isolate", code=2)
    assert "--isolate works on this machine only" in err
    assert "let the script write to NNI_OUTPUT_DIR" in err
