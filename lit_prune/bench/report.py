"""What was measured, for the console and for a file."""

from collections.abc import Mapping
from pathlib import Path

import torch

from lit_prune.files import write_json
from lit_prune.hardware.device import hardware


def machine(device: str) -> dict[str, str | int]:
    """What is measured on: `hardware`, `num_threads` and `torch_version`."""
    return {
        "hardware": hardware(torch.device(device)),
        "num_threads": torch.get_num_threads(),
        "torch_version": torch.__version__,
    }


def report(figures: Mapping[str, float], device: str, json: str | None) -> None:
    """Print the figures as a table, with what they were measured on, and write them where asked to.

    Args:
        figures: Seconds, bytes and ratios, by name.
        device: What they were measured on, cpu or cuda.
        json: File for the same as one flat JSON object; None: no file.
    """
    values = {**machine(device), **figures}
    for name, value in values.items():
        print(f"{name:32} {f'{value:.4g}' if isinstance(value, float) else value}")
    if json is not None:
        write_json(values, Path(json))
