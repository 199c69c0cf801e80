"""Encoders of exported models and of runs, beside a dense encoder of the same shape."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.formats.compact import Removed, compact
from lit_prune.export.formats.csr import make_sparse
from lit_prune.export.formats.known import format_of
from lit_prune.export.formats.lowrank import factor
from lit_prune.export.load import load
from lit_prune.export.model import TaskModel
from lit_prune.export.trained import read_run

_CONVERSIONS: dict[str, Callable[[TaskModel], object]] = {"compact": compact, "lowrank": factor, "csr": make_sparse}


def encoder_makers(folder: Path) -> dict[str, Callable[[], nn.Module]]:
    """Return functions that build the backbone of a folder, by format; the first, `dense`, is random, of that shape.

    Args:
        folder: An export, which has one format, or the folder of a run, whose model is converted to each format that
            its pruning allows (`compact` only if it removes parameters).

    Raises:
        UserError: The folder is neither, is damaged, or contains only masks.
    """
    if not (folder / "run.json").is_file():
        load(folder)  # raises its errors before anything is measured
        return {
            "dense": partial(_untrained, {"backbone": str(folder)}),
            format_of(folder, {}).name: partial(_loaded, folder),
        }
    trained = read_run(folder, None)
    makers: dict[str, Callable[[], nn.Module]] = {"dense": partial(_untrained, trained.config["encoder"])}
    for format_name, convert in _CONVERSIONS.items():
        try:
            result = convert(deepcopy(trained.model))
        except UserError:
            continue  # the format does not support this kind of pruning
        if isinstance(result, Removed) and result.parameters.sparsity == 0:
            continue
        makers[format_name] = partial(_converted, folder, convert)
    return makers


def _untrained(settings: dict[str, Any]) -> nn.Module:
    return _backbone(PrunableEncoder(**settings | {"pretrained": False, "compile": False}))


def _loaded(folder: Path) -> nn.Module:
    return _backbone(load(folder).encoder)


def _converted(folder: Path, convert: Callable[[TaskModel], object]) -> nn.Module:
    model = read_run(folder, None).model
    convert(model)
    return _backbone(model.encoder)


def _backbone(encoder: PrunableEncoder) -> nn.Module:
    backbone: nn.Module = encoder.backbone
    return backbone
