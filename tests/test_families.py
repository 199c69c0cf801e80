"""A run over every family of encoders, by its name or by the fallback: fitted, resumed and exported."""

import json

import pytest
import torch
from run_helpers import cut_off_by, result, without_callbacks
from transformers import AutoModelForSequenceClassification

import lit_prune
from lit_prune.cli import main
from lit_prune.encoders.families import FAMILIES
from lit_prune.errors import UserError
from lit_prune.export.trained import read_run
from lit_prune.sparsity.targets import TARGETS

OTHERS = {"umt5": (), "qwen3": ("--encoder.pooling=last",)}  # families without a table of targets


# Slow tests, as roberta and deberta-v2 have the same layers and heads.
ALIKE = ("xlm-roberta", "camembert", "deberta")


@pytest.mark.parametrize(
    "model_type",
    [pytest.param(each, marks=pytest.mark.slow if each in ALIKE else ()) for each in (*TARGETS, *OTHERS)],
)
def test_a_family_is_pruned_resumed_bit_for_bit_and_exported(experiment, tiny_family, tmp_path, model_type):
    arguments = (f"--encoder.backbone={tiny_family(model_type)}", *OTHERS.get(model_type, ()))
    code, whole = experiment(*arguments)
    assert code == 0
    metrics = json.loads((whole / "metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.5, abs=1e-3)
    assert 0 <= metrics["nli/ood/accuracy"] <= 1

    with pytest.raises(SystemExit):
        experiment(*arguments, cut_off_by("run_helpers.CutOff", 31), name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert result(run) == result(whole)

    model = read_run(whole, None).model
    inputs = model.encoder.tokenizer(["a b", "c d e f"], ["g h i", "j"], padding=True, return_tensors="pt")
    packed = lit_prune.load_run(whole).export("packed", tmp_path / "packed")
    with torch.inference_mode():
        expected = model(**inputs).logits
        torch.testing.assert_close(lit_prune.load(packed)(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
    if model_type not in FAMILIES or not FAMILIES[model_type].classifier:
        with pytest.raises(
            UserError, match=f"no model of transformers has the head of task .* on {model_type}; use packed"
        ):
            lit_prune.load_run(whole).export("dense", tmp_path / "dense")
        return
    folder = lit_prune.load_run(whole).export("dense", tmp_path / "dense")
    plain, loaded = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(loaded[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.inference_mode():
        torch.testing.assert_close(plain.eval()(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(lit_prune.load(folder)(**inputs).logits, expected, atol=1e-5, rtol=1e-4)
