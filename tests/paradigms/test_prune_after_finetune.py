"""The main paradigm end to end on a tiny encoder: what is trained, what is frozen, what is selected."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from transformers import get_linear_schedule_with_warmup

from lit_prune.cli import main
from lit_prune.data import GeneratedNli, MultitaskDataModule, OverlapBias, Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.heads import Classification
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks
from lit_prune.sparsity.schedules import Cubic

NO_DROPOUT = "--encoder.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}"
CROSS_ENTROPY = "--model.init_args.loss=lit_prune.losses.CrossEntropy"


class PermutedOod(GeneratedNli):
    """The generated corpus with the labels of its OOD set rotated."""

    def rows(self, split, root):
        for row in super().rows(split, root):
            if split == "ood":
                rotated = {"entailment": "neutral", "neutral": "entailment", "contradiction": "entailment"}
                row = {**row, "label": rotated[row["label"]]}
            yield row


def metrics(run):
    return json.loads((run / "metrics.json").read_text())


def weights(run, name):
    return read_checkpoint(run / "checkpoints" / name)["state_dict"]


def test_the_mask_phase_trains_nothing_but_scores(finished_run):
    dense, sparse = weights(finished_run, "dense.ckpt"), weights(finished_run, "best.ckpt")
    assert set(sparse) - set(dense) == {name for name in sparse if ".mask." in name}
    assert all(torch.equal(value, sparse[name]) for name, value in dense.items())
    scores = {name: value for name, value in sparse.items() if name.endswith("mask.scores")}
    assert len(scores) == 2 * 6 + 2
    start = {name: dense[name.replace("mask.scores", "weight")].abs() for name in scores}
    assert all(not torch.equal(scores[name], start[name]) for name in scores)


def test_every_matrix_of_the_selected_model_has_exactly_the_final_sparsity(finished_run):
    for keep in load_masks(finished_run / "masks.safetensors").values():
        assert int(keep.sum()) == keep.numel() - keep.numel() // 2
    assert metrics(finished_run)["sparsity"] == pytest.approx(0.5, abs=1e-3)


def test_the_dense_phase_ends_where_the_mask_phase_begins_and_each_has_its_best(finished_run):
    values = metrics(finished_run)
    dense = values["steps"] - 20
    assert 0 < values["dense/step"] <= dense
    assert dense + 16 <= values["step"] <= dense + 20, "only evaluations at the final sparsity are eligible"


def test_product_of_experts_and_cross_entropy_share_the_dense_model_but_not_the_mask(experiment):
    runs = {}
    for name, arguments in {"poe": [], "ce": [CROSS_ENTROPY]}.items():
        code, runs[name] = experiment(*arguments, name=name)
        assert code == 0
    poe, ce = (metrics(runs[name]) for name in ("poe", "ce"))
    assert {name: value for name, value in poe.items() if name.startswith("dense/")} == {
        name: value for name, value in ce.items() if name.startswith("dense/")
    }
    masks = [load_masks(runs[name] / "masks.safetensors") for name in ("poe", "ce")]
    assert any(not torch.equal(masks[0][name], masks[1][name]) for name in masks[0])


@pytest.mark.parametrize("loss", ["poe", "ce"])
def test_twenty_steps_give_the_scores_of_a_plain_loop_with_the_same_loss(experiment, tiny_backbone, loss):
    """An independent mask training, written out: the loss named in the yaml is the one that was trained with."""
    code, run = experiment(
        NO_DROPOUT, "--model.init_args.dense.steps=20", *([CROSS_ENTROPY] if loss == "ce" else []), name=loss
    )
    assert code == 0
    trained = weights(run, "last.ckpt")
    state = weights(run, "dense.ckpt")

    encoder = PrunableEncoder(
        str(tiny_backbone), config={"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    )
    head = Classification(16, 3, 0.0, pooled=True)
    model = torch.nn.ModuleDict({"encoder": encoder, "heads": torch.nn.ModuleDict({"nli": head})})
    task = Task(
        name="nli",
        labels=["contradiction", "entailment", "neutral"],
        source=GeneratedNli(0.9, 253, 60, version=1),
        positive="entailment",
        merge={"contradiction": "non_entailment", "neutral": "non_entailment"},
        bias=OverlapBias(balanced=False),
    )
    data = MultitaskDataModule(
        [task], encoder.tokenizer, encoder.word_embeddings, max_length=48, group_by_length=True, seed=1
    )
    data.setup("fit")
    model.load_state_dict(state)  # not before: the bias model reads the pretrained embeddings

    names = [name.removesuffix(".mask.scores") for name in trained if name.endswith("mask.scores")]
    layers = {name: model.get_submodule(name) for name in names}
    scores = {name: layer.weight.detach().abs().requires_grad_() for name, layer in layers.items()}
    thresholds = {}
    schedule = Cubic(0.1, 0.5, 0.6)

    def refresh(step):
        for name, each in scores.items():
            ordered = each.detach().flatten().sort().values
            removed = int(len(ordered) * schedule(step / 20) + 1e-9)
            thresholds[name] = (ordered[removed - 1] + ordered[removed]) / 2

    optimizer = torch.optim.AdamW(scores.values(), lr=1e-2, weight_decay=0.0)
    rates = get_linear_schedule_with_warmup(optimizer, 2, 20)
    batches = []
    while len(batches) < 20:
        where = {"global_step": 20 + len(batches), "accumulate_grad_batches": 1}
        data.trainer = SimpleNamespace(**where, global_rank=0, world_size=1)
        batches += data.train_dataloader()
    refresh(0)
    for step, batch in enumerate(batches[:20], start=1):
        masked = {}
        for name, layer in layers.items():
            hard = (scores[name] >= thresholds[name]).float()
            masked[f"{name}.weight"] = layer.weight.detach() * (hard + scores[name] - scores[name].detach())
        logits = torch.func.functional_call(
            _Whole(model), {f"model.{name}": value for name, value in masked.items()}, (batch.inputs,)
        )
        combined = logits.log_softmax(-1) + batch.bias if loss == "poe" else logits
        F.cross_entropy(combined, batch.labels).backward()
        torch.nn.utils.clip_grad_norm_(scores.values(), 1.0)
        optimizer.step()
        rates.step()
        optimizer.zero_grad()
        if step % 4 == 0 or (20 + step) % 6 == 0:
            refresh(step)
    expected = torch.cat([trained[f"{name}.mask.scores"].flatten() for name in scores])
    found = torch.cat([each.detach().flatten() for each in scores.values()])
    start = torch.cat([state[f"{name}.weight"].abs().flatten() for name in scores])
    assert (found - expected).norm() < 1e-4 * (expected - start).norm()


class _Whole(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, inputs):
        return self.model["heads"]["nli"](*self.model["encoder"](inputs))


def test_other_ood_labels_change_no_selected_model(experiment):
    code, reference = experiment(name="reference")
    assert code == 0
    source = f"--data.tasks=[{{class_path: lit_prune.data.Task, init_args: {{name: nli, labels: [contradiction, entailment, neutral], positive: entailment, merge: {{contradiction: non_entailment, neutral: non_entailment}}, source: {{class_path: {__name__}.PermutedOod, init_args: {{num_train: 253, num_eval: 60}}}}, bias: lit_prune.data.OverlapBias}}}}]"  # noqa: E501
    code, run = experiment(source)
    assert code == 0
    before, after = metrics(reference), metrics(run)
    assert before["nli/ood/accuracy"] != after["nli/ood/accuracy"]
    assert (before["step"], before["dense/step"]) == (after["step"], after["dense/step"])
    for name in ("dense.ckpt", "best.ckpt"):
        first, second = weights(reference, name), weights(run, name)
        assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_run_that_starts_from_another_skips_the_dense_phase_but_reports_it(experiment, finished_run):
    code, run = experiment(f"--model.init_args.start_from={finished_run}", name="started")
    assert code == 0
    values, origin = metrics(run), metrics(finished_run)
    assert values["steps"] == 20
    dense = {name: value for name, value in origin.items() if name.startswith("dense/nli")}
    assert {name: values[name] for name in dense} == pytest.approx(dense)
    assert (run / "checkpoints" / "dense.ckpt").samefile(finished_run / "checkpoints" / "dense.ckpt")
    assert weights(run, "best.ckpt").keys() == weights(finished_run, "best.ckpt").keys()


def test_checkpoints_of_the_mask_phase_leave_the_frozen_weights_to_the_dense_one(finished_run, tmp_path, capsys):
    """Reading them compares what was in memory, by its hash, with what is put back."""
    whole = set(weights(finished_run, "best.ckpt"))
    for name in ("best.ckpt", "last.ckpt"):
        there = torch.load(finished_run / "checkpoints" / name, weights_only=True)["state_dict"]
        assert set(there) == {key for key in whole if ".mask." in key}
    moved = tmp_path / "version_0"
    shutil.copytree(finished_run, moved)
    checkpoints = moved / "checkpoints"
    dense = torch.load(checkpoints / "dense.ckpt", weights_only=True)
    dense["state_dict"]["heads.nli.classifier.bias"] += 1e-6
    torch.save(dense, checkpoints / "dense.ckpt")
    (moved / "metrics.json").unlink()
    assert main(["fit", "--resume", str(moved)]) == 2
    assert f"{checkpoints}/dense.ckpt must be the model that the masks of" in capsys.readouterr().err
    (checkpoints / "dense.ckpt").unlink()
    assert main(["fit", "--resume", str(moved)]) == 2
    assert f"the checkpoint must exist, got {checkpoints}/dense.ckpt" in capsys.readouterr().err


def test_global_scope_removes_the_share_of_all_matrices_together(experiment):
    code, run = experiment("--model.init_args.scope=global")
    assert code == 0
    masks = load_masks(run / "masks.safetensors")
    total = sum(keep.numel() for keep in masks.values())
    assert sum(int(keep.sum()) for keep in masks.values()) == total - total // 2
    assert len({round(float(keep.float().mean()), 2) for keep in masks.values()}) > 1
