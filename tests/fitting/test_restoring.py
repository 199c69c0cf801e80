"""Errors while a run is restored are of its checkpoint; others are bugs."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.fitting.ending import restoring

LAST = Path("last.ckpt")


@pytest.mark.parametrize("error", [KeyError("mask"), RuntimeError("size mismatch"), ValueError("groups")])
def test_an_error_of_restoring_names_the_checkpoint(error):
    with (
        pytest.raises(UserError, match=rf"last\.ckpt must fit the run, got {type(error).__name__}"),
        restoring(LAST, SimpleNamespace(restored_state={})),
    ):
        raise error


def test_other_errors_stay_what_they_are():
    with pytest.raises(KeyError), restoring(LAST, SimpleNamespace(restored_state=None)):
        raise KeyError("a bug of training")
    with pytest.raises(UserError, match=r"^own$"), restoring(LAST, SimpleNamespace(restored_state={})):
        raise UserError("own")


def test_a_checkpoint_that_was_written_anew_is_one_line_that_names_it(experiment, capsys):
    _, run = experiment(
        "--model.init_args.dense.steps=2", "--trainer.val_check_interval=2", config="configs/dense.yaml"
    )
    (run / "metrics.json").unlink()
    (run / "checksums.json").unlink()
    path = run / "checkpoints" / "last.ckpt"
    whole = torch.load(path, weights_only=True)
    name = next(iter(whole["state_dict"]))
    changes = [
        {"state_dict": whole["state_dict"] | {name: torch.zeros(3)}},
        {"optimizer_states": [{}]},
        {"lit_prune": whole["lit_prune"] | {"ends": {"other": 2}}},
        {"lit_prune": whole["lit_prune"] | {"phase": "mask"}},
    ]
    for change in changes:
        torch.save(whole | change, path)
        capsys.readouterr()
        assert main(["fit", "--resume", str(run), "--trainer.enable_progress_bar=false"]) == 2, change
        (line,) = [each for each in capsys.readouterr().err.splitlines() if "error" in each]
        assert f"lit_prune: error: {path} must fit the run" in line
