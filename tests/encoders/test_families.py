"""What differs by family: options, pooling and the layer before the classifier."""

import pytest
from transformers import AutoConfig

from lit_prune.encoders.families import FAMILIES, family_of, pooling_of, transform_of
from lit_prune.errors import UserError
from lit_prune.sparsity.targets import TARGETS


def config(model_type, **options):
    return AutoConfig.for_model(model_type, **options)


def test_every_family_with_targets_is_described():
    assert TARGETS.keys() <= FAMILIES.keys()
    assert family_of("other").classifier == {}


@pytest.mark.parametrize("model_type", FAMILIES)
def test_options_are_those_of_the_configuration(model_type):
    assert all(hasattr(config(model_type), name) for name in family_of(model_type).options.values())


@pytest.mark.parametrize(
    ("model_type", "options", "pooling", "expected", "written"),
    [
        ("roberta", {}, None, "first", None),
        ("roberta", {}, "mean", "mean", None),
        ("t5", {}, None, "mean", None),
        ("modernbert", {"classifier_pooling": "mean"}, None, "mean", "mean"),
        ("modernbert", {"classifier_pooling": "mean"}, "first", "first", "cls"),
        ("eurobert", {"classifier_pooling": "late"}, None, "mean", "mean"),
        ("eurobert", {"classifier_pooling": "bos"}, None, "first", "bos"),
        ("eurobert", {"classifier_pooling": "bos"}, "last", "last", "bos"),
        ("qwen3", {}, "last", "last", None),
    ],
)
def test_pooling_is_the_users_then_the_configurations_then_the_familys(model_type, options, pooling, expected, written):
    settings = config(model_type, **options)
    assert pooling_of(settings, pooling) == expected
    assert getattr(settings, "classifier_pooling", None) == written
    assert pooling_of(settings, None) == expected  # as read again from a saved configuration


def test_the_layer_before_the_classifier_is_as_configured():
    transform = transform_of(config("modernbert", norm_eps=0.1, classifier_bias=True, classifier_activation="relu"))
    assert (transform.activation, transform.has_bias, transform.norm_eps, transform.norm_has_bias) == (
        *("relu", True, 0.1),
        False,
    )
    assert transform_of(config("distilbert")).norm_eps is None
    assert transform_of(config("roberta")) is None


def test_an_unknown_activation_is_an_error():
    with pytest.raises(UserError, match=r"classifier_activation of modernbert must be one of gelu, relu, got 'silu'"):
        transform_of(config("modernbert", classifier_activation="silu"))
