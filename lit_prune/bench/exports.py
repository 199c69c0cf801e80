"""The encoders of exported models and of runs, beside dense ones of the same shape."""

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

_WAYS: dict[str, Callable[[TaskModel], object]] = {"compact": compact, "lowrank": factor, "csr": make_sparse}


def encoders(folder: Path) -> dict[str, Callable[[], nn.Module]]:
    """What makes the backbone of a folder, by the name of its format; the first is `dense`, a random one of its shape.

    Args:
        folder: One that `lit_prune export` wrote, which has one format, or a run's, whose result is made in each
            format that its pruning allows (`compact` where it removes something).

    Raises:
        UserError: it is neither, it is damaged, or holds masks alone.
    """
    if not (folder / "run.json").is_file():
        load(folder)  # what is wrong with it is said before anything is measured
        return {
            "dense": partial(_untrained, {"backbone": str(folder)}),
            format_of(folder, {}).name: partial(_loaded, folder),
        }
    trained = read_run(folder, None)
    made: dict[str, Callable[[], nn.Module]] = {"dense": partial(_untrained, trained.config["encoder"])}
    for form, change in _WAYS.items():
        try:
            told = change(deepcopy(trained.model))
        except UserError:
            continue  # it is not for this kind of pruning
        if isinstance(told, Removed) and told.parameters.sparsity == 0:
            continue
        made[form] = partial(_of_run, folder, change)
    return made


def _untrained(settings: dict[str, Any]) -> nn.Module:
    return _backbone(PrunableEncoder(**settings | {"pretrained": False, "compile": False}))


def _loaded(folder: Path) -> nn.Module:
    return _backbone(load(folder).encoder)


def _of_run(folder: Path, change: Callable[[TaskModel], object]) -> nn.Module:
    model = read_run(folder, None).model
    change(model)
    return _backbone(model.encoder)


def _backbone(encoder: PrunableEncoder) -> nn.Module:
    backbone: nn.Module = encoder.backbone
    return backbone
