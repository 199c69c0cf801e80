"""`SavedHead`: the head of a fine-tuned model of transformers, with which the head of a task begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import transformers
from torch import Tensor, nn
from transformers import PretrainedConfig

from lit_prune.encoders.counterpart import ARCHITECTURES, CLASSIFICATION, SPANS, Counterpart, saved_counterpart
from lit_prune.encoders.untrusted import load_weights


@dataclass(frozen=True)
class SavedHead:
    """The head of a fine-tuned model.

    Attributes:
        model: The model of transformers.
        labels: Class names in the order of the logits; of a number, one.
        problem_type: `problem_type` of its configuration, or None if not set.
        tensors: Its tensors, by their names in the model of transformers.
    """

    model: Counterpart
    labels: tuple[str, ...]
    problem_type: str | None
    tensors: Mapping[str, Tensor]

    def order(self, labels: Sequence[str]) -> list[int] | None:
        """Return the position of each class in the saved logits, None if the classes differ.

        Case is ignored if the names stay different; classes without names (`LABEL_0`) are taken in their order.

        Args:
            labels: Class names of a task; empty for a number.
        """
        if not labels or len(self.labels) != len(labels):
            return [0] if not labels and len(self.labels) == 1 else None
        if list(self.labels) == [f"LABEL_{number}" for number in range(len(labels))]:
            return list(range(len(labels)))
        for convert in (str, str.casefold):
            saved, wanted = (list(map(convert, names)) for names in (self.labels, labels))
            if len(set(saved)) == len(saved) and sorted(saved) == sorted(wanted):
                return [saved.index(label) for label in wanted]
        return None

    def reads(self, name: str) -> bool:
        """Return True if the model uses a tensor of its encoder: heads over every token use no pooler."""
        return self.model.architecture == CLASSIFICATION or not name.startswith("pooler.")

    @torch.no_grad()
    def copy_into(self, head: nn.Module, architecture: str | None, labels: Sequence[str]) -> bool:
        """Copy the head into one of the package's if its kind and its classes are the same.

        Args:
            head: The head of a task.
            architecture: The kind of the task's head in transformers, or None.
            labels: Class names of the task's logits; empty for a number or spans.

        Returns:
            True if it was copied.
        """
        order = [0, 1] if architecture == SPANS else self.order(labels)
        parameters = {name: name.rpartition(".") for name, _ in head.named_parameters()}
        has_layers = {layer for layer, _, _ in parameters.values()} == set(self.model.layers)
        if architecture != self.model.architecture or order is None or not has_layers:
            return False
        *_, of_logits = self.model.layers
        for name, (layer, _, part) in parameters.items():
            saved = self.tensors[f"{self.model.layers[layer]}.{part}"]
            head.get_parameter(name).copy_(saved[order] if layer == of_logits else saved)
        return True


def read_head(source: str, settings: PretrainedConfig, revision: str, pools_alike: bool) -> SavedHead | None:
    """Read the head of a fine-tuned model for classification of texts or tokens, regression or question answering.

    Args:
        source: Folder of the model, or its name on the hub.
        settings: Its configuration.
        revision: Branch, tag or commit on the hub.
        pools_alike: Whether the encoder pools hidden states as the saved model does; heads over every token need not.

    Returns:
        The head; None if the model has none of these, or not all of its tensors.
    """
    model = saved_counterpart(settings.model_type, (settings.architectures or [None])[0])
    if model is None or (model.architecture == CLASSIFICATION and not pools_alike):
        return None
    whole, absent = load_weights(getattr(transformers, model.auto), source, settings, revision)
    layers = tuple(f"{layer}." for layer in model.layers.values())
    tensors = {name: value for name, value in whole.state_dict().items() if name.startswith(layers)}
    if tensors.keys() & set(absent):
        return None
    labels = tuple(str(settings.id2label[number]) for number in sorted(settings.id2label))
    return SavedHead(model, labels, settings.problem_type, tensors)


def unread_head(settings: PretrainedConfig) -> str | None:
    """Return the class of a configuration's model if it has a head of one of `ARCHITECTURES`, else None."""
    name = (settings.architectures or [None])[0]
    return name if name is not None and name.endswith(tuple(f"For{each}" for each in ARCHITECTURES)) else None
