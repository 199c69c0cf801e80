"""peft loads what is exported of LoRA, over plain transformers' model, and says the same."""

import json
import re

import peft
import pytest
import torch
from transformers import AutoModel, AutoModelForQuestionAnswering, AutoModelForSequenceClassification

import lit_prune
from lit_prune.encoders import bundled
from lit_prune.export.peft_files import CONFIG, FILE, write_peft_files
from lit_prune.export.trained import Base


@pytest.fixture
def inputs(tiny_backbone):
    def tokenize(tokenizer):
        return tokenizer(["a b", "c d e f"], ["g h i", "j"], padding=True, return_tensors="pt")

    return tokenize


def through_peft(auto, base, folder, **settings):
    return peft.PeftModel.from_pretrained(auto.from_pretrained(base, **settings), str(folder)).eval()


@pytest.mark.parametrize(
    ("task", "auto", "labels"),
    [
        ("nli", AutoModelForSequenceClassification, 3),
        ("similarity", AutoModelForSequenceClassification, 1),
        ("reading", AutoModelForQuestionAnswering, 2),
    ],
)
def test_logits_are_equal(lora_runs, export, tiny_backbone, inputs, task, auto, labels):
    folder = export(lora_runs[task], "delta")
    ours = lit_prune.load(folder, tiny_backbone)
    theirs = through_peft(auto, tiny_backbone, folder, num_labels=labels)
    batch = inputs(ours.encoder.tokenizer)
    with torch.inference_mode():
        expected, found = ours(**batch).logits, theirs(**batch)
    logits = torch.stack([found.start_logits, found.end_logits], -1) if task == "reading" else found.logits
    kept = batch["attention_mask"].bool()
    expected, logits = (each[kept] if task == "reading" else each for each in (expected, logits))
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)
    plain = auto.from_pretrained(tiny_backbone, num_labels=labels).eval()
    merged = theirs.merge_and_unload().state_dict()
    moved = [name for name, value in plain.state_dict().items() if not torch.equal(merged[name], value)]
    assert any("query" in name for name in moved)
    assert {name.split(".")[0] for name in moved} == {"bert", "qa_outputs" if task == "reading" else "classifier"}


def test_of_roberta_the_whole_head_is_there(finished, export, tiny_roberta, tiny_backbone, inputs):
    settings = ("--config=configs/tuning/lora.yaml", f"--encoder.backbone={tiny_roberta}")
    brief = ("--model.init_args.tune.steps=10", "--experiment=lora_roberta")
    folder = export(finished(*settings, *brief, config="configs/sam.yaml", name="lora_roberta"), "delta")
    ours = lit_prune.load(folder, tiny_roberta)
    theirs = through_peft(AutoModelForSequenceClassification, tiny_roberta, folder, num_labels=3)
    batch = inputs(ours.encoder.tokenizer)
    with torch.inference_mode():
        torch.testing.assert_close(theirs(**batch).logits, ours(**batch).logits, atol=1e-5, rtol=1e-5)


def test_of_several_tasks_the_encoder_is_there(lora_runs, export, tiny_backbone, inputs):
    folder = export(lora_runs["both"], "delta")
    ours = lit_prune.load(folder, tiny_backbone)
    theirs = through_peft(AutoModel, tiny_backbone, folder)
    batch = inputs(ours.encoder.tokenizer)
    with torch.inference_mode():
        torch.testing.assert_close(theirs(**batch).last_hidden_state, ours.encoder(batch)[0], atol=1e-5, rtol=1e-5)
    assert json.loads((folder / CONFIG).read_text())["modules_to_save"] is None
    assert "by peft, the encoder alone" in (folder / "README.md").read_text()


def test_the_configuration_says_what_was_trained(lora_runs, export, tiny_backbone):
    folder = export(lora_runs["nli"], "delta")
    config = peft.PeftConfig.from_pretrained(str(folder))
    assert (config.r, config.lora_alpha, config.task_type) == (4, 8, "SEQ_CLS")
    assert config.base_model_name_or_path is None  # a local folder, whose path means nothing elsewhere
    assert len(config.target_modules) == 12
    card = (folder / "README.md").read_text()
    assert "AutoModelForSequenceClassification.from_pretrained(BASE, num_labels=3), FOLDER)" in card
    (folder / FILE).unlink()
    lit_prune.load(folder, tiny_backbone)  # which reads none of peft's files


def test_over_the_bundled_encoder_the_card_has_its_folder(finished, export, tiny_backbone, monkeypatch):
    monkeypatch.setattr(bundled, "bundled_path", lambda: tiny_backbone)
    settings = ("--config=configs/tuning/lora.yaml", "--encoder.backbone=bundled", "--experiment=lora_bundled")
    run = finished(*settings, "--model.init_args.tune.steps=2", config="configs/sam.yaml", name="lora_bundled")
    folder = export(run, "delta")
    assert json.loads((folder / CONFIG).read_text())["base_model_name_or_path"] is None
    _, _, use = (folder / "README.md").read_text().partition("Or by peft")
    found = {"FOLDER": str(folder)}
    exec(re.search(r"```python\n(.*?)```", use, re.DOTALL)[1], found)
    assert found["model"].base_model.model.config.num_labels == 3


def test_a_scale_of_1_is_an_alpha_of_the_rank(tmp_path):
    factors = {"encoder.backbone.a.weight": {"A": torch.ones(2, 3), "B": torch.ones(4, 2)}}
    tensors = {f"encoder.backbone.a.weight.lora_{part}": factors["encoder.backbone.a.weight"][part] for part in "AB"}
    write_peft_files(tensors, factors, "nli", None, Base(""), tmp_path)
    config = json.loads((tmp_path / CONFIG).read_text())
    assert (config["r"], config["lora_alpha"], config["base_model_name_or_path"]) == (2, 2, None)
    assert config["target_modules"] == ["a"]
