"""`lit_prune bench`: its arguments, and what is measured against what."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from jsonargparse import ArgumentParser
from torch import nn

from lit_prune.bench.bert import bert_of_rank, check_shape, dense_bert, sparse_bert
from lit_prune.bench.deltas import deltas
from lit_prune.bench.exports import encoders
from lit_prune.bench.inference import Speed, Use, measure, precisions_of
from lit_prune.bench.memory import peak_memory
from lit_prune.bench.report import report
from lit_prune.bench.speeds import show, write_card, write_numbers, write_speeds
from lit_prune.bench.study import ways
from lit_prune.bench.timing import compare
from lit_prune.bench.training import MASKED, VARIANTS, Setting, training_step
from lit_prune.errors import UserError
from lit_prune.hardware.device import device_named
from lit_prune.hardware.sizes import check_positive
from lit_prune.sparsity.select import keep_largest, num_kept


def run(arguments: Sequence[str]) -> None:
    """Measure as the arguments of `lit_prune bench` say."""
    parser = ArgumentParser(
        prog="lit_prune bench",
        exit_on_error=False,
        description="Ratios measured in one run, on idle cores: of encoders in use, and of what training them costs.",
    )
    commands = parser.add_subcommands()
    for function in COMMANDS:
        summary = (function.__doc__ or "").partition("\n")[0]
        own = ArgumentParser(exit_on_error=False, description=summary)
        named, told = POSITIONAL.get(function, ("", ""))
        if named:
            own.add_argument(named, nargs="+", type=str, help=told)
        own.add_function_arguments(function, skip={named})
        commands.add_subcommand(function.__name__, own, help=summary)
    said = parser.parse_args(list(arguments))
    function = next(each for each in COMMANDS if each.__name__ == said.subcommand)
    function(**said[said.subcommand].as_dict())


def inference(
    folders: list[str],
    batch: list[int] = [8],  # noqa: B006 (jsonargparse shows it)
    length: list[int] = [128],  # noqa: B006
    precisions: list[str] | None = None,
    repeats: int = 9,
    device: str = "auto",
    json: str | None = None,
) -> None:
    """Encoders in use, exported or of runs, against dense ones of the same shape: latency, throughput, size and memory.

    A run's result is measured in each format that its pruning allows, and the figures of the first batch and length
    are written to its speed.json, which reports read; those of an export into its card.

    Args:
        folders: Exports or runs.
        batch: Texts at once; several are measured one after the other.
        length: Tokens of each text; as batch.
        precisions: Some of fp32, bf16 and int8 (a CPU's, dynamic), None: all that the device has.
        repeats: Rounds; each times an encoder and the dense one.
        device: cpu or cuda; auto is cuda where there is one.
        json: File for the figures: one JSON object with a list of `measurements`.

    Raises:
        UserError: A folder is neither, the device is not there, or `Use` refuses the others.
    """
    place = device_named(device)
    chosen = precisions_of(place) if precisions is None else precisions
    uses = [Use(texts, tokens, chosen, repeats, place) for texts in batch for tokens in length]
    if not uses:
        raise UserError("batch or length is an empty list: give a number at least")
    found = {folder: encoders(Path(folder)) for folder in folders}
    measured: list[tuple[str, Use, Speed]] = []
    for folder, makers in found.items():
        for number, use in enumerate(uses):
            speeds = measure(makers, use, memory=number == 0)
            show(speeds, use, folder)
            measured += [(folder, use, speed) for speed in speeds]
            if number == 0 and (Path(folder) / "run.json").is_file():
                write_numbers(speeds, Path(folder))
            elif number == 0:
                write_card(speeds, use, Path(folder))
    if json is not None:
        write_speeds(measured, Path(json))


def density(
    layers: int = 12,
    hidden: int = 768,
    batch: int = 8,
    length: int = 128,
    ranks: list[int] = [614, 537, 460, 384, 256, 150, 76, 38],  # noqa: B006
    kept: list[float] = [0.2, 0.1, 0.05],  # noqa: B006
    precisions: list[str] | None = None,
    repeats: int = 9,
    device: str = "auto",
    json: str | None = None,
    figure: str | None = None,
) -> None:
    """Time over density (Xia & Shin 2021, Fig. 1b): random BERTs pruned by rank or by element against the dense one.

    Args:
        layers: Transformer layers; the default is BERT-base.
        hidden: Their width, a multiple of 64.
        batch: Texts at once.
        length: Tokens of each text.
        ranks: Kept of each matrix, each number in turn; where two factors are no smaller the matrix is as it was.
        kept: Shares of the entries of each matrix, each in turn, computed by sparse products.
        precisions: Some of fp32, bf16 and int8 (a CPU's, dynamic), None: all that the device has.
        repeats: Rounds; each times an encoder and the dense one.
        device: cpu or cuda; auto is cuda where there is one.
        json: File for the figures: one JSON object with a list of `measurements`.
        figure: PNG for relative time over density; a PDF is put beside it.

    Raises:
        UserError: A rank or a share is out of range, the device is not there, or `Use` refuses the others.
    """
    place = device_named(device)
    check_shape(layers, hidden)
    if wrong := [rank for rank in ranks if not 1 <= rank <= hidden]:
        raise UserError(f"ranks has {wrong[0]}: needed are numbers from 1 to {hidden}, the width")
    if wrong_shares := [share for share in kept if not 0 < share <= 1]:
        raise UserError(f"kept has {wrong_shares[0]}: needed are shares above 0, at most 1")
    chosen = precisions_of(place) if precisions is None else precisions
    use = Use(batch, length, chosen, repeats, place)
    shape = layers, hidden, length
    makers: dict[str, Callable[[], nn.Module]] = {"dense": partial(dense_bert, *shape)}
    makers |= {f"rank {rank}": partial(bert_of_rank, *shape, rank) for rank in ranks}
    makers |= {f"csr {share:g}": partial(sparse_bert, *shape, share) for share in kept}
    speeds = measure(makers, use)
    show(speeds, use, f"BERT of {layers} layers, {hidden} wide")
    if json is not None:
        write_speeds([("", use, speed) for speed in speeds], Path(json))
    if figure is not None:
        from lit_prune.bench.plot import draw  # takes a second

        draw(speeds, use, Path(figure))


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
    makers = {variant: partial(training_step, setting, variant) for variant in chosen}
    peaks = {variant: peak_memory(make, setting.device) for variant, make in makers.items()}
    steps = {f"step_seconds_{variant}": make() for variant, make in makers.items()}
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


def study(configs: list[str], runs: int = 8, repeats: int = 1, json: str | None = None) -> None:
    """What `lit_prune study` on Ray adds to the runs of a configuration, against `lit_prune fit` for each of them.

    Args:
        configs: Files of the configuration, each laid over the one before. Short runs show most.
        runs: How many, with seeds from 1.
        repeats: Rounds, after one to warm up; each does all runs both ways.
        json: File for the figures, one flat JSON object; `overhead_seconds` is of a run.

    Raises:
        UserError: A number is not positive, a file is not there, or a run fails.
    """
    check_positive(runs=runs, repeats=repeats)
    figures = compare(ways(configs, runs), "study_seconds_", repeats, "cpu")
    figures["overhead_seconds"] = (figures["study_seconds_study"] - figures["study_seconds_fit"]) / runs
    report(figures, "cpu", json)


COMMANDS = (inference, density, step, select, startup, study, deltas)

# Of a command, the argument that is a list in a shell, not in yaml, and what it is.
POSITIONAL = {
    inference: ("folders", "What is measured, see `lit_prune export`; or runs."),
    study: ("configs", "Files of the configuration, each laid over the one before. Short runs show most."),
}
