"""DDP on one device, by nccl on a GPU: several phases, each of which wraps the model again."""

import json
import os
import subprocess
import sys

import pytest

from lit_prune.sparsity.files import load_masks


@pytest.mark.parametrize("config", ["srnet_poe", "movement", "sam"])
def test_one_process_of_ddp_trains_as_none_does(config, command, on_device, run_of, tmp_path):
    arguments = command(*on_device, "--trainer.strategy=ddp", config=f"configs/{config}.yaml", name="ddp")
    done = subprocess.run(
        [sys.executable, "-m", "lit_prune", *arguments], env=os.environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found, expected = (
        json.loads((run / "metrics.json").read_text())
        for run in (tmp_path / "runs" / "ddp" / "version_0", run_of(config))
    )
    for name in ("steps", "sparsity", "nli/validation/accuracy", "nli/id/loss"):
        assert found[name] == pytest.approx(expected[name], rel=1e-3), name
    if config != "sam":
        runs = tmp_path / "runs/ddp/version_0", run_of(config)
        num_kept, expected_kept = (
            sum(int(mask.sum()) for mask in load_masks(run / "masks.safetensors").values()) for run in runs
        )
        assert num_kept == expected_kept
