"""The bench: its commands run at a toy size and leave their figures; no time is asserted."""

import json
import math

import pytest
import torch

from lit_prune import bench
from lit_prune.cli import main

TOY_STEP = ("step", "--layers=1", "--hidden=64", "--batch=2", "--length=8", "--repeats=2", "--device=cpu")
TOY_SELECT = ("select", "--size=1000", "--repeats=2", "--device=cpu")
STEP_KEYS = {f"step_seconds_{variant}" for variant in bench.VARIANTS}
STEP_KEYS |= {f"ratio_{variant}" for variant in ("fixed", "learned", "mask_phase")}
STEP_KEYS |= {f"memory_{figure}_{variant}" for figure in ("bytes", "ratio") for variant in bench.VARIANTS}
WAYS = {"topk", "kthvalue", "sort"}
SELECT_KEYS = {"select_seconds"} | {f"{figure}_{way}" for figure in ("select_seconds", "ratio") for way in WAYS}
COMMANDS = {"torch", "help", "fit_help"}
STARTUP_KEYS = {"startup_seconds_python"}
STARTUP_KEYS |= {f"{figure}_{command}" for figure in ("startup_seconds", "ratio") for command in COMMANDS}


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (TOY_STEP, STEP_KEYS),
        ((*TOY_STEP, "--precision=bf16"), STEP_KEYS),
        (TOY_SELECT, SELECT_KEYS),
        (("startup", "--repeats=1"), STARTUP_KEYS),
    ],
    ids=["step", "step_bf16", "select", "startup"],
)
def test_a_command_prints_its_figures_and_writes_them(arguments, keys, tmp_path, capsys):
    path = tmp_path / "figures.json"
    assert main(["bench", *arguments, f"--json={path}"]) == 0
    figures = json.loads(path.read_text())
    printed = capsys.readouterr().out
    assert all(name in printed for name in figures)
    assert figures.pop("hardware")
    assert figures.pop("torch_version") == torch.__version__
    assert figures.pop("num_threads") == torch.get_num_threads()
    assert figures.keys() == keys
    assert all(value > 0 and math.isfinite(value) for value in figures.values())


def test_without_a_file_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["bench", *TOY_SELECT]) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("step", "--precision=fp8"), "fp8"),
        (("step", "--layers=0"), "layers is 0"),
        (("step", "--hidden=100"), "hidden is 100"),
        (("step", "--batch=-1"), "batch is -1"),
        (("step", "--repeats=0"), "repeats is 0"),
        (("step", "--device=tpu"), "tpu"),
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


@pytest.mark.parametrize("command", ["step", "select"])
def test_a_missing_gpu_is_one_clear_error(command, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert main(["bench", command, "--device=cuda"]) == 2
    assert "use cpu" in capsys.readouterr().err


@pytest.mark.parametrize("variant", bench.VARIANTS)
def test_a_step_trains_what_its_name_says(variant, monkeypatch):
    trained = []
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda parameters, norm: trained.extend(parameters))
    bench.training_step(bench.Setting(1, 64, 2, 8, "fp32", "cpu"), variant)()
    assert all(value.grad is not None for value in trained)
    num_matrices = sum(value.ndim == 2 for value in trained)
    # Three embeddings; six matrices of the layer, the pooler and the classifier, which have scores of the same shapes.
    assert num_matrices == {"dense": 3 + 8, "fixed": 3 + 8, "learned": 3 + 8 + 8, "mask_phase": 8}[variant]
