"""`Counterpart`: the model of transformers for an encoder with the package's head."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import transformers
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES,
    MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
)

from lit_prune.encoders.families import family_of

if TYPE_CHECKING:
    from lit_prune.encoders.encoder import PrunableEncoder

CLASSIFICATION, SPANS, TOKENS = "SequenceClassification", "QuestionAnswering", "TokenClassification"
_CLASSES: dict[str, Mapping[str, str]] = {
    CLASSIFICATION: MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
    SPANS: MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES,
    TOKENS: MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES,
}
ARCHITECTURES = tuple(_CLASSES)


@dataclass(frozen=True)
class Counterpart:
    """A model of transformers with a head.

    Attributes:
        architecture: Its kind, as in the names of its classes: one of `ARCHITECTURES`.
        name: Its class.
        layers: Layers of the package's head -> their names in it; the last one computes the logits.
    """

    architecture: str
    name: str
    layers: Mapping[str, str]

    @property
    def auto(self) -> str:
        """The class of transformers that loads it."""
        return f"AutoModelFor{self.architecture}"

    @property
    def prefix(self) -> str:
        """The beginning of its names of the encoder's tensors."""
        return f"{getattr(transformers, self.name).base_model_prefix}."


def counterpart_of(model_type: str, architecture: str | None) -> Counterpart | None:
    """Return the model of transformers with a head of a kind on the encoder of a family, or None."""
    if architecture is None:
        return None
    family = family_of(model_type)
    layers = {CLASSIFICATION: family.classifier, SPANS: family.spans, TOKENS: family.tokens}[architecture]
    name = _CLASSES[architecture].get(model_type)
    return Counterpart(architecture, name, layers) if layers and name else None


def saved_counterpart(model_type: str, class_name: str | None) -> Counterpart | None:
    """Return the model of transformers with a class name, or None if its head has no counterpart here."""
    found = (counterpart_of(model_type, architecture) for architecture in _CLASSES)
    return next((each for each in found if each is not None and each.name == class_name), None)


def counterpart(encoder: "PrunableEncoder", architecture: str | None) -> Counterpart | None:
    """Return the model of transformers for an encoder with a head of a kind, or None.

    Args:
        encoder: The encoder.
        architecture: The kind, or None if transformers has none.
    """
    pools_alike = encoder.pooling in (None, "first", *family_of(encoder.model_type).poolings)
    return counterpart_of(encoder.model_type, architecture) if pools_alike or architecture != CLASSIFICATION else None
