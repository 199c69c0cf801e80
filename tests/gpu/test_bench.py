"""The command bench on the device."""

import json
import math

import pytest

from lit_prune.cli import main

TOY = ("--layers=1", "--hidden=64", "--batch=2", "--length=16", "--repeats=2")
PRUNING = "--variants=[movement_local, rank_magnitude_half, tuned]"


@pytest.mark.parametrize(
    "arguments",
    [("step", *TOY), ("step", *TOY, "--precision=bf16", PRUNING), ("select", "--size=200000", "--repeats=2")],
    ids=["step", "step_pruning", "select"],
)
def test_figures_of_the_device(arguments, device, tmp_path):
    path = tmp_path / "figures.json"
    assert main(["bench", *arguments, f"--device={device}", f"--json={path}"]) == 0
    figures = json.loads(path.read_text())
    numbers = [value for name, value in figures.items() if name.startswith(("ratio", "step", "select", "memory"))]
    assert numbers
    assert all(math.isfinite(value) and value > 0 for value in numbers)


@pytest.mark.parametrize("config", ["srnet_poe", "rank_magnitude"])
def test_encoders_in_use_are_measured_on_the_device(config, run_of, device, tmp_path):
    path = tmp_path / "speeds.json"
    toy = ("--batch=[2]", "--length=[8]", "--repeats=2", "--precisions=[fp32, bf16]")
    assert main(["bench", "inference", str(run_of(config)), *toy, f"--device={device}", f"--json={path}"]) == 0
    measurements = json.loads(path.read_text())["measurements"]
    assert {row["precision"] for row in measurements} == {"fp32", "bf16"}
    assert all(row["seconds"] > 0 for row in measurements)
