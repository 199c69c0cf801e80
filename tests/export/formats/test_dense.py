"""Names of plain transformers and back."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.kinds import rebuild
from lit_prune.encoders.counterpart import counterpart_of
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.families import FAMILIES
from lit_prune.export.formats.dense import FILE, HEAD_FILE, join, model_with_head, split
from lit_prune.export.model import TaskModel

STATE = {name: torch.zeros(1) for name in ("encoder.backbone.a.weight", "encoder.backbone.b.bias")}


@pytest.mark.parametrize(
    ("model_type", "kind", "head", "expected"),
    [
        ("bert", "Task", ["classifier.bias"], {FILE: {"bert.a.weight", "bert.b.bias", "classifier.bias"}}),
        ("bert", "SpanTask", ["outputs.bias"], {FILE: {"bert.a.weight", "bert.b.bias", "qa_outputs.bias"}}),
        ("roberta", "Task", ["dense.bias"], {FILE: {"roberta.a.weight", "roberta.b.bias", "classifier.dense.bias"}}),
        ("bert", "MentionTask", ["scores.weight"], {FILE: {"a.weight", "b.bias"}, HEAD_FILE: {"scores.weight"}}),
        ("bert", "TokenTask", ["classifier.bias"], {FILE: {"bert.a.weight", "bert.b.bias", "classifier.bias"}}),
        ("modernbert", "TokenTask", ["norm.weight"], {FILE: {"model.a.weight", "model.b.bias", "head.norm.weight"}}),
        (
            "t5",
            "TokenTask",
            ["classifier.bias"],
            {FILE: {"transformer.a.weight", "transformer.b.bias", "classifier.bias"}},
        ),
        ("other", "Task", ["dense.bias"], {FILE: {"a.weight", "b.bias"}, HEAD_FILE: {"dense.bias"}}),
        (
            "nomic_bert",
            "Task",
            ["dense.bias"],
            {FILE: {"nomic_bert.a.weight", "nomic_bert.b.bias", "nomic_bert.pooler.dense.bias"}},
        ),
    ],
)
def test_names_are_those_of_transformers_and_come_back(model_type, kind, head, expected):
    task = rebuild({"kind": kind, "name": "nli", "labels": ["a", "b"] if "Span" not in kind else None}, NoRows())
    state = STATE | {f"heads.nli.{name}": torch.zeros(1) for name in head}
    known = counterpart_of(model_type, task.architecture)
    files = split(state, "nli", known)
    assert {name: set(tensors) for name, tensors in files.items()} == expected
    assert join(files, "nli", known).keys() == state.keys()


@pytest.mark.parametrize("model_type", [name for name, family in FAMILIES.items() if family.tokens and name != "mt5"])
def test_transformers_has_the_head_over_tokens_of_each_family(tiny_family, model_type):
    folder = tiny_family(model_type)
    task = rebuild({"kind": "TokenTask", "name": "ner", "labels": ["a", "b"]}, NoRows())
    model = TaskModel(PrunableEncoder(str(folder)), [task]).eval()
    torch.nn.init.normal_(model.heads["ner"].classifier.bias)
    plain = AutoModelForTokenClassification.from_config(AutoConfig.from_pretrained(folder, num_labels=5)).eval()
    told = plain.load_state_dict(split(model.state_dict(), "ner", model_with_head(model, task))[FILE], strict=False)
    assert not [name for name in told.missing_keys if "embed_tokens" not in name]  # T5's are tied to the shared ones
    assert all("pooler" in name for name in told.unexpected_keys)
    inputs = model.encoder.tokenizer(["a b", "c d e f"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        torch.testing.assert_close(model(**inputs).logits, plain(**inputs).logits, atol=1e-6, rtol=1e-5)
