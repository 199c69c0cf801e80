"""Group DRO against NumPy, on one process and on several, and in runs."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from loss_cases import batch
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.losses import GroupDro
from lit_prune.runs.checkpoints import KEY, read_checkpoint

SIZES = torch.tensor([40, 5, 9, 2])


def steps(num_steps=5, num_rows=12):
    """Logits and examples of some steps; group 3 is in none of the first."""
    torch.manual_seed(0)
    for step in range(num_steps):
        examples = batch(torch.randint(3, (num_rows,)).tolist())
        examples.groups = torch.randint(3 if step == 0 else 4, (num_rows,))
        yield 2 * torch.randn(num_rows, 3), examples


def made(step_size=0.5):
    loss = GroupDro(step_size)
    loss.reset(16, SIZES)
    return loss


def test_weights_and_losses_of_several_steps_are_those_of_numpy():
    loss = made()
    q = np.full(4, 0.25)
    for logits, examples in steps():
        scores, labels, groups = logits.double().numpy(), examples.labels.numpy(), examples.groups.numpy()
        losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(12), labels]
        means = np.array([losses[groups == group].mean() if (groups == group).any() else 0.0 for group in range(4)])
        q = q * np.exp(0.5 * means)
        q = q / q.sum()
        logits.requires_grad_()
        value = loss(logits, examples)
        value.backward()
        assert value.item() == pytest.approx(q @ means, rel=1e-5)
        np.testing.assert_allclose(loss.weights.numpy(), q, rtol=1e-5)
        counts = np.bincount(groups, minlength=4)
        errors = np.exp(scores) / np.exp(scores).sum(1, keepdims=True) - np.eye(3)[labels]
        expected = (q[groups] / counts[groups])[:, None] * errors  # the weights are constants
        np.testing.assert_allclose(logits.grad.numpy(), expected, rtol=1e-4, atol=1e-7)
    assert q.max() > 0.4


def test_without_steps_of_the_weights_it_is_the_mean_over_groups():
    loss = made(step_size=0.0)
    (logits, examples), *_ = list(steps())[1:]
    losses = F.cross_entropy(logits, examples.labels, reduction="none")
    means = [losses[examples.groups == group].mean() for group in range(4)]
    torch.testing.assert_close(loss(logits, examples), torch.stack(means).mean())


def test_processes_that_share_a_step_have_the_weights_and_the_loss_of_one(monkeypatch):
    """Their mean of a loss times its share of the step, as in training, is the loss of the whole step."""
    ((logits, whole),) = steps(1)
    parts = [slice(0, 7), slice(7, 11), slice(11, 12)]
    shards = []
    for rows in parts:
        shard = batch(whole.labels[rows].tolist(), weight=(rows.stop - rows.start) * len(parts) / 12)
        shard.groups = whole.groups[rows]
        shards.append((logits[rows], shard))
    own = []
    monkeypatch.setattr("lit_prune.losses.group_dro.mean_over_processes", lambda value: own.append(value) or value)
    for shard in shards:
        made()(*shard)
    monkeypatch.setattr("lit_prune.losses.group_dro.mean_over_processes", lambda value: sum(own) / len(parts))
    losses = [made() for _ in parts]
    together = sum(loss(*shard) * shard[1].weight for loss, shard in zip(losses, shards, strict=True)) / len(parts)
    monkeypatch.undo()
    alone = made()
    torch.testing.assert_close(together, alone(logits, whole))
    for loss in losses:
        torch.testing.assert_close(loss.weights, alone.weights)


def test_weights_begin_anew_with_a_phase_and_stay_finite():
    loss = made(step_size=1e4)
    for logits, examples in steps():
        assert torch.isfinite(loss(logits, examples))
    assert loss.weights.sum().item() == pytest.approx(1)
    loss.reset(16, SIZES)
    assert loss.weights.tolist() == [0.25] * 4


def test_logits_in_half_precision_are_computed_in_float32():
    ((logits, examples),) = steps(1)
    with torch.autocast("cpu", torch.bfloat16):
        value = made()(logits.bfloat16(), examples)
    torch.testing.assert_close(value, made()(logits.bfloat16().float(), examples))


@pytest.mark.parametrize("step_size", [-0.1, math.inf, math.nan])
def test_a_step_size_that_is_none_is_an_error(step_size):
    with pytest.raises(UserError, match="step_size of GroupDro must be finite and at least 0"):
        GroupDro(step_size)


# ---- runs --------------------------------------------------------------------------------------------------------

ARGUMENTS = (
    "--data.groups=overlap",
    "--data.sampling=lit_prune.data.BalancedGroups",
    "--model.init_args.loss={class_path: lit_prune.losses.GroupDro, init_args: {step_size: 0.1}}",
)


def weights(run):
    return read_checkpoint(run / "checkpoints" / "last.ckpt")[KEY]["loss"]["loss.weights"]


def test_a_run_that_is_cut_off_resumes_with_its_weights_bit_for_bit(experiment, tmp_path):
    code, whole = experiment(*ARGUMENTS, name="whole")
    assert code == 0
    assert "loss.weights" not in read_checkpoint(whole / "checkpoints" / "best.ckpt")["state_dict"]
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*ARGUMENTS, cut_off_by("run_helpers.CutOff", 33), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)
    assert torch.equal(weights(run), weights(whole))
    assert len(weights(whole)) == 6  # three labels, with full overlap or not
    assert float(weights(whole).std()) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (ARGUMENTS[2:], "data.groups must be set for GroupDro, got null: choose from bias, overlap, group"),
        ((*ARGUMENTS[:2], "--data.groups=null"), "data.sampling must fit task 'nli', got BalancedGroups"),
    ],
)
def test_a_run_without_groups_is_an_error(experiment, capsys, arguments, message):
    assert experiment(*arguments)[0] == 2
    assert message in capsys.readouterr().err
