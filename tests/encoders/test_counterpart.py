"""Models of transformers with heads, by family and kind."""

from types import SimpleNamespace

import pytest
import transformers

from lit_prune.encoders.counterpart import counterpart, counterpart_of, saved_counterpart
from lit_prune.encoders.families import FAMILIES

KINDS = ("SequenceClassification", "QuestionAnswering", "TokenClassification")
WITHOUT = {("nomic_bert", KINDS[1]), ("eurobert", KINDS[1])}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model_type", FAMILIES)
def test_a_counterpart_is_a_class_of_transformers_that_its_name_finds_again(model_type, kind):
    found = counterpart_of(model_type, kind)
    if found is None:
        is_t5 = model_type in ("t5", "mt5", "umt5") and kind != KINDS[2]
        assert is_t5 or (model_type, kind) in WITHOUT
        return
    assert getattr(transformers, found.name).__name__.endswith(f"For{kind}")
    assert found.prefix == f"{getattr(transformers, found.name).base_model_prefix}."
    assert found.auto == f"AutoModelFor{kind}"
    assert saved_counterpart(model_type, found.name) == found


@pytest.mark.parametrize("name", ["BertForMaskedLM", "BertModel", None])
def test_a_model_without_a_known_head_has_none(name):
    assert saved_counterpart("bert", name) is None


@pytest.mark.parametrize(
    ("model_type", "pooling", "kind", "has_one"),
    [
        ("roberta", "first", KINDS[0], True),
        ("roberta", "mean", KINDS[0], False),
        ("roberta", "mean", KINDS[1], True),
        ("roberta", "mean", KINDS[2], True),
        ("modernbert", "mean", KINDS[0], True),
        ("modernbert", "last", KINDS[0], False),
        ("bert", None, None, False),
        ("other", "first", KINDS[0], False),
    ],
)
def test_an_encoder_has_one_if_it_pools_alike(model_type, pooling, kind, has_one):
    encoder = SimpleNamespace(model_type=model_type, pooling=pooling)
    assert (counterpart(encoder, kind) is not None) == has_one
