"""A pruned model beside the original: metrics, size and latency, as one table."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table
from torch import nn

from lit_prune.bench.exports import encoder_makers
from lit_prune.bench.inference import Speed, Workload, measure
from lit_prune.bench.report import machine
from lit_prune.display.markup import on_console
from lit_prune.export.load import load
from lit_prune.hardware.device import native_precision
from lit_prune.runs.recorded import read_metrics

BATCHES = (1, 8)
_LENGTH, _REPEATS = 64, 7
_TITLES = {"original": "original", "pruned": "pruned", "csr": "pruned, sparse products"}


def show_pruned(run: Path, folder: Path, packed: Path, metrics: Mapping[str, str]) -> None:
    """Measure and print the table.

    Args:
        run: Folder of the run, whose dense model is the original.
        folder: The pruned model, exported as `dense`.
        packed: The pruned model, exported as `packed`.
        metrics: Names in the run's `metrics.json` of the pruned model's metrics on the test set, by title.
    """
    values = read_metrics(run / "metrics.json", ("sparsity", "denominator"))
    makers = _makers(run, folder)
    table = Table(title=on_console(f"{folder}: the pruned model beside the original"))
    table.add_column("")
    for name in makers:
        table.add_column(_TITLES[name], justify="right")
    table.add_row("sparsity", "0.000", f"{values['sparsity']:.3f}")
    for title, name in metrics.items():
        if name not in values:  # AUROC and F1 need a positive class
            continue
        table.add_row(title, f"{values[f'dense/{name}']:.4f}", f"{values[name]:.4f}")
    size, small = _megabytes(folder), _megabytes(packed)
    table.add_row("weights as files, MB", f"{size:.1f}", f"{size:.1f}")
    table.add_row("weights as files, packed, MB", "", f"{small:.1f}")
    for title, speeds in _latencies(makers):
        times = {speed.name: f"{1e3 * speed.seconds:.2f}" for speed in speeds}
        table.add_row(title, *(times.get(name, "") for name in makers))
    console = Console(soft_wrap=True)
    console.print(table)
    here = machine("cpu")
    console.print(
        f"sparsity is of {values['denominator']}; latency: median of {_REPEATS} passes of the encoder over texts of "
        f"{_LENGTH} tokens on {here['hardware']}, {here['num_threads']} threads",
        highlight=False,
        markup=False,
    )


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*.safetensors")) / 1e6


def _makers(run: Path, folder: Path) -> dict[str, Callable[[], nn.Module]]:
    """Return functions that build the original, the pruned model, and if that pays, one with sparse products."""
    own = encoder_makers(run)
    makers: dict[str, Callable[[], nn.Module]] = {"original": own["dense"], "pruned": partial(_backbone, folder)}
    return makers | {name: make for name, make in own.items() if name == "csr"}


def _latencies(makers: Mapping[str, Callable[[], nn.Module]]) -> list[tuple[str, Sequence[Speed]]]:
    """Return the measurements of each precision and batch, with the titles of their rows."""
    precisions = ["fp32", *(["bf16"] if native_precision("cpu") == "bf16-mixed" else []), "int8"]
    rows: list[tuple[str, Sequence[Speed]]] = []
    for batch in BATCHES:
        speeds = measure(makers, Workload(batch, _LENGTH, precisions, _REPEATS, "cpu"))
        for precision in precisions:
            title = f"latency in {precision}, {batch} text{'s' if batch > 1 else ''}, ms"
            rows.append((title, [speed for speed in speeds if speed.precision == precision]))
    return rows


def _backbone(folder: Path) -> nn.Module:
    backbone: nn.Module = load(folder).encoder.backbone
    return backbone
