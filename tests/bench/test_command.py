"""The command bench: it runs at a toy size and leaves its figures; no time is asserted."""

import json
import math

import pytest
import torch

from lit_prune.bench import command
from lit_prune.bench.training import MASKED
from lit_prune.cli import main

TOY_STEP = ("step", "--layers=1", "--hidden=64", "--batch=2", "--length=8", "--repeats=2", "--device=cpu")
TOY_SELECT = ("select", "--size=1000", "--repeats=2", "--device=cpu")
PRUNING = (*TOY_STEP, "--variants=[movement_global, rank_magnitude_half]")


def step_keys(*variants):
    """The figures of steps, without those of memory."""
    of_steps = {f"step_seconds_{variant}" for variant in ("dense", *variants)}
    return of_steps | {f"{ratio}_{each}" for ratio in ("ratio", "optimizer_ratio") for each in variants}


def memory_keys(*variants):
    return {f"memory_{figure}_{variant}" for figure in ("bytes", "ratio") for variant in ("dense", *variants)}


STEP_KEYS, MEMORY_KEYS = step_keys(*MASKED), memory_keys(*MASKED)
PRUNING_KEYS = {key for keys in (step_keys, memory_keys) for key in keys("movement_global", "rank_magnitude_half")}
WAYS = {"topk", "kthvalue", "sort"}
SELECT_KEYS = {"select_seconds"} | {f"{figure}_{way}" for figure in ("select_seconds", "ratio") for way in WAYS}
COMMANDS = {"torch", "help", "fit_help"}
STARTUP_KEYS = {"startup_seconds_python"}
STARTUP_KEYS |= {f"{figure}_{each}" for figure in ("startup_seconds", "ratio") for each in COMMANDS}


@pytest.fixture
def measured(tmp_path):
    """A function that runs the command with arguments; its figures."""

    def run(*arguments):
        path = tmp_path / "figures.json"
        assert main(["bench", *arguments, f"--json={path}"]) == 0
        figures = json.loads(path.read_text())
        for name in ("hardware", "num_threads", "torch_version"):
            assert figures.pop(name)
        return figures

    return run


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (TOY_STEP, STEP_KEYS | MEMORY_KEYS),
        pytest.param((*TOY_STEP, "--precision=bf16"), STEP_KEYS | MEMORY_KEYS, marks=pytest.mark.slow),
        (PRUNING, PRUNING_KEYS),
        (TOY_SELECT, SELECT_KEYS),
        (("startup", "--repeats=1"), STARTUP_KEYS),
    ],
    ids=["step", "step_bf16", "step_pruning", "select", "startup"],
)
def test_a_command_has_its_figures(arguments, keys, measured):
    figures = measured(*arguments)
    assert figures.keys() == keys
    assert all(value > 0 and math.isfinite(value) for value in figures.values())


def test_memory_is_left_out_where_the_system_does_not_tell(monkeypatch, measured):
    monkeypatch.setattr(command, "peak_memory", lambda setting, variant: None)
    assert measured(*TOY_STEP).keys() == STEP_KEYS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("step", "--precision=fp8"), "fp8"),
        (("step", "--layers=0"), "layers is 0"),
        (("step", "--repeats=0"), "repeats is 0"),
        (("step", "--device=tpu"), "tpu"),
        (("step", "--variants=[movement]"), "variants has ['movement'], needed are some of fixed, learned, mask_phase"),
        (("select", "--size=0"), "size is 0"),
        (("select", "--sparsity=1", "--size=10"), "sparsity is 1"),
        (("startup", "--repeats=0"), "repeats is 0"),
        (("everything",), "everything"),
        ((), "subcommand"),
    ],
    ids=" ".join,
)
def test_a_wrong_setting_is_one_clear_error(arguments, message, capsys):
    assert main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["step", "select"])
def test_a_missing_gpu_is_one_clear_error(name, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["bench", name, "--device=cuda"]) == 2
    assert "use cpu" in capsys.readouterr().err
