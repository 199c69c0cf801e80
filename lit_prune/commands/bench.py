"""`lit_prune bench`: relative measurements of inference, training, selection, start-up, studies, deltas, callbacks."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import nn

from lit_prune.bench.bert import check_shape, dense_bert, low_rank_bert, sparse_bert
from lit_prune.bench.callbacks import callbacks
from lit_prune.bench.deltas import deltas
from lit_prune.bench.exports import encoder_makers
from lit_prune.bench.inference import Speed, Workload, measure, supported_precisions
from lit_prune.bench.memory import peak_memory
from lit_prune.bench.report import report
from lit_prune.bench.speeds import show, write_card, write_numbers, write_speeds
from lit_prune.bench.study import run_functions
from lit_prune.bench.timing import compare
from lit_prune.bench.training import MASKED, VARIANTS, Setting, training_step
from lit_prune.commands.parser import CommandParser, command_parser
from lit_prune.display.help import description
from lit_prune.errors import UserError
from lit_prune.hardware.device import device_named
from lit_prune.hardware.sizes import check_positive
from lit_prune.sparsity.select import keep_largest, num_kept


def run(arguments: Sequence[str]) -> None:
    """Run one benchmark with the arguments of `lit_prune bench`."""
    parser = command_parser(
        "bench",
        "Measure inference and training costs relative to a dense model within one run. Needs idle cores.",
        "lit_prune bench inference my_model --batch 1",
        "lit_prune bench step --layers 2",
    )
    commands = parser.add_subcommands()
    for function in COMMANDS:
        summary = (function.__doc__ or "").partition("\n")[0]
        subparser = CommandParser(exit_on_error=False, description=description(summary))
        positional, help_ = POSITIONAL.get(function, ("", ""))
        if positional:
            subparser.add_argument(positional, nargs="+", type=str, help=help_)
        subparser.add_function_arguments(function, as_group=False, skip={positional})
        commands.add_subcommand(function.__name__, subparser, help=summary)
    parsed = parser.parse_args(list(arguments))
    function = next(each for each in COMMANDS if each.__name__ == parsed.subcommand)
    function(**parsed[parsed.subcommand].as_dict())


def inference(
    folders: list[str],
    batch: list[int] = [8],  # noqa: B006 (jsonargparse shows the default)
    length: list[int] = [128],  # noqa: B006
    precisions: list[str] | None = None,
    repeats: int = 9,
    device: str = "auto",
    json: str | None = None,
) -> None:
    """Compare encoders at inference with dense encoders of the same shape: latency, throughput, size and memory.

    The model of a run is measured in each format that its pruning allows. The figures of the first batch and length are
    written to the run's speed.json, which reports read, or to the model card of an export.

    Args:
        folders: Folders of exports or runs.
        batch: Numbers of texts in a batch, measured one after the other.
        length: Numbers of tokens of a text, measured one after the other.
        precisions: Some of fp32, bf16 and int8 (dynamic, CPU only). Default: all that the device supports.
        repeats: Rounds; a round times an encoder and the dense one.
        device: cpu, cuda, or auto: cuda if available.
        json: File for the figures: one JSON object with a list of `measurements`.

    Raises:
        UserError: A folder is neither, or an argument is out of range.
    """
    device = device_named(device)
    chosen = supported_precisions(device) if precisions is None else precisions
    workloads = [Workload(texts, tokens, chosen, repeats, device) for texts in batch for tokens in length]
    if not workloads:
        raise UserError(
            f"batch and length must be lists of numbers, got {batch} and {length}: name at least one of each"
        )
    makers_by_folder = {folder: encoder_makers(Path(folder)) for folder in folders}
    measured: list[tuple[str, Workload, Speed]] = []
    for folder, makers in makers_by_folder.items():
        for number, workload in enumerate(workloads):
            speeds = measure(makers, workload, memory=number == 0)
            show(speeds, workload, folder)
            measured += [(folder, workload, speed) for speed in speeds]
            if number == 0 and (Path(folder) / "run.json").is_file():
                write_numbers(speeds, Path(folder))
            elif number == 0:
                write_card(speeds, workload, Path(folder))
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
    """Compare random BERTs pruned by rank or by element with the dense one (Xia & Shin 2021, Fig. 1b).

    Args:
        layers: Number of Transformer layers; the default is BERT-base.
        hidden: Width of the hidden states, a multiple of 64.
        batch: Number of texts in a batch.
        length: Number of tokens of a text.
        ranks: Ranks of the matrices, measured one after the other; a matrix stays whole if two factors are no smaller.
        kept: Densities of the matrices, measured one after the other, with sparse products.
        precisions: Some of fp32, bf16 and int8 (dynamic, CPU only). Default: all that the device supports.
        repeats: Rounds; a round times an encoder and the dense one.
        device: cpu, cuda, or auto: cuda if available.
        json: File for the figures: one JSON object with a list of `measurements`.
        figure: PNG of relative time over density; a PDF is written beside it.

    Raises:
        UserError: An argument is out of range.
    """
    device = device_named(device)
    check_shape(layers, hidden)
    if wrong := [rank for rank in ranks if not 1 <= rank <= hidden]:
        raise UserError(f"ranks must be from 1 to {hidden}, the width, got {wrong[0]}: choose others")
    if wrong_densities := [density for density in kept if not 0 < density <= 1]:
        raise UserError(f"kept must be densities above 0 and at most 1, got {wrong_densities[0]}: choose others")
    chosen = supported_precisions(device) if precisions is None else precisions
    workload = Workload(batch, length, chosen, repeats, device)
    shape = layers, hidden, length
    makers: dict[str, Callable[[], nn.Module]] = {"dense": partial(dense_bert, *shape)}
    makers |= {f"rank {rank}": partial(low_rank_bert, *shape, rank) for rank in ranks}
    makers |= {f"csr {density:g}": partial(sparse_bert, *shape, density) for density in kept}
    speeds = measure(makers, workload)
    show(speeds, workload, f"BERT of {layers} layers, {hidden} wide")
    if json is not None:
        write_speeds([("", workload, speed) for speed in speeds], Path(json))
    if figure is not None:
        from lit_prune.bench.plot import draw  # not above: slow to import

        draw(speeds, workload, Path(figure))


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
    """Compare training steps with the dense step of the same model, in time and peak memory.

    See `lit_prune.bench.training.training_step` for the variants.

    Args:
        layers: Number of Transformer layers of the random BERT; the default is BERT-base.
        hidden: Width of the hidden states, a multiple of 64.
        batch: Number of texts in a batch.
        length: Number of tokens of a text.
        precision: fp32, or bf16 (autocast).
        repeats: Rounds; a round times one step of every variant.
        device: cpu, cuda, or auto: cuda if available.
        json: File for the figures, one flat JSON object.
        variants: Variants to compare, all in memory at once. Default: training under masks (fixed, learned,
            mask_phase). Pruning while training: movement_local, movement_global, magnitude_local, magnitude_global,
            rank_movement, rank_magnitude_half, rank_magnitude_tenth. Sparse tuning: tuned (0.5% of the entries), lora,
            shira (both of peft, about as many parameters).

    Raises:
        UserError: An argument is out of range or unknown.
    """
    check_positive(repeats=repeats)
    chosen = ("dense", *(MASKED if variants is None else variants))
    if unknown := [variant for variant in chosen if variant not in VARIANTS]:
        raise UserError(f"unknown variants {unknown}: choose from {', '.join(VARIANTS[1:])}")
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
    """Compare exact selection, which returns a mask, with torch functions that find the same threshold without a mask.

    Args:
        size: Number of uniform random scores in one contiguous buffer; the default is that of BERT-base's matrices.
        sparsity: The fraction to remove; topk is slower at low sparsity.
        repeats: Rounds; a round times every function once.
        device: cpu, cuda, or auto: cuda if available.
        json: File for the figures, one flat JSON object.

    Raises:
        UserError: An argument is out of range.
    """
    check_positive(size=size, repeats=repeats)
    device = device_named(device)
    scores = torch.rand(size, generator=torch.Generator().manual_seed(0)).to(device)
    num_keep = num_kept(size, sparsity)
    functions: dict[str, Callable[[], object]] = {
        "select_seconds": lambda: keep_largest([scores], num_keep),
        "select_seconds_topk": lambda: scores.topk(num_keep),
        "select_seconds_kthvalue": lambda: scores.kthvalue(size - num_keep + 1),
        "select_seconds_sort": lambda: scores.sort(),
    }
    report(compare(functions, "select_seconds_", repeats, device), device, json)


def startup(repeats: int = 5, json: str | None = None) -> None:
    """Compare the start-up of the command line with that of Python and the import of torch.

    Args:
        repeats: Rounds; a round starts every command once.
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
    functions = {name: _python(arguments) for name, arguments in commands.items()}
    report(compare(functions, "startup_seconds_", repeats, "cpu"), "cpu", json)


def _python(arguments: Sequence[str]) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def study(configs: list[str], runs: int = 8, repeats: int = 1, json: str | None = None) -> None:
    """Compare `lit_prune study` on Ray with one `lit_prune fit` per run.

    Args:
        configs: Files of the configuration, later ones on top of earlier ones. Short runs show the overhead best.
        runs: Number of runs, with seeds from 1.
        repeats: Rounds, after a warm-up round; a round does all runs with both commands.
        json: File for the figures, one flat JSON object; `overhead_seconds` is per run.

    Raises:
        UserError: A number is not positive, a file does not exist, or a run fails.
    """
    check_positive(runs=runs, repeats=repeats)
    figures = compare(run_functions(configs, runs), "study_seconds_", repeats, "cpu")
    figures["overhead_seconds"] = (figures["study_seconds_study"] - figures["study_seconds_fit"]) / runs
    report(figures, "cpu", json)


COMMANDS = (inference, density, step, select, startup, study, deltas, callbacks)

# The positional argument of a command and its help: jsonargparse would expect a list in yaml.
POSITIONAL = {
    inference: ("folders", "Folders of exports (see `lit_prune export`) or runs."),
    study: (
        "configs",
        "Files of the configuration, later ones on top of earlier ones. Short runs show the overhead best.",
    ),
}
