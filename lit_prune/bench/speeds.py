"""Measured speeds as a table with warnings if pruning does not pay, as files, and as a section of a model card."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from lit_prune.bench.inference import Speed, Workload
from lit_prune.bench.report import CONSOLE_WIDTH, machine
from lit_prune.display.console import wide_console
from lit_prune.files import write_atomically, write_json, write_recorded

_SECTION = "\n## Speed\n"
_HEADINGS = (
    "format",
    "precision",
    "ms",
    "of dense",
    "of dense fp32",
    "FLOPs",
    "parameters",
    "MB",
    "peak MB",
    "texts/s",
)


def show(speeds: Sequence[Speed], workload: Workload, title: str) -> None:
    """Print a table of the measurements, and a warning for each that does not pay."""
    table = Table(
        *_HEADINGS,
        title=f"{title}: {_conditions(workload)}",
        caption="of dense: its time in the same precision; FLOPs: of products alone",
    )
    for speed in speeds:
        table.add_row(*_cells(speed))
    output = wide_console(CONSOLE_WIDTH)
    output.print(table)
    for warning in speed_warnings(speeds):
        output.print(f"warning: {warning}", highlight=False, markup=False, soft_wrap=True)


def speed_warnings(speeds: Sequence[Speed]) -> Iterator[str]:
    """Yield a warning for each pruned encoder slower than dense in its precision, and one if dense is the fastest."""
    pruned = [speed for speed in speeds if speed.name != speeds[0].name]
    for speed in pruned:
        if speed.ratio >= 1:
            yield f"{speed.name} in {speed.precision} takes {speed.ratio:.2f} times as long as dense: it does not pay"
    if pruned and (best := min(speeds, key=lambda speed: speed.seconds)) not in pruned:
        second = min(pruned, key=lambda speed: speed.seconds)
        yield (
            f"dense in {best.precision} is faster than all pruned encoders; next is {second.name} in {second.precision}"
        )


def write_speeds(measured: Sequence[tuple[str, Workload, Speed]], path: Path) -> None:
    """Write all measurements with their folders, batches and lengths, and the machine that they were measured on."""
    rows = [
        {"folder": folder, "batch": workload.batch, "length": workload.length, **asdict(speed)}
        for folder, workload, speed in measured
    ]
    write_json({**machine(measured[0][1].device), "measurements": rows}, path)


def write_numbers(speeds: Sequence[Speed], run: Path) -> None:
    """Write a run's `speed.json`, which reports read: `<format>_<precision>_seconds`, `_ratio` and `_bytes`."""
    numbers: dict[str, float] = {}
    for speed in speeds:
        name = f"{speed.name}_{speed.precision}"
        numbers |= {f"{name}_seconds": speed.seconds, f"{name}_ratio": speed.ratio, f"{name}_bytes": speed.num_bytes}
    write_json(numbers, run / "speed.json", write_recorded)


def write_card(speeds: Sequence[Speed], workload: Workload, folder: Path) -> None:
    """Write the measurements at the end of an export's model card, replacing earlier ones."""
    environment = machine(workload.device)
    lines = [
        f"On {environment['hardware']}, {environment['num_threads']} threads, torch {environment['torch_version']}; "
        f"{_conditions(workload)}.",
        "",
        f"| {' | '.join(_HEADINGS)} |",
        "|---" * len(_HEADINGS) + "|",
        *(f"| {' | '.join(_cells(speed))} |" for speed in speeds),
        *(f"\n{warning}." for warning in speed_warnings(speeds)),
    ]
    card = folder / "README.md"
    before = card.read_text().partition(_SECTION)[0] if card.is_file() else ""
    text = before + _SECTION + "\n" + "\n".join(lines) + "\n"
    write_atomically(card, lambda path: path.write_text(text))


def _conditions(workload: Workload) -> str:
    return (
        f"the encoder alone, {workload.batch} texts of {workload.length} tokens, median of {workload.repeats} rounds "
        f"on {workload.device}"
    )


def _cells(speed: Speed) -> tuple[str, ...]:
    peak = "-" if speed.peak_bytes is None else f"{speed.peak_bytes / 1e6:.0f}"
    return (
        speed.name,
        speed.precision,
        f"{speed.seconds * 1000:.1f}",
        f"{speed.ratio:.3f}",
        f"{speed.ratio_fp32:.3f}",
        f"{speed.flop_ratio:.3f}",
        f"{speed.density:.3f}",
        f"{speed.num_bytes / 1e6:.1f}",
        peak,
        f"{speed.texts_per_second:.0f}",
    )
