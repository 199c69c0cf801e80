"""`lit_prune bench`: its arguments, and what is measured against what."""

import subprocess
import sys
from collections.abc import Callable, Sequence

import torch
from jsonargparse import auto_cli

from lit_prune.bench.memory import peak_memory
from lit_prune.bench.report import report
from lit_prune.bench.timing import compare
from lit_prune.bench.training import MASKED, VARIANTS, Setting, training_step
from lit_prune.device import device_named
from lit_prune.errors import UserError
from lit_prune.sizes import check_positive
from lit_prune.sparsity.select import keep_largest, num_kept


def run(arguments: Sequence[str]) -> None:
    """Measure as the arguments of `lit_prune bench` say."""
    auto_cli([step, select, startup], args=list(arguments), prog="lit_prune bench", exit_on_error=False)


def step(
    layers: int = 12,
    hidden: int = 768,
    batch: int = 16,
    length: int = 64,
    precision: str = "fp32",
    repeats: int = 9,
    device: str = "auto",
    json: str | None = None,
    variants: list[str] | None = None,
) -> None:
    """Training steps against the dense step of the same model, in time and in peak memory.

    `lit_prune.bench.training` says what each variant trains, `peak_memory` what is measured of its memory.

    Args:
        layers: Transformer layers of the random BERT; the default is BERT-base.
        hidden: Its width, a multiple of 64.
        batch: Texts in a batch.
        length: Tokens in a text.
        precision: fp32, or bf16 (autocast).
        repeats: Rounds; each times one step of every variant.
        device: cpu or cuda; auto is cuda where there is one.
        json: File for the figures, one flat JSON object.
        variants: What is compared, None: steps under masks (fixed, learned, mask_phase). The others prune meanwhile:
            movement_local, movement_global, magnitude_local, magnitude_global, rank_movement, rank_magnitude_half,
            rank_magnitude_tenth; tuned trains .5% of the entries, lora and shira (of peft) about as many. All are in
            memory at once.

    Raises:
        UserError: `repeats` is not positive, the device is not there, a variant is unknown, or `Setting` refuses the
            others.
    """
    check_positive(repeats=repeats)
    chosen = ("dense", *(MASKED if variants is None else variants))
    if unknown := [variant for variant in chosen if variant not in VARIANTS]:
        raise UserError(f"variants has {unknown}, needed are some of {', '.join(VARIANTS[1:])}")
    setting = Setting(layers, hidden, batch, length, precision, device_named(device))
    peaks = {variant: peak_memory(setting, variant) for variant in chosen}
    steps = {f"step_seconds_{variant}": training_step(setting, variant) for variant in chosen}
    figures = compare(steps, "step_seconds_", repeats, setting.device)
    for variant, peak in peaks.items():
        if peak is not None and peaks["dense"] is not None:
            figures[f"memory_bytes_{variant}"] = peak
            figures[f"memory_ratio_{variant}"] = peak / peaks["dense"]
    dense = steps["step_seconds_dense"].optimizer_bytes
    for variant in chosen[1:]:
        figures[f"optimizer_ratio_{variant}"] = steps[f"step_seconds_{variant}"].optimizer_bytes / dense
    report(figures, setting.device, json)


def select(
    size: int = 84_900_000, sparsity: float = 0.5, repeats: int = 5, device: str = "auto", json: str | None = None
) -> None:
    """Exact selection with its keep mask against torch's own ways to the same threshold, which give no mask.

    Args:
        size: Number of scores, uniform at random, in one contiguous buffer; the default is BERT-base's matrices.
        sparsity: The fraction to remove; topk takes the longer the more is kept.
        repeats: Rounds; each times every way once.
        device: cpu or cuda; auto is cuda where there is one.
        json: File for the figures, one flat JSON object.

    Raises:
        UserError: A size is not positive, the sparsity is outside of [0, 1), or the device is not there.
    """
    check_positive(size=size, repeats=repeats)
    place = device_named(device)
    scores = torch.rand(size, generator=torch.Generator().manual_seed(0)).to(place)
    num_keep = num_kept(size, sparsity)
    ways: dict[str, Callable[[], object]] = {
        "select_seconds": lambda: keep_largest([scores], num_keep),
        "select_seconds_topk": lambda: scores.topk(num_keep),
        "select_seconds_kthvalue": lambda: scores.kthvalue(size - num_keep + 1),
        "select_seconds_sort": lambda: scores.sort(),
    }
    report(compare(ways, "select_seconds_", repeats, place), place, json)


def startup(repeats: int = 5, json: str | None = None) -> None:
    """How long the command line takes to answer, against Python's own start and the import of torch.

    Args:
        repeats: Rounds; each starts every command once.
        json: File for the figures, one flat JSON object.

    Raises:
        UserError: `repeats` is not positive.
    """
    check_positive(repeats=repeats)
    commands = {
        "startup_seconds_python": ["-c", "pass"],
        "startup_seconds_torch": ["-c", "import torch"],
        "startup_seconds_help": ["-m", "lit_prune", "--help"],
        "startup_seconds_fit_help": ["-m", "lit_prune", "fit", "--help"],
    }
    starts = {name: _started(each) for name, each in commands.items()}
    report(compare(starts, "startup_seconds_", repeats, "cpu"), "cpu", json)


def _started(arguments: Sequence[str]) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
