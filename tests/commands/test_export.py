"""`lit_prune export`: the exported model says what the trained one said."""

import shutil

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import lit_prune
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.export.formats import dense

TOLERANCE = {"float32": 1e-5, "float16": 1e-2}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("form", ["dense", "packed", "compact"])
def test_logits_are_those_of_the_trained_model(any_run, export, difference, form, dtype):
    model = lit_prune.load(export(any_run, form, "--dtype", dtype))
    assert not model.training
    assert difference(model, model.encoder.tokenizer, any_run) <= TOLERANCE[dtype]


@pytest.mark.parametrize("run", ["finished_run", "finished_rank_run", "finished_sparse_run"])
def test_int8_is_smaller_and_nearly_the_trained_model(run, export, difference, request, tmp_path):
    run = request.getfixturevalue(run)
    lit_prune.load_run(run).export("packed", tmp_path / "half", dtype="float16")
    folder = export(run, "packed", "--dtype", "int8")
    sizes = [(each / "packed.safetensors").stat().st_size for each in (folder, tmp_path / "half")]
    assert sizes[0] < sizes[1]
    model = lit_prune.load(folder)
    assert difference(model, model.encoder.tokenizer, run) <= 0.1


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("run", "form"), [("finished_rank_run", "lowrank"), ("finished_sparse_run", "csr")])
def test_logits_of_fast_formats_are_those_of_the_trained_model(run, form, export, difference, dtype, request):
    run = request.getfixturevalue(run)
    model = lit_prune.load(export(run, form, "--dtype", dtype))
    assert difference(model, model.encoder.tokenizer, run) <= TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_plain_transformers_loads_the_dense_format(any_run, export, difference, dtype):
    folder = export(any_run, "dense", "--dtype", dtype)
    model, loaded = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not loaded["missing_keys"]
    assert not loaded["unexpected_keys"]
    assert model.config.id2label == {0: "contradiction", 1: "entailment", 2: "neutral"}
    assert difference(model.eval(), AutoTokenizer.from_pretrained(folder), any_run) <= TOLERANCE[dtype]


def test_a_head_that_transformers_does_not_have_is_packed_but_not_dense(any_run, export, difference, monkeypatch):
    monkeypatch.setattr(dense, "counterpart", lambda encoder, architecture: None)
    model = lit_prune.load(export(any_run, "packed"))
    assert difference(model, model.encoder.tokenizer, any_run) <= 1e-5
    with pytest.raises(UserError, match=r"no model of transformers has the head of task 'nli' on \w+; use packed"):
        lit_prune.load_run(any_run).export("dense", any_run.parent / "dense")


def test_a_dense_run_can_be_packed(finished_dense_run, export, difference):
    model = lit_prune.load(export(finished_dense_run, "packed"))
    assert difference(model, model.encoder.tokenizer, finished_dense_run) <= 1e-5


def test_packed_is_smaller_and_nothing_executable_is_stored(finished_run, export):
    whole, packed = export(finished_run, "dense"), export(finished_run, "packed")
    assert (packed / "packed.safetensors").stat().st_size < (whole / "model.safetensors").stat().st_size
    for folder in (whole, packed):
        assert {path.suffix for path in folder.iterdir()} <= {".json", ".safetensors", ".md", ".txt"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "zip"], "'zip'"),
        (["--format", "dense", "--dtype", "int4"], "'int4'"),
        (
            ["--format", "dense", "--dtype", "int8"],
            "--dtype of --format dense must be one of float32, float16",
        ),
        (["--format", "dense", "--task", "qa"], "'qa'"),
        ([], "format"),
    ],
)
def test_a_wrong_argument_is_one_error_and_leaves_nothing(finished_run, tmp_path, capsys, arguments, message):
    assert main(["export", str(finished_run), "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("form", "message"), [("lowrank", "no matrix is pruned by rank"), ("csr", "keeps 20% of")])
def test_a_format_that_does_not_fit_the_run_leaves_nothing(finished_dense_run, tmp_path, capsys, form, message):
    assert main(["export", str(finished_dense_run), "--format", form, "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_no_run_is_an_error(tmp_path, capsys):
    assert main(["export", str(tmp_path / "none"), "--format", "dense", "--out", str(tmp_path / "out")]) == 2
    assert str(tmp_path / "none") in capsys.readouterr().err


def test_nothing_is_overwritten(finished_run, tmp_path, capsys):
    (tmp_path / "mine").write_text("mine")
    for out in (tmp_path, tmp_path / "mine"):
        assert main(["export", str(finished_run), "--format", "dense", "--out", str(out)]) == 2
        assert f"got {out}, which exists" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_weights_that_float16_cannot_hold_are_an_error(finished_dense_run, tmp_path, capsys):
    run = tmp_path / "version_0"
    shutil.copytree(finished_dense_run, run)
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    checkpoint["state_dict"]["heads.nli.classifier.bias"][0] = 1e5
    torch.save(checkpoint, run / "checkpoints" / "best.ckpt")
    command = ["export", str(run), "--format", "dense", "--out", str(tmp_path / "out"), "--dtype"]
    assert main([*command, "float16"]) == 2
    assert "heads.nli.classifier.bias" in capsys.readouterr().err
    assert main([*command, "float32"]) == 0


def test_a_place_that_cannot_be_written_is_an_error(finished_run, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["export", str(finished_run), "--format", "dense", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "must be in a folder that you may write to" in capsys.readouterr().err
