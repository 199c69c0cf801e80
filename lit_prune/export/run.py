"""A complete run read from its folder alone, without its data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from lit_prune.checkpoints import read_checkpoint
from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.sparsity.files import load_masks


@dataclass(frozen=True)
class Run:
    """A complete run.

    Attributes:
        folder: Where it is.
        encoder: Its encoder, of the right shape; its weights are not the run's.
        labels: Class names of each task.
        state: The selected model's weights by name, pruned ones 0, without masks.
        metrics: `metrics.json`.
        record: `run.json`.
    """

    folder: Path
    encoder: PrunableEncoder
    labels: Mapping[str, list[str]]
    state: Mapping[str, Tensor]
    metrics: Mapping[str, Any]
    record: Mapping[str, Any]


def read_run(folder: Path) -> Run:
    """Read what a complete run left behind.

    Raises:
        UserError: no such run, one that is not complete, or a file of it that cannot be read.
    """
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder} is not the folder of a run (logs/<experiment>/version_<n>): it has no config.yaml")
    if not (folder / "metrics.json").is_file():
        raise UserError(f"the run {folder} is not complete: finish it by lit_prune fit --resume {folder}")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    tasks = [task["init_args"] for task in config["data"]["tasks"]]
    return Run(
        folder=folder,
        encoder=PrunableEncoder(**config["encoder"] | {"pretrained": False}),
        labels={task["name"]: task["labels"] for task in tasks},
        state=_dense_state(folder),
        metrics=json.loads((folder / "metrics.json").read_text()),
        record=json.loads((folder / "run.json").read_text()),
    )


def _dense_state(folder: Path) -> dict[str, Tensor]:
    state = read_checkpoint(folder / "checkpoints" / "best.ckpt")["state_dict"]
    dense = {name: value for name, value in state.items() if ".mask." not in name}
    if len(dense) < len(state):
        for name, keep in load_masks(folder / "masks.safetensors").items():
            dense[name] = dense[name].masked_fill(~keep, 0)
    return dense
