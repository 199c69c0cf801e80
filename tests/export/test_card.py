"""The model card tells how the model was made and how good it is."""

import json
import re

import pytest
import yaml


@pytest.mark.parametrize(("form", "library"), [("dense", "transformers"), ("packed", "lit_prune")])
def test_the_card_tells_what_a_reader_must_know(finished_run, export, form, library):
    folder = export(finished_run, form, "--dtype", "float16")
    _, header, text = (folder / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(header)["library_name"] == library
    metrics, record = (json.loads((finished_run / f"{name}.json").read_text()) for name in ("metrics", "run"))
    for known in (
        f"{metrics['sparsity']:.2%} removed",
        metrics["denominator"],
        f"{metrics['nli/ood/accuracy']:.4f}",
        f"{metrics['nli/id/auroc']:.4f}",
        f"Seed: {metrics['seed']}",
        record["config_hash"],
        record["versions"]["torch"],
        f"{form}, float16",
        "lit_prune.load",
    ):
        assert known in text
    assert ("from_pretrained" in text) == (form == "dense")


@pytest.mark.parametrize("form", ["dense", "packed"])
def test_the_example_of_the_card_predicts_class_names(finished_run, export, form):
    folder = export(finished_run, form)
    _, _, use = (folder / "README.md").read_text().partition("## Use")
    found = {"FOLDER": folder}
    exec(re.search(r"```python\n(.*?)```", use, re.DOTALL)[1], found)
    assert set(found["predictions"]) <= {"contradiction", "entailment", "neutral"}
