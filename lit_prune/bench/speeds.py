"""Measured speeds: a table with a warning where pruning does not pay, files, and a section of a model card."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lit_prune.bench.inference import Speed, Use
from lit_prune.bench.report import machine
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
_WIDTH = 120  # of what is piped into a file


def show(speeds: Sequence[Speed], use: Use, title: str) -> None:
    """Print a table of what was measured, and what of it does not pay."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    table = Table(
        *_HEADINGS,
        title=f"{title}: {_conditions(use)}",
        caption="of dense: its time in the same precision; FLOPs: of products alone",
    )
    for speed in speeds:
        table.add_row(*_cells(speed))
    console.print(table)
    for warning in warnings_of(speeds):
        console.print(f"warning: {warning}", highlight=False, markup=False, soft_wrap=True)


def warnings_of(speeds: Sequence[Speed]) -> Iterator[str]:
    """What is slower than the dense encoder in its own precision, and if no pruned one is the fastest, which is."""
    pruned = [speed for speed in speeds if speed.name != speeds[0].name]
    for speed in pruned:
        if speed.ratio >= 1:
            yield f"{speed.name} in {speed.precision} takes {speed.ratio:.2f} times as long as dense: it does not pay"
    if pruned and (best := min(speeds, key=lambda speed: speed.seconds)) not in pruned:
        other = min(pruned, key=lambda speed: speed.seconds)
        yield f"dense in {best.precision} is faster than all that is pruned; next is {other.name} in {other.precision}"


def write_speeds(measured: Sequence[tuple[str, Use, Speed]], path: Path) -> None:
    """Write all measurements, each with its folder, batch and length, with what they were measured on."""
    rows = [
        {"folder": folder, "batch": use.batch, "length": use.length, **asdict(speed)} for folder, use, speed in measured
    ]
    write_json({**machine(measured[0][1].device), "measurements": rows}, path)


def write_numbers(speeds: Sequence[Speed], run: Path) -> None:
    """Write a run's `speed.json`, for reports to compare: `<format>_<precision>_seconds`, `_ratio` and `_bytes`."""
    numbers: dict[str, float] = {}
    for speed in speeds:
        name = f"{speed.name}_{speed.precision}"
        numbers |= {f"{name}_seconds": speed.seconds, f"{name}_ratio": speed.ratio, f"{name}_bytes": speed.num_bytes}
    write_json(numbers, run / "speed.json", write_recorded)


def write_card(speeds: Sequence[Speed], use: Use, folder: Path) -> None:
    """Put what was measured at the end of an export's model card, in the place of what was there of it."""
    on = machine(use.device)
    lines = [
        f"On {on['hardware']}, {on['num_threads']} threads, torch {on['torch_version']}; {_conditions(use)}.",
        "",
        f"| {' | '.join(_HEADINGS)} |",
        "|---" * len(_HEADINGS) + "|",
        *(f"| {' | '.join(_cells(speed))} |" for speed in speeds),
        *(f"\n{warning}." for warning in warnings_of(speeds)),
    ]
    card = folder / "README.md"
    before = card.read_text().partition(_SECTION)[0] if card.is_file() else ""
    text = before + _SECTION + "\n" + "\n".join(lines) + "\n"
    write_atomically(card, lambda path: path.write_text(text))


def _conditions(use: Use) -> str:
    return (
        f"the encoder alone, {use.batch} texts of {use.length} tokens, median of {use.repeats} rounds on {use.device}"
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
