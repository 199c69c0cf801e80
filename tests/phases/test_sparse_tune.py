"""Sparse fine-tuning: what is tuned, and that nothing else moves."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from datasets import Dataset
from run_helpers import cut_off_by, without_callbacks
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.optim import SGD

from lit_prune.cli import main
from lit_prune.export.trained import read_run
from lit_prune.phases import Training
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.install import dense_state_dict, masked_layers, masks_by_task
from lit_prune.sparsity.pairs import rank_pairs

CRITERIA = {
    "sam": "{class_path: lit_prune.tuning.GradientCriterion, init_args: {num_batches: 3}}",
    "fisher": "{class_path: lit_prune.tuning.GradientCriterion, init_args: {num_batches: 3, of: square}}",
    "curvature": "{class_path: lit_prune.tuning.CurvatureCriterion, init_args: {num_batches: 2, num_probes: 2}}",
    "random": "lit_prune.sparsity.criteria.Random",
    "magnitude": "lit_prune.sparsity.criteria.Magnitude",
}
REPOSITORY = Path(__file__).parents[2]
LABELS = ("contradiction", "entailment", "neutral")
METHOD = "--model.init_args.method.init_args"
SEARCH = ("--model.init_args.search.steps=8", f"{METHOD}.every=3", f"{METHOD}.share=0.02")
BRIEF = ("--model.init_args.tune.steps=10", "--trainer.val_check_interval=5")


def states(run, name="best"):
    base, tuned = (read_checkpoint(run / "checkpoints" / f"{each}.ckpt")["state_dict"] for each in ("dense", name))
    assert base.keys() == tuned.keys()
    return base, tuned


def changed(run):
    base, tuned = states(run)
    return {name: (int((tuned[name] != value).sum()), value.numel()) for name, value in base.items()}


@pytest.mark.parametrize("scope", ["tensor", "global"])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_no_more_than_the_share_moves_and_all_of_it_does(criterion, scope, experiment):
    settings = (f"{METHOD}.criterion={CRITERIA[criterion]}", f"{METHOD}.scope={scope}")
    decay = (f"{METHOD}.share=0.02", "--model.init_args.tune.weight_decay=0.1")
    code, run = experiment(*settings, *decay, *BRIEF, config="configs/sam.yaml")
    assert code == 0
    moved = changed(run)
    encoder = {name: each for name, each in moved.items() if name.startswith("encoder.")}
    metrics = json.loads((run / "metrics.json").read_text())
    size = sum(numel for _, numel in encoder.values())
    if scope == "tensor":
        allowed = {name: int(0.02 * numel) for name, (_, numel) in encoder.items()}
        assert all(num <= allowed[name] for name, (num, _) in encoder.items())
        assert metrics["tuned"] == sum(allowed.values())
    else:
        assert metrics["tuned"] == int(0.02 * size)
    assert metrics["tuned_share"] == metrics["tuned"] / size
    num_moved = sum(num for num, _ in encoder.values())
    assert num_moved <= metrics["tuned"]
    if criterion == "sam":  # what has a gradient moves
        assert num_moved > 0.9 * metrics["tuned"]
    assert any(num for name, (num, _) in moved.items() if name.startswith("heads."))


def test_the_head_alone_is_a_share_of_0_and_all_biases_one_of_1(experiment):
    code, run = experiment(f"{METHOD}.share=0", *BRIEF, config="configs/sam.yaml", name="head")
    assert code == 0
    assert not any(num for name, (num, _) in changed(run).items() if name.startswith("encoder."))
    code, run = experiment("--config=configs/tuning/bitfit.yaml", *BRIEF, config="configs/sam.yaml")
    assert code == 0
    run = run.parents[1] / "bitfit" / "version_0"
    moved = {name for name, (num, _) in changed(run).items() if num and name.startswith("encoder.")}
    assert moved
    assert all(name.endswith(".bias") for name in moved)


def test_what_is_frozen_is_on_disk_once(experiment):
    code, run = experiment(*BRIEF, config="configs/sam.yaml")
    assert code == 0
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    own = [name for name in checkpoint["state_dict"] if not name.startswith("heads.")]
    assert own
    assert all(name.endswith((".0.values", ".0.index")) for name in own)
    num = sum(each["exp_avg"].numel() for each in checkpoint["optimizer_states"][0]["state"].values())
    base, _ = states(run)
    heads = sum(value.numel() for name, value in base.items() if name.startswith("heads."))
    assert num == heads + json.loads((run / "metrics.json").read_text())["tuned"]


@pytest.mark.parametrize("name", ["childpruning", "diffpruning"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_after_a_search_no_more_than_the_share_has_moved(name, optimizer, experiment, monkeypatch):
    if optimizer == "sgd":
        monkeypatch.setattr(
            Training, "make_optimizer", lambda self, trained, fused: SGD(trained.values(), 0.1, 0.9, weight_decay=0.1)
        )
    overlay = (f"--config=configs/tuning/{name}.yaml", "--experiment=e2e")
    code, run = experiment(*overlay, *SEARCH, *BRIEF, config="configs/sam.yaml")
    assert code == 0
    moved = {name: each for name, each in changed(run).items() if name.startswith("encoder.")}
    assert all(num <= int(0.02 * numel) for num, numel in moved.values())
    metrics = json.loads((run / "metrics.json").read_text())
    assert (
        0 < sum(num for num, _ in moved.values()) <= metrics["tuned"] == sum(int(0.02 * n) for _, n in moved.values())
    )
    assert metrics["step"] > 8  # no model of the search is selected
    logged = EventAccumulator(str(run)).Reload().Scalars("search/kept_again")
    assert [each.step for each in logged] == [6]
    assert 0 <= logged[0].value <= 1


RESET = f"{METHOD}.at=evaluation"


def test_the_result_is_what_the_selected_evaluation_drew(experiment):
    settings = ("--config=configs/tuning/mixout.yaml", RESET, f"{METHOD}.probability=0.5", "--experiment=e2e", *BRIEF)
    code, run = experiment(*settings, config="configs/sam.yaml")
    assert code == 0
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    stays = torch.cat([value.flatten() for name, value in state.items() if name.endswith(".stays")])
    assert 0.45 < stays.float().mean() < 0.55
    assert main(["predict", str(run), "--split", "id", "--out", str(run / "again.parquet")]) == 0
    again = Dataset.from_parquet(str(run / "again.parquet"))
    of_run = Dataset.from_parquet(str(run / "predictions.parquet")).filter(lambda row: row["split"] == "id")
    shares = torch.tensor(of_run["logits"][:]).softmax(1)
    found = torch.stack([torch.tensor(again[f"probability_{name}"][:]) for name in LABELS], 1)
    torch.testing.assert_close(found.float(), shares, atol=2e-3, rtol=0)  # without autocast


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("", 2),
        ("", 7),
        ("diffpruning", 5),
        ("diffpruning", 12),
        ("childpruning", 5),
        ("mixout", 7),
        ("lora", 7),
        ("adapter", 7),
    ],
)
def test_a_resumed_run_is_the_same_bit_for_bit(name, step, experiment, tmp_path):
    overlay = (f"--config=configs/tuning/{name}.yaml",) if name else ()
    assert_resumes((*overlay, *(SEARCH if name.endswith("pruning") else ())), step, experiment, tmp_path)


def assert_resumes(settings, step, experiment, tmp_path):
    settings = (*settings, *BRIEF)
    code, _ = experiment(*settings, "--experiment=whole", config="configs/sam.yaml")
    assert code == 0
    with pytest.raises(SystemExit):
        experiment(*settings, "--experiment=cut", cut_off_by("run_helpers.CutOff", step), config="configs/sam.yaml")
    run, whole = (tmp_path / "runs" / each / "version_0" for each in ("cut", "whole"))
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    for name in ("best", "last"):
        expected, found = (
            read_checkpoint(each / "checkpoints" / f"{name}.ckpt")["state_dict"] for each in (whole, run)
        )
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], value) for key, value in expected.items())
    assert (run / "predictions.parquet").read_bytes() == (whole / "predictions.parquet").read_bytes()


def test_a_model_of_another_task_gives_its_encoder(experiment, finished_run, tmp_path):
    data = tmp_path / "other.yaml"
    task = yaml.safe_load((REPOSITORY / "configs/data/paraphrase.yaml").read_text())["data"]["tasks"][0]
    task["init_args"]["source"]["init_args"] |= {"num_train": 64, "num_eval": 24}
    data.write_text(yaml.safe_dump({"data": {"tasks": [task]}}))
    start = f"--model.init_args.start_from={finished_run}"
    code, run = experiment(f"--config={data}", start, f"{METHOD}.share=0.02", *BRIEF, config="configs/sam.yaml")
    assert code == 0
    before = read_checkpoint(finished_run / "checkpoints" / "dense.ckpt")["state_dict"]
    base, tuned = states(run)
    assert all(torch.equal(value, base[name]) for name, value in before.items() if name.startswith("encoder."))
    assert not [name for name in json.loads((run / "metrics.json").read_text()) if name.startswith("dense")]
    assert {name.split(".")[1] for name in base if name.startswith("heads.")} == {"paraphrase"}
    moved = {name: each for name, each in changed(run).items() if name.startswith("encoder.")}
    assert all(num <= int(0.02 * numel) for num, numel in moved.values())
    assert any(not torch.equal(tuned[name], value) for name, value in base.items() if name.startswith("heads."))


def test_what_a_pruned_encoder_has_pruned_stays_so(finished_run, experiment):
    pruned = f"--model.init_args.start_from={finished_run}/checkpoints/best.ckpt"
    code, run = experiment(pruned, f"{METHOD}.share=0.1", *BRIEF, config="configs/sam.yaml")
    assert code == 0
    before, after = (read_run(each, None).model.eval() for each in (finished_run, run))
    keeps, found = (masks_by_task(model)[""] for model in (before, after))
    base, tuned = (dense_state_dict(model) for model in (before, after))
    moved = 0
    for name, keep in keeps.items():
        assert torch.equal(found[name], keep)
        assert not tuned[name][~keep].any()
        moved += int((tuned[name] != base[name]).sum()) if name.startswith("encoder.") else 0
    assert moved
    of_both = [json.loads((each / "metrics.json").read_text()) for each in (finished_run, run)]
    assert of_both[0]["sparsity"] == of_both[1]["sparsity"] == of_both[1]["dense/sparsity"]
    assert of_both[1]["dense/nli/id/loss"] == pytest.approx(of_both[0]["nli/id/loss"], rel=1e-4)
    assert of_both[1]["tuned"] == sum(
        int(0.1 * int(keeps[name].sum() if name in keeps else value.numel()))
        for name, value in base.items()
        if name.startswith("encoder.")
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([f"{METHOD}.share=1.5"], "share must be from 0 to 1, got 1.5"),
        ([f"{METHOD}.scope=layer"], "unknown scope 'layer': choose from tensor, global"),
        ([f"{METHOD}.targets=['*.colour']"], "targets must match parameters, got '*.colour'"),
        ([f"{METHOD}.criterion.init_args.of=cube"], "unknown of='cube'"),
        ([f"{METHOD}.criterion.init_args.num_batches=0"], "num_batches must be positive, got 0"),
        (["--model.init_args.search={steps: 10}"], "search must be left out for ChosenEntries"),
        (
            ["--model.init_args.method=lit_prune.tuning.ChildPruning"],
            "search must be set for ChildPruning, got none: give",
        ),
    ],
)
def test_a_wrong_setting_is_named(arguments, named, experiment, capsys):
    code, run = experiment(*arguments, config="configs/sam.yaml")
    assert code == 2
    assert named in capsys.readouterr().err
    assert not (run / "metrics.json").exists()


def test_what_a_rank_pruned_encoder_has_pruned_stays_so(finished_rank_run, experiment):
    pruned = f"--model.init_args.start_from={finished_rank_run}/checkpoints/best.ckpt"
    code, run = experiment(pruned, f"{METHOD}.share=0.1", *BRIEF, config="configs/sam.yaml")
    assert code == 0
    model = read_run(run, None).model
    pairs = rank_pairs(model)
    before = masked_layers(read_run(finished_rank_run, None).model)
    assert {name: pair.rank for name, pair in pairs.items()} == {
        name: int(layer.mask.keep.sum()) for name, layer in before.items()
    }
    assert len(pairs) == 12
    of_both = [json.loads((each / "metrics.json").read_text()) for each in (finished_rank_run, run)]
    assert of_both[0]["sparsity"] == of_both[1]["sparsity"] == of_both[1]["dense/sparsity"] == 0.75
    assert "singular values of 12 matrices (query" in of_both[1]["denominator"]
    assert of_both[1]["dense/nli/id/loss"] == pytest.approx(of_both[0]["nli/id/loss"], rel=1e-4)
    base, _ = states(run)
    assert of_both[1]["tuned"] == sum(
        int(0.1 * value.numel()) for name, value in base.items() if name[:8] == "encoder."
    )
    moved = {name: each for name, each in changed(run).items() if name.startswith("encoder.")}
    assert all(num <= int(0.1 * numel) for num, numel in moved.values())
    assert any(num for name, (num, _) in moved.items() if name.endswith((".narrow.weight", ".wide.weight")))


@pytest.mark.parametrize("name", ["lora", "adapter", "mixout"])
def test_over_ranks_a_run_resumes_bit_for_bit(name, finished_rank_run, experiment, tmp_path):
    start = f"--model.init_args.start_from={finished_rank_run}/checkpoints/best.ckpt"
    assert_resumes((f"--config=configs/tuning/{name}.yaml", start), 7, experiment, tmp_path)


def test_lora_over_ranks_is_beside_both_factors_and_merges_into_them(finished_rank_run, experiment):
    start = f"--model.init_args.start_from={finished_rank_run}/checkpoints/best.ckpt"
    code, run = experiment(
        "--config=configs/tuning/lora.yaml", "--experiment=e2e", start, *BRIEF, config="configs/sam.yaml"
    )
    assert code == 0
    state = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert sum(name.endswith(".lora_A.default.weight") for name in state) == 2 * 12
    model = read_run(run, None).model
    assert {pair.rank for pair in rank_pairs(model).values()} == {4}
    for pair in rank_pairs(model).values():
        assert torch.linalg.matrix_rank(pair.masked_weight()) <= 4
    base, tuned = states(run)
    moved = [name for name, value in base.items() if name[:8] == "encoder." and not torch.equal(tuned[name], value)]
    assert moved
    assert all(name.endswith((".narrow.weight", ".wide.weight")) for name in moved)


def test_a_tuned_run_over_ranks_is_a_base_itself(finished_rank_run, experiment):
    start = f"--model.init_args.start_from={finished_rank_run}/checkpoints/best.ckpt"
    code, run = experiment(start, *BRIEF, config="configs/sam.yaml", name="first")
    assert code == 0
    again = f"--model.init_args.start_from={run}/checkpoints/best.ckpt"
    code, second = experiment(again, *BRIEF, config="configs/sam.yaml", name="second")
    assert code == 0
    first, second = (json.loads((each / "metrics.json").read_text()) for each in (run, second))
    assert second["dense/nli/id/loss"] == pytest.approx(first["nli/id/loss"], rel=1e-4)
    assert second["sparsity"] == 0.75
