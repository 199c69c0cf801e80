"""Differences among the families of encoders in transformers: option names, pooling and classification heads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from transformers import PretrainedConfig

from lit_prune.errors import UserError
from lit_prune.heads import ACTIVATIONS, POOLINGS, Pooling, Transform

DROPOUTS = "hidden_dropout_prob", "attention_probs_dropout_prob"  # BERT's names, which yamls use for all families
_POOLING = "lit_prune_pooling"  # of a configuration: the pooling that a user has set
_OF_ROBERTA = {"dense": "classifier.dense", "out_proj": "classifier.out_proj"}
_OF_SPANS = {"outputs": "qa_outputs"}
_OF_TOKENS = {"classifier": "classifier"}


@dataclass(frozen=True)
class Family:
    """A family of encoders; the defaults are BERT's.

    Attributes:
        options: BERT's names of dropout rates (`DROPOUTS`) -> the family's.
        has_own_pooler: True if checkpoints have the pooler that its base model in transformers may have.
        pooling: The pooling of hidden states without a pooler.
        poolings: `classifier_pooling` of its configuration for each pooling, if it has this option.
        transform: The layer before the classifier in transformers: its activation, bias, norm's epsilon and norm's
            bias, each a value or the name of an option. Empty: the layer is RoBERTa's, with tanh.
        classifier: Layers of the package's head for classification -> their names in transformers. Empty: transformers
            has no such head on the encoder alone.
        spans: The same for spans.
        tokens: The same for classes of tokens; with `pre_classifier` this head and the one for spans have the layer
            `transform` too.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    has_own_pooler: bool = True
    pooling: Pooling = "first"
    poolings: Mapping[Pooling, str] = field(default_factory=dict)
    transform: tuple[Any, ...] = ()
    classifier: Mapping[str, str] = field(default_factory=dict)
    spans: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)


_BERT = Family(classifier={"classifier": "classifier"}, spans=_OF_SPANS, tokens=_OF_TOKENS)
_ROBERTA = Family(has_own_pooler=False, classifier=_OF_ROBERTA, spans=_OF_SPANS, tokens=_OF_TOKENS)
_DEBERTA = Family(
    transform=("pooler_hidden_act",),
    classifier={"pre_classifier": "pooler.dense", "classifier": "classifier"},
    spans=_OF_SPANS,
    tokens=_OF_TOKENS,
)
_T5 = Family(options={"hidden_dropout_prob": "dropout_rate"}, pooling="mean", tokens=_OF_TOKENS)

# Model type, as transformers names it -> its family; another one is taken for a `Family()`.
FAMILIES: dict[str, Family] = {
    "bert": _BERT,
    "albert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "mpnet": _ROBERTA,
    "electra": Family(
        transform=("gelu",),
        classifier={"pre_classifier": "classifier.dense", "classifier": "classifier.out_proj"},
        spans=_OF_SPANS,
        tokens=_OF_TOKENS,
    ),
    "distilbert": Family(
        options={"hidden_dropout_prob": "dropout", "attention_probs_dropout_prob": "attention_dropout"},
        transform=("relu",),
        classifier={"pre_classifier": "pre_classifier", "classifier": "classifier"},
        spans=_OF_SPANS,
        tokens=_OF_TOKENS,
    ),
    "deberta": _DEBERTA,
    "deberta-v2": _DEBERTA,
    "modernbert": Family(
        options={"hidden_dropout_prob": "mlp_dropout", "attention_probs_dropout_prob": "attention_dropout"},
        poolings={"first": "cls", "mean": "mean"},
        transform=("classifier_activation", "classifier_bias", "norm_eps", "norm_bias"),
        classifier={"pre_classifier": "head.dense", "norm": "head.norm", "classifier": "classifier"},
        spans={"pre_classifier": "head.dense", "norm": "head.norm", "outputs": "classifier"},
        tokens={"pre_classifier": "head.dense", "norm": "head.norm", "classifier": "classifier"},
    ),
    "nomic_bert": Family(
        has_own_pooler=False,
        classifier={"dense": "nomic_bert.pooler.dense", "out_proj": "classifier"},
        tokens=_OF_TOKENS,
    ),
    "eurobert": Family(
        options={"attention_probs_dropout_prob": "attention_dropout"},
        pooling="mean",
        poolings={"first": "bos", "mean": "mean"},
        transform=("gelu",),
        classifier={"pre_classifier": "dense", "classifier": "classifier"},
        tokens=_OF_TOKENS,
    ),
    "t5": _T5,
    "mt5": _T5,
    "umt5": _T5,
}


def family_of(model_type: str) -> Family:
    """Return the family of a model type; one without an entry has the defaults and no heads in transformers."""
    return FAMILIES.get(model_type, Family())


def transform_of(config: PretrainedConfig) -> Transform | None:
    """Return the layer before the classifier of a family, or None for RoBERTa's.

    Raises:
        UserError: its activation is unknown.
    """
    settings = family_of(config.model_type).transform
    if not settings:
        return None
    activation, *others = (getattr(config, each, each) for each in settings)
    if activation not in ACTIVATIONS:
        raise UserError(
            f"{settings[0]} of {config.model_type} must be one of {', '.join(ACTIVATIONS)}, got {activation!r}: "
            "override it in encoder.config"
        )
    return Transform(activation, *others)


def pooling_of(config: PretrainedConfig, pooling: Pooling | None) -> Pooling:
    """Return how an encoder without a pooler pools its hidden states, and write it into its configuration.

    Args:
        config: The configuration, changed in place.
        pooling: The pooling that the user has set. If None, the configuration's, or else the family's.
    """
    family = family_of(config.model_type)
    written = getattr(config, _POOLING, None)
    known = {name: each for each, name in family.poolings.items()}
    chosen = pooling or (written if written in POOLINGS else None)
    chosen = chosen or known.get(getattr(config, "classifier_pooling", "")) or family.pooling
    if pooling is not None:
        setattr(config, _POOLING, pooling)
    if chosen in family.poolings:
        config.classifier_pooling = family.poolings[chosen]
    return chosen
