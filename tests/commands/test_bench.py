"""The command bench: it runs at a toy size and leaves its figures; no time is asserted."""

import json
import math
import shutil

import pytest
import torch

import lit_prune
from lit_prune.bench.training import MASKED
from lit_prune.cli import main
from lit_prune.commands import bench as command

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
        pytest.param(PRUNING, PRUNING_KEYS, marks=pytest.mark.slow),
        (TOY_SELECT, SELECT_KEYS),
        pytest.param(("startup", "--repeats=1"), STARTUP_KEYS, marks=pytest.mark.slow),
    ],
    ids=["step", "step_bf16", "step_pruning", "select", "startup"],
)
def test_a_command_has_its_figures(arguments, keys, measured):
    figures = measured(*arguments)
    assert figures.keys() == keys
    assert all(value > 0 and math.isfinite(value) for value in figures.values())


@pytest.mark.slow
def test_what_a_study_costs_has_its_figures(small, measured):
    figures = measured("study", *small("configs/dense.yaml"), "--runs=2")
    assert figures.keys() == {"study_seconds_fit", "study_seconds_study", "ratio_study", "overhead_seconds"}
    assert min(figures["study_seconds_fit"], figures["study_seconds_study"]) > 0
    assert figures["overhead_seconds"] == (figures["study_seconds_study"] - figures["study_seconds_fit"]) / 2


def test_memory_is_left_out_where_the_system_does_not_tell(monkeypatch, measured):
    monkeypatch.setattr(command, "peak_memory", lambda make, device: None)
    assert measured(*TOY_STEP).keys() == STEP_KEYS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("step", "--precision=fp8"), "fp8"),
        (("step", "--layers=0"), "layers must be positive, got 0"),
        (("step", "--repeats=0"), "repeats must be positive, got 0"),
        (("step", "--device=tpu"), "tpu"),
        (("step", "--variants=[movement]"), "unknown variants ['movement']: choose from fixed, learned, mask_phase"),
        (("select", "--size=0"), "size must be positive, got 0"),
        (("select", "--sparsity=1", "--size=10"), "sparsity must be at least 0 and below 1, got 1"),
        (("startup", "--repeats=0"), "repeats must be positive, got 0"),
        (("study",), "configs"),
        (("study", "none.yaml"), "unknown config none.yaml: "),
        (("study", "configs/dense.yaml", "--runs=0"), "runs must be positive, got 0"),
        (("density", "--ranks=[0]"), "ranks must be from 1 to 768, the width, got 0"),
        (("density", "--hidden=64", "--ranks=[65]"), "ranks must be from 1 to 64, the width, got 65"),
        (("density", "--kept=[0.1, 1.5]"), "kept must be densities above 0 and at most 1, got 1.5"),
        (("density", "--precisions=[fp8]"), "fp8"),
        (("density", "--hidden=100"), "a multiple of 64"),
        (("inference",), "folders"),
        (("inference", "none"), "none must have one of"),
        (("inference", "none", "--batch=[]"), "batch and length must be lists of numbers, got []"),
        (("everything",), "everything"),
        ((), "a command must be given, got none: choose from inference, density"),
    ],
    ids=" ".join,
)
def test_a_wrong_setting_is_one_clear_error(arguments, message, capsys):
    assert main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_time_over_density(tmp_path, capsys):
    toy = ["--layers=1", "--hidden=64", "--batch=2", "--length=8", "--repeats=1", "--device=cpu"]
    files = [f"--json={tmp_path / 'figures.json'}", f"--figure={tmp_path / 'figure.png'}"]
    assert main(["bench", "density", *toy, "--ranks=[8, 16]", "--kept=[0.1]", *files]) == 0
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["num_threads"] == torch.get_num_threads()
    names = [(row["name"], row["precision"]) for row in figures["measurements"]]
    assert names[3:] == [
        *((f"rank {rank}", precision) for rank in (8, 16) for precision in ("fp32", "bf16", "int8")),
        ("csr 0.1", "fp32"),
        ("csr 0.1", "bf16"),
    ]
    assert (tmp_path / "figure.png").is_file()
    assert "rank 16" in capsys.readouterr().out


def test_exports_and_runs_in_use(finished_rank_run, finished_sparse_run, export, tmp_path, capsys):
    run = tmp_path / "run"
    shutil.copytree(finished_rank_run, run)
    folder = export(finished_sparse_run, "csr")
    toy = ["--repeats=1", "--device=cpu", "--precisions=[fp32]", "--batch=[1, 2]", "--length=[8]"]
    assert main(["bench", "inference", str(run), str(folder), *toy, f"--json={tmp_path / 'all.json'}"]) == 0
    rows = json.loads((tmp_path / "all.json").read_text())["measurements"]
    forms = [("dense", "lowrank"), ("dense", "csr")]
    assert [(row["folder"], row["batch"], row["name"]) for row in rows] == [
        (str(place), batch, form)
        for place, own in zip((run, folder), forms, strict=True)
        for batch in (1, 2)
        for form in own
    ]
    numbers = json.loads((run / "speed.json").read_text())
    assert numbers["lowrank_fp32_seconds"] == rows[1]["seconds"]
    assert numbers["lowrank_fp32_bytes"] < numbers["dense_fp32_bytes"]
    card = (folder / "README.md").read_text()
    assert "1 texts of 8 tokens" in card
    assert "| csr | fp32 |" in card
    lit_prune.load(folder)  # a card is no part of what is checked
    assert "warning" in capsys.readouterr().out or all(row["ratio"] < 1 for row in rows if row["name"] != "dense")


@pytest.mark.parametrize("name", ["step", "select", "density"])
def test_a_missing_gpu_is_one_clear_error(name, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["bench", name, "--device=cuda"]) == 2
    assert "use cpu" in capsys.readouterr().err
