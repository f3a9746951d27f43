"""Variables of `--env` reach trials elsewhere, and those of the user's environment nothing else."""

import secrets
from pathlib import Path

SCRIPT = """\
import os
TOKEN = os.environ["TOKEN"]
x = 0.5  # @nni.uniform(0, 1)
for pid in filter(str.isdecimal, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            assert TOKEN not in file.read()
    except OSError:
        pass
with open(os.environ["NNI_OUTPUT_DIR"] + "/seen", "w") as file:
    file.write(f"{os.environ['PLAIN']} {len(TOKEN)}")
# @nni.report_final_result(x)
"""


def test_a_variable_without_a_value_is_taken_anew_and_kept_nowhere(project, network):
    secret = secrets.token_hex(20)
    (project.folder / "train.py").write_text(SCRIPT)
    project.environment["TOKEN"] = secret
    words = ["--hosts", "alpha", "--max-trials", "1"]
    out, err = project.run("run", "train.py", "--env", "PLAIN=a b", "--env", "TOKEN", *words)
    folder = project.experiment
    assert (folder / "trials/0/output/seen").read_text() == "a b 40"
    assert secret not in out + err
    for place in (Path(project.environment["ANNOTATE_HOME"]), network[0][0].home):
        kept = [path for path in place.rglob("*") if path.is_file()]
        assert not [path for path in kept if secret.encode() in path.read_bytes()]
    del project.environment["TOKEN"]
    _, err = project.run("resume", folder.name, "--max-trials", "2", code=2)
    assert "--env TOKEN: your environment has no TOKEN" in err
    assert "export TOKEN, or write --env TOKEN=VALUE, which is stored" in err
