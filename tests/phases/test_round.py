"""Pruning in rounds, end to end on a tiny encoder: densities, nested masks, cut off and resumed."""

import json

import pytest
import torch
import yaml
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks

CONFIG = "configs/imp.yaml"
ROUNDS = range(1, 10)


def masks(run, number):
    return load_masks(run / ("masks.safetensors" if number == 9 else f"round_{number}_masks.safetensors"))


def state(run, name):
    return read_checkpoint(run / "checkpoints" / name)["state_dict"]


def test_every_round_has_its_density_in_every_matrix_and_lies_within_the_round_before(finished_imp_run):
    before = None
    for number in ROUNDS:
        now = masks(finished_imp_run, number)
        assert len(now) == 2 * 6 + 1  # all matrices and the pooler, not the classifier
        for name, keep in now.items():
            assert int(keep.sum()) == keep.numel() - int(keep.numel() * number / 10 + 1e-6)
            assert before is None or bool((keep <= before[name]).all())
        before = now


def test_every_round_is_evaluated_at_its_end_and_reported(finished_imp_run):
    values = json.loads((finished_imp_run / "metrics.json").read_text())
    assert values["steps"] == 20 + 9 * 5
    for number in ROUNDS[:-1]:
        assert values[f"round_{number}/step"] == 20 + 5 * number
        assert values[f"round_{number}/sparsity"] == pytest.approx(
            number / 10, abs=3e-3
        )  # tiny matrices: whole entries
    assert values["sparsity"] == pytest.approx(0.9, abs=3e-3)
    assert 0 <= values["round_5/nli/ood/auroc"] <= 1


# Inside the dense phase, at the first round, inside a round, between two rounds, inside the last.
@pytest.mark.parametrize("step", [13, 20, 28, 40, 63])
def test_a_run_cut_off_and_resumed_has_the_same_masks_and_metrics(experiment, finished_imp_run, tmp_path, step):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by("run_helpers.CutOff", step), config=CONFIG, name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, finished_imp_run)
    for number in ROUNDS:
        again, before = masks(run, number), masks(finished_imp_run, number)
        assert all(torch.equal(again[name], keep) for name, keep in before.items())


def test_rounds_by_random_scores_resume_with_the_same_draws(experiment, tmp_path):
    rounds = {"class_path": "lit_prune.callbacks.ImpRounds", "init_args": {"final": 0.6, "num_rounds": 3}}
    (tmp_path / "short.yaml").write_text(yaml.safe_dump({"trainer": {"callbacks": [rounds]}}))
    arguments = (
        "--config",
        str(tmp_path / "short.yaml"),
        "--model.init_args.criterion=lit_prune.sparsity.criteria.Random",
    )
    code, whole = experiment(*arguments, config=CONFIG, name="whole")
    assert code == 0
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*arguments, cut_off_by("run_helpers.CutOff", 28), config=CONFIG, name="random")
    run = tmp_path / "runs" / "random" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)


def test_a_pruned_weight_stays_as_it_was_pruned(finished_imp_run):
    first, last = state(finished_imp_run, "round_1.ckpt"), state(finished_imp_run, "best.ckpt")
    for name, keep in masks(finished_imp_run, 1).items():
        assert torch.equal(first[name][~keep], last[name][~keep])
        assert not torch.equal(first[name][keep], last[name][keep])


def test_the_loss_of_the_yaml_is_the_one_that_is_trained_with(experiment, finished_imp_run):
    code, run = experiment("--model.init_args.loss=lit_prune.losses.CrossEntropy", config=CONFIG)
    assert code == 0
    other, own = state(run, "dense.ckpt"), state(finished_imp_run, "dense.ckpt")
    assert all(torch.equal(other[name], value) for name, value in own.items())
    other, own = state(run, "round_1.ckpt"), state(finished_imp_run, "round_1.ckpt")
    assert not torch.equal(other["heads.nli.classifier.weight"], own["heads.nli.classifier.weight"])


def test_global_scope_removes_the_share_of_all_matrices_together(experiment):
    code, run = experiment("--model.init_args.scope=global", config=CONFIG)
    assert code == 0
    keeps = masks(run, 5)
    total = sum(keep.numel() for keep in keeps.values())
    assert sum(int(keep.sum()) for keep in keeps.values()) == total - total // 2
    assert len({float(keep.float().mean()) for keep in keeps.values()}) > 1


def rounds(num_rounds, final):
    named = f"{{class_path: lit_prune.callbacks.ImpRounds, init_args: {{num_rounds: {num_rounds}, final: {final}}}}}"
    return f"--trainer.callbacks=[{named}]"


def test_only_what_is_named_is_trained(experiment):
    code, run = experiment("--model.init_args.trained=[heads.*]", rounds(1, 0.0), config=CONFIG)
    assert code == 0
    dense, after = state(run, "dense.ckpt"), state(run, "best.ckpt")
    changed = {name for name, value in dense.items() if not torch.equal(value, after[name])}
    assert changed == {"heads.nli.classifier.weight", "heads.nli.classifier.bias"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--trainer.callbacks=null"], ["must have rounds", "ImpRounds"]),
        (["--model.init_args.trained=[head.*]"], ["got 'head.*'", "must match parameters"]),
        (["--model.init_args.scope=layer"], ["layer", "local", "global"]),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(experiment, capsys, arguments, words):
    code, run = experiment(*arguments, config=CONFIG)
    assert code == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert all(word in message for word in words), message
    assert not list(run.glob("checkpoints/*"))
