"""Output of measurements to the console and to a file."""

from collections.abc import Mapping
from pathlib import Path

import torch

from lit_prune.files import write_json
from lit_prune.hardware.device import hardware

CONSOLE_WIDTH = 120  # characters, if the output is not a terminal


def machine(device: str) -> dict[str, str | int]:
    """Return `hardware`, `num_threads` and `torch_version` of this machine."""
    return {
        "hardware": hardware(torch.device(device)),
        "num_threads": torch.get_num_threads(),
        "torch_version": torch.__version__,
    }


def report(figures: Mapping[str, float], device: str, json: str | None) -> None:
    """Print figures and the machine that they were measured on as a table, and write them if `json` is set.

    Args:
        figures: Seconds, bytes and ratios, by name.
        device: Device of the measurements, cpu or cuda.
        json: File for one flat JSON object, None for no file.
    """
    values = {**machine(device), **figures}
    for name, value in values.items():
        print(f"{name:32} {f'{value:.4g}' if isinstance(value, float) else value}")
    if json is not None:
        write_json(values, Path(json))
