"""Exports of several tasks, and of matrices pruned by rank."""

import json

import pytest
import torch
from transformers import AutoModelForQuestionAnswering, AutoModelForSequenceClassification

import lit_prune
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.export.trained import read_run
from lit_prune.runs.checkpoints import state_of
from lit_prune.sparsity.install import masked_layers, masks_by_task
from lit_prune.sparsity.layers import LowRankLinear

TASKS = ("nli", "paraphrase", "reading", "similarity")
AUTO = {"reading": AutoModelForQuestionAnswering}


def told(model, inputs):
    """What it says, whatever a head calls it."""
    with torch.inference_mode():
        output = model(**inputs)
    return output.logits if "logits" in output else torch.stack([output.start_logits, output.end_logits], dim=-1)


@pytest.fixture
def inputs(four_kinds_run):
    tokenizer = read_run(four_kinds_run, None).model.encoder.tokenizer
    return tokenizer(["A man sleeps.", "Who is it"], ["He rests.", "A man"], return_tensors="pt", padding=True)


def test_one_packed_folder_has_all_tasks_and_switches_in_place(four_kinds_run, export, inputs):
    trained, folder = read_run(four_kinds_run, None).model, export(four_kinds_run, "packed")
    model = lit_prune.load(folder, task="similarity")
    expected = {task: told(trained.use(task), inputs) for task in TASKS}
    assert len(set(all_masks(trained))) == len(TASKS)
    for task in ("similarity", *TASKS, "nli"):
        assert torch.equal(told(model if task == model.task else model.use(task), inputs), expected[task])
    by_task = masks_by_task(model)
    assert all(
        torch.equal(by_task[task][name], keep)
        for task, masks in masks_by_task(trained).items()
        for name, keep in masks.items()
    )
    assert {task: model.use(task).labels for task in ("nli", "reading", "similarity")} == {
        "nli": ("contradiction", "entailment", "neutral"),
        "reading": (),
        "similarity": (),
    }
    with pytest.raises(UserError, match="unknown task 'qa': choose from nli, paraphrase"):
        model.use("qa")
    card = (folder / "README.md").read_text()
    assert 'task="nli"' in card
    assert 'model.use("similarity")' in card
    assert "each task has its own masks" in card
    assert "| nli/id |" in card
    assert "| similarity/id |" in card


def all_masks(model):
    return [
        tuple(torch.cat([keep.flatten() for keep in each.values()]).tolist()) for each in masks_by_task(model).values()
    ]


def test_the_card_tells_what_the_masks_of_all_tasks_keep(four_kinds_run, export):
    stored = json.loads((four_kinds_run / "metrics.json").read_text())["stored_density"]
    card = (export(four_kinds_run, "packed") / "README.md").read_text()
    assert f"each task has its own masks: together they keep {stored:.2%} of the layers' parameters" in card


def test_the_base_is_there_once(four_kinds_run, export, tmp_path):
    together = (export(four_kinds_run, "packed") / "packed.safetensors").stat().st_size
    apart = []
    for task in TASKS:
        out = tmp_path / task
        arguments = ["export", str(four_kinds_run), "--format", "packed", "--task", task, "--out", str(out)]
        assert main(arguments) == 0
        apart.append((out / "packed.safetensors").stat().st_size)
    assert together < 1.5 * max(apart)


@pytest.mark.parametrize("task", TASKS)
def test_plain_transformers_loads_each_task(four_kinds_run, tmp_path, inputs, task):
    out = tmp_path / "dense"
    assert main(["export", str(four_kinds_run), "--format", "dense", "--task", task, "--out", str(out)]) == 0
    plain = AUTO.get(task, AutoModelForSequenceClassification).from_pretrained(out)
    expected = told(read_run(four_kinds_run, task).model, inputs)
    torch.testing.assert_close(told(plain.eval(), inputs), expected, atol=1e-5, rtol=0)
    loaded = lit_prune.load(out)
    torch.testing.assert_close(told(loaded, inputs), expected, atol=1e-5, rtol=0)
    assert (plain.config.problem_type == "regression") == (task == "similarity")


def test_dense_is_of_one_task(four_kinds_run, tmp_path, capsys):
    assert main(["export", str(four_kinds_run), "--format", "dense", "--out", str(tmp_path / "out")]) == 2
    assert "choose from nli, paraphrase, reading, similarity" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_of_a_run_s_state_other_tasks_are_left_out():
    names = [
        "encoder.a.weight",
        "encoder.a.mask.shared.scores",
        "encoder.a.mask.own.nli.scores",
        "heads.nli.b",
        "loss.c",
    ]
    others = ["encoder.a.mask.own.qa.scores", "heads.qa.b"]
    state = dict.fromkeys([*names, *others], torch.zeros(1))
    assert list(state_of(["nli"], state)) == names[:-1]


@pytest.mark.parametrize("config", ["rank_magnitude", "rank_movement"])
def test_kept_ranks_are_packed(config, experiment, export):
    code, run = experiment("--model.init_args.prune.steps=10", config=f"configs/{config}.yaml")
    assert code == 0
    trained = read_run(run, None)
    inputs = trained.model.encoder.tokenizer(["a b", "c d e"], ["f", "g"], return_tensors="pt", padding=True)
    folder = export(run, "packed")
    model = lit_prune.load(folder)
    torch.testing.assert_close(told(model, inputs), told(trained.model, inputs), atol=1e-5, rtol=1e-5)
    layers, of_run = masked_layers(model), masked_layers(trained.model)
    assert layers.keys() == of_run.keys()
    for name, layer in layers.items():
        assert isinstance(layer, LowRankLinear)
        assert len(layer.sigma) == int(of_run[name].mask.keep.sum())
    card = (folder / "README.md").read_text()
    assert "singular values kept" in card
    assert "of the layers' parameters are kept" in card


def test_of_a_matrix_with_many_ranks_its_whole_is_packed(experiment, export):
    keeps_most = ("--model.init_args.schedule.init_args.final=0.3", "--model.init_args.prune.steps=10")
    code, run = experiment(*keeps_most, config="configs/rank_magnitude.yaml")
    assert code == 0
    trained = read_run(run, None).model
    inputs = trained.encoder.tokenizer(["a b", "c d e"], ["f", "g"], return_tensors="pt", padding=True)
    model = lit_prune.load(export(run, "packed"))
    torch.testing.assert_close(told(model, inputs), told(trained, inputs), atol=1e-5, rtol=1e-5)
    assert len(masked_layers(model)) < len(masked_layers(trained))
