"""The compact format: without the feed-forward units and attention heads that element-wise pruning leaves empty.

The simple way from zeros to speed (Xia & Shin 2021): the rest is dense, and computes the same in evaluation mode. A
unit is removed if it has no input or no output, and a head if this holds for each of its dimensions. A unit without
input is a constant; so is a dimension of a head, as attention weights sum to 1. Constants are added to the next bias.
Heads without query or key average the text, and stay. Single dimensions of heads stay too, as all heads of a layer have
the same size; and a layer keeps one head at least, as transformers' attention needs one.
"""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.export.formats.format import Content, Export, Format, converted
from lit_prune.export.model import TaskModel, check_same_for_all
from lit_prune.export.trained import Trained
from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.count import Count
from lit_prune.sparsity.install import fold_masks
from lit_prune.sparsity.targets import match
from lit_prune.tuning.adapter import has_adapters

FILE = "compact.safetensors"
SIZES = "lit_prune.sizes"  # in its header: the result of `sizes`
_MATRICES = ("query", "key", "value", "attention_output", "intermediate", "output")
_BERT = ("num_attention_heads", "all_head_size", "intermediate_act_fn")
# Model type -> what transformers calls a layer's number of heads, their width together, and its activation.
_NAMES = dict.fromkeys(("bert", "roberta", "xlm-roberta", "electra"), _BERT) | {
    "distilbert": ("n_heads", "dim", "activation")
}


@dataclass(frozen=True)
class Removed:
    """The heads, units and parameters that `compact` removed.

    Attributes:
        heads: Attention heads by layer.
        units: Units of the feed-forward part by layer.
        parameters: What is left of the parameters of the Transformer layers, zeros counted too; its `sparsity` is the
            removed share.
    """

    heads: list[int]
    units: list[int]
    parameters: Count


class Compact(Format):
    """The format without empty heads and units."""

    name = "compact"
    purpose = (
        "without the attention heads and feed-forward units that masks leave empty, so faster if there are any; "
        "lit_prune.load reads it"
    )
    files = (FILE,)

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return the weights that are left; print how many heads and units are removed."""
        small = deepcopy(trained.model)
        removed = compact(small)
        print(
            f"removed {sum(removed.heads)} attention heads and {sum(removed.units)} feed-forward units, "
            f"{removed.parameters.sparsity:.1%} of the layers' parameters"
        )
        return Content({FILE: converted(small.state_dict(), dtype)}, {SIZES: json.dumps(sizes(small))})

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Shrink the model to the sizes in the file, and load its weights."""
        shrink_to(model, json.loads(exports[0].metadata[SIZES]))
        model.take(exports[0].tensors[FILE])


def compact(model: TaskModel) -> Removed:
    """Fold the masks in and remove the units and heads that are empty, in place; logits stay, up to rounding.

    The configuration still has the sizes of the whole encoder: `sizes` returns those that are left.

    Args:
        model: The model; of several tasks, all with the same masks.

    Raises:
        UserError: the layers of its model type cannot be made smaller one by one (ALBERT's are all the same one,
            DeBERTa's attention and ModernBERT's gates are others), masks or changes of the encoder differ by task, or
            it has adapters; the model is as it was.
    """
    _names_of(model)
    check_same_for_all(model)
    if has_adapters(model):
        raise UserError("--format must not be compact for a model that has adapters: use packed")
    fold_masks(model)
    before, size = sizes(model), budget(model).num_total
    for layer in _layers(model):
        layer.remove_empty()
    after = sizes(model)
    heads, units = ([b - a for b, a in zip(before[name], after[name], strict=True)] for name in ("heads", "units"))
    return Removed(heads, units, Count(budget(model).num_total, size))


def sizes(model: TaskModel) -> dict[str, list[int]]:
    """Return the number of `heads` and of feed-forward `units` of each layer, for JSON and `shrink_to`.

    Raises:
        UserError: see `compact`.
    """
    layers = _layers(model)
    return {"heads": [layer.num_heads for layer in layers], "units": [layer.num_units for layer in layers]}


def shrink_to(model: TaskModel, sizes: Any) -> None:
    """Give a model the sizes of a compact one, in place, so that it can take that one's state dict.

    Args:
        model: Of the same configuration, without masks; its weights are lost.
        sizes: The result of `sizes`, read from a file.

    Raises:
        ValueError: `sizes` is nothing of the kind, or of another encoder.
        UserError: see `compact`.
    """
    layers = _layers(model)
    if not isinstance(sizes, dict) or sizes.keys() != {"heads", "units"}:
        raise ValueError("sizes must be heads and units of layers")
    all_heads = _checked(sizes["heads"], "heads", 1, [layer.num_heads for layer in layers])
    all_units = _checked(sizes["units"], "units", 0, [layer.num_units for layer in layers])
    for layer, heads, units in zip(layers, all_heads, all_units, strict=True):
        layer.keep_heads(torch.arange(layer.num_heads) < heads)
        layer.keep_units(torch.arange(layer.num_units) < units)


def _checked(found: Any, name: str, least: int, most: Sequence[int]) -> list[int]:
    if (
        not isinstance(found, list)
        or len(found) != len(most)
        or not all(type(one) is int and least <= one <= limit for one, limit in zip(found, most, strict=True))
    ):
        raise ValueError(f"{name} by layer must be numbers from {least} to {most}, got {found}")
    return found


class _Layer:
    """A Transformer layer by its matrices.

    Args:
        matrices: Those of `_MATRICES`.
        attention: The module that holds the first three.
        feed_forward: The module that holds the fifth.
        names: What they call their attributes, see `_NAMES`.
    """

    def __init__(
        self, matrices: Sequence[nn.Linear], attention: nn.Module, feed_forward: nn.Module, names: tuple[str, str, str]
    ) -> None:
        self.query, self.key, self.value, self.attention_output, self.intermediate, self.output = matrices
        self.attention = attention
        self.heads_name, self.width_name, activation = names
        self.activation: Callable[[Tensor], Tensor] = getattr(feed_forward, activation)
        self.head_size = cast(int, attention.attention_head_size)

    @property
    def num_heads(self) -> int:
        return self.value.out_features // self.head_size

    @property
    def num_units(self) -> int:
        return self.intermediate.out_features

    @torch.no_grad()
    def remove_empty(self) -> None:
        empty = _constant(self.value, self.attention_output).view(self.num_heads, self.head_size).all(1)
        if empty.all():
            empty[0] = False
        _fold(self.value.bias, empty.repeat_interleave(self.head_size), self.attention_output)
        self.keep_heads(~empty)
        empty = _constant(self.intermediate, self.output)
        _fold(self.activation(self.intermediate.bias), empty, self.output)
        self.keep_units(~empty)

    def keep_heads(self, keep: Tensor) -> None:
        """Keep some heads (num_heads,) bool."""
        dimensions = keep.repeat_interleave(self.head_size)
        for layer in (self.query, self.key, self.value):
            _keep_rows(layer, dimensions)
        _keep_columns(self.attention_output, dimensions)
        setattr(self.attention, self.heads_name, self.num_heads)
        setattr(self.attention, self.width_name, self.value.out_features)

    def keep_units(self, keep: Tensor) -> None:
        """Keep some units (num_units,) bool."""
        _keep_rows(self.intermediate, keep)
        _keep_columns(self.output, keep)


def _names_of(model: TaskModel) -> tuple[str, str, str]:
    model_type = model.encoder.model_type
    if model_type not in _NAMES:
        raise UserError(f"--format compact must be of {', '.join(_NAMES)}, got {model_type}: use packed")
    return _NAMES[model_type]


def _layers(model: TaskModel) -> list[_Layer]:
    names = _names_of(model)
    layers = []
    for paths in zip(*match(model, model.encoder.model_type, _MATRICES).values(), strict=True):
        matrices = [cast(nn.Linear, model.get_submodule(path)) for path in paths]
        attention, feed_forward = (model.get_submodule(path.rpartition(".")[0]) for path in (paths[0], paths[4]))
        layers.append(_Layer(matrices, attention, feed_forward, names))
    return layers


def _constant(made: nn.Linear, read: nn.Linear) -> Tensor:
    """Find the features between two matrices that have no effect or are constant, (features,) bool."""
    return (made.weight == 0).all(1) | (read.weight == 0).all(0)


def _fold(values: Tensor, which: Tensor, into: nn.Linear) -> None:
    """Add to a bias what a matrix makes of some of its inputs, given their values (in_features,)."""
    into.bias.add_(into.weight[:, which] @ values[which])


def _keep_rows(layer: nn.Linear, keep: Tensor) -> None:
    for name in ("weight", "bias"):
        value = layer.get_parameter(name)
        setattr(layer, name, nn.Parameter(value.detach()[keep], value.requires_grad))
    layer.out_features = len(layer.bias)


def _keep_columns(layer: nn.Linear, keep: Tensor) -> None:
    layer.weight = nn.Parameter(layer.weight.detach()[:, keep], layer.weight.requires_grad)
    layer.in_features = layer.weight.shape[1]
