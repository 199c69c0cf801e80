"""Tickets, end to end on a tiny encoder: rewound weights, isolated training, controls."""

import json
from itertools import pairwise

import pytest
import torch
from lightning.pytorch import Callback
from run_helpers import assert_same, cut_off_by, without_callbacks
from safetensors.torch import load_file

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks

ROUNDS = "configs/imp_rewind.yaml"
TICKET = "configs/ticket.yaml"


class Watch(Callback):
    """Keeps what the model is when a phase begins."""

    seen = {}

    def on_before_zero_grad(self, trainer, pl_module, optimizer):
        if pl_module.phase not in self.seen:
            self.seen[pl_module.phase] = {name: value.clone() for name, value in pl_module.state_dict().items()}


@pytest.fixture
def watched(experiment):
    """A function that fits a configuration: the run, and the state at the beginning of each phase."""

    def run(*arguments, **options):
        Watch.seen.clear()
        code, folder = experiment(*arguments, f"--trainer.callbacks+={__name__}.Watch", **options)
        assert code == 0
        return folder, Watch.seen

    return run


def under_mask(state, name, value):
    """A tensor of that name, as the state's own mask leaves it."""
    keep = state.get(f"{name.removesuffix('.weight')}.mask.keep")
    return value if keep is None or not name.endswith(".weight") else value.masked_fill(~keep, 0)


def test_every_round_and_the_ticket_begin_with_the_pretrained_weights_bit_for_bit(watched, tiny_backbone):
    _, seen = watched(config=ROUNDS)
    pretrained = load_file(tiny_backbone / "model.safetensors")
    assert list(seen) == [*(f"round_{number}" for number in range(1, 6)), "ticket"]
    heads = []
    for number, state in enumerate(seen.values(), start=1):
        for name, value in pretrained.items():
            name = f"encoder.backbone.{name}"
            assert torch.equal(state[name], under_mask(state, name, value)), name
        keep = state["encoder.backbone.pooler.dense.mask.keep"]
        assert int(keep.sum()) == keep.numel() - int(keep.numel() * min(number, 5) / 10 + 1e-6)
        heads.append(state["heads.nli.classifier.weight"])
    assert not any(torch.equal(one, other) for one, other in pairwise(heads))  # trained on, not rewound
    assert float(heads[-1].std()) == pytest.approx(0.02, rel=0.3)  # the ticket's is a fresh one


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tiny_backbone):
    from conftest import _finished

    return _finished(tmp_path_factory, tiny_backbone, config=ROUNDS, name="whole")


# At the first round's end, inside the third, before the ticket, inside it.
@pytest.mark.parametrize("step", [5, 12, 25, 31])
def test_a_run_cut_off_and_resumed_is_the_run_left_alone(experiment, whole, tmp_path, step):
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(cut_off_by("run_helpers.CutOff", step), config=ROUNDS, name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole)


def test_the_ticket_of_a_run_is_trained_under_its_mask(experiment, finished_imp_run):
    code, run = experiment(f"--model.init_args.start_from={finished_imp_run}", config=TICKET)
    assert code == 0
    found, own = load_masks(finished_imp_run / "round_5_masks.safetensors"), load_masks(run / "masks.safetensors")
    assert all(torch.equal(own[name], keep) for name, keep in found.items())
    values = json.loads((run / "metrics.json").read_text())
    assert values["sparsity"] == pytest.approx(0.5, abs=3e-3)
    assert values["steps"] == 12


def test_the_classifiers_mask_is_left_to_the_run_it_is_from(experiment, finished_run):
    arguments = (f"--model.init_args.start_from={finished_run}", "--model.init_args.sparsity=null")
    code, run = experiment(*arguments, config=TICKET)
    assert code == 0
    found, own = load_masks(finished_run / "masks.safetensors"), load_masks(run / "masks.safetensors")
    assert set(found) - set(own) == {"heads.nli.classifier.weight"}


def test_pruned_weights_are_zero_in_what_is_exported_whatever_the_decay(experiment, finished_imp_run, tmp_path):
    arguments = (f"--model.init_args.start_from={finished_imp_run}", "--model.init_args.ticket.weight_decay=0.5")
    _, run = experiment(*arguments, config=TICKET)
    assert main(["export", str(run), "--format", "dense", "--out", str(tmp_path / "dense")]) == 0
    exported = load_file(tmp_path / "dense" / "model.safetensors")
    for name, keep in load_masks(run / "masks.safetensors").items():
        (weight,) = (value for each, value in exported.items() if name.endswith(each.removeprefix("bert.")))
        assert not weight[~keep].any()
        assert weight[keep].all()


@pytest.mark.parametrize("control", ["RandomMask", "ShuffledMask"])
def test_a_control_keeps_as_many_of_each_matrix_elsewhere(experiment, finished_imp_run, control):
    named = f"--model.init_args.control=lit_prune.sparsity.controls.{control}"
    code, run = experiment(f"--model.init_args.start_from={finished_imp_run}", named, config=TICKET)
    assert code == 0
    found, own = load_masks(finished_imp_run / "round_5_masks.safetensors"), load_masks(run / "masks.safetensors")
    assert all(own[name].sum() == keep.sum() for name, keep in found.items())
    assert not any(torch.equal(own[name], keep) for name, keep in found.items())


def test_one_pruning_keeps_the_largest_pretrained_weights(experiment, tiny_backbone):
    code, run = experiment(config=TICKET)
    assert code == 0
    pretrained = load_file(tiny_backbone / "model.safetensors")["pooler.dense.weight"].abs()
    keep = load_masks(run / "masks.safetensors")["encoder.backbone.pooler.dense.weight"]
    assert pretrained[keep].min() >= pretrained[~keep].max()


def test_the_weights_after_some_steps_can_be_what_is_rewound_to(watched):
    run, seen = watched("--model.init_args.dense={steps: 6, learning_rate: 1.0e-3, select_after: 1.0}", config=ROUNDS)
    start = read_checkpoint(run / "checkpoints" / "dense.ckpt")["state_dict"]
    assert len(seen) == 1 + 5 + 1
    for phase, state in seen.items():
        before = {name: value for name, value in start.items() if name.startswith("encoder.")}
        same = all(torch.equal(state[name], under_mask(state, name, value)) for name, value in before.items())
        assert same == (phase != "dense")


@pytest.mark.parametrize(
    ("config", "arguments", "words"),
    [
        (TICKET, ["--model.init_args.sparsity=null"], ["must have a mask", "start_from", "ImpRounds"]),
        (TICKET, ["--model.init_args.start_from=/no/run"], ["/no/run"]),
        (ROUNDS, ["--model.init_args.sparsity=0.5"], ["ImpRounds", "leave one out"]),
        (ROUNDS, ["--model.init_args.rounds=null"], ["model.init_args.rounds"]),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(experiment, capsys, config, arguments, words):
    code, _ = experiment(*arguments, config=config)
    assert code == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert all(word in message for word in words), message


def test_a_mask_of_another_architecture_is_named(experiment, finished_roberta_run, capsys):
    arguments = (f"--model.init_args.start_from={finished_roberta_run}", "--model.init_args.sparsity=null")
    code, _ = experiment(*arguments, config=TICKET)
    assert code == 2
    assert "this model's architecture" in capsys.readouterr().err
