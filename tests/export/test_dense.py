"""An exported model gives the trained model's logits in plain transformers."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from lit_prune.checkpoints import read_checkpoint
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.export.dense import export_dense
from lit_prune.export.run import read_run
from lit_prune.heads import Classification
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import LearnedMask

TEXTS = (["the doctor saw the judge .", "a boy slept ."], ["the judge slept .", "somebody slept ."])


@pytest.fixture(params=["bert", "roberta"])
def trained(request, finished_run, experiment):
    if request.param == "bert":
        return finished_run
    code, folder = experiment(f"--encoder.backbone={request.getfixturevalue('tiny_roberta')}", name="roberta")
    assert code == 0
    return folder


@torch.no_grad()
def trained_logits(folder):
    """Logits of the checkpoint as it was trained, masks and all."""
    run = read_run(folder)
    head = Classification(run.encoder.hidden_size, 3, 0.0, run.encoder.has_pooler)
    model = torch.nn.ModuleDict({"encoder": run.encoder, "heads": torch.nn.ModuleDict({"nli": head})})
    state = read_checkpoint(folder / "checkpoints" / "best.ckpt")["state_dict"]
    names = [name.removesuffix(".mask.scores") for name in state if name.endswith(".mask.scores")]
    install(model, names, lambda name, linear: LearnedMask(Magnitude()(linear.weight, 0.0)))
    model.load_state_dict(state)
    inputs = run.encoder.tokenizer(*TEXTS, padding=True, return_tensors="pt")
    return head(*model.eval()["encoder"](inputs))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float16", 1e-2)])
def test_plain_transformers_gives_the_trained_logits(trained, tmp_path, dtype, tolerance, capsys):
    out = tmp_path / "exports" / "model"
    assert main(["export", str(trained), "--out", str(out), "--dtype", dtype]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    model = AutoModelForSequenceClassification.from_pretrained(out).eval()
    inputs = AutoTokenizer.from_pretrained(out)(*TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        logits = model.float()(**inputs).logits
    assert torch.allclose(logits, trained_logits(trained), atol=tolerance, rtol=0)
    assert model.config.id2label == {0: "contradiction", 1: "entailment", 2: "neutral"}
    query = model.base_model.encoder.layer[0].attention.self.query.weight
    assert int((query == 0).sum()) == query.numel() // 2
    assert sorted(path.name for path in out.parent.iterdir()) == ["model"]


def test_nothing_is_written_over(finished_run, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_text("kept")
    with pytest.raises(UserError, match=r"there is there already: name a folder that is not"):
        export_dense(read_run(finished_run), "nli", tmp_path / "there", "float32")
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("task", "dtype", "message"),
    [("nlx", "float32", r"task 'nlx' cannot be exported: known are nli"), ("nli", "int3", r"dtype 'int3' .* float32")],
)
def test_what_is_unknown_is_named(finished_run, tmp_path, task, dtype, message):
    with pytest.raises(UserError, match=message):
        export_dense(read_run(finished_run), task, tmp_path / "out", dtype)
    assert not (tmp_path / "out").exists()
