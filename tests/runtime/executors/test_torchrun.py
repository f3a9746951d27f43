"""Each process that a trial's command starts has the trial's values and can report."""

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

SCRIPT = """\
import os
import torch.distributed as dist
x = 0.5  # @nni.uniform(0, 1)
dist.init_process_group("gloo")
import torch
total = torch.tensor([x])
dist.all_reduce(total)
# @nni.report_intermediate_result(x)
if dist.get_rank() == 0:
    # @nni.report_final_result(total.item() / dist.get_world_size())
    pass
dist.destroy_process_group()
"""


@pytest.mark.timeout(240)
def test_each_torchrun_rank_has_the_trials_values_and_can_report(annotate, folder):
    (folder / "train.py").write_text(SCRIPT)
    torchrun = Path(sys.executable).with_name("torchrun")
    config = f"""\
maxTrialNum: 1
trialConcurrency: 1
useAnnotation: true
tuner:
  builtinTunerName: Random
trial:
  command: "'{torchrun}' --standalone --nproc_per_node 2 train.py"
  codeDir: .
"""
    (folder / "config.yml").write_text(config)
    done = annotate("run", "-c", "config.yml", "--json", timeout=220, OMP_NUM_THREADS="1")
    (trial,) = json.loads(done.stdout)["trials"]
    (x,) = trial["values"].values()
    assert trial["state"] == "SUCCEEDED"
    assert trial["metric"] == pytest.approx(x, rel=1e-5)
    assert trial["intermediate"] == [x, x], "one of each rank"
