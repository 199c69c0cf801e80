"""`lit_prune bench`: what masks, selection and the start of a command cost on this machine, as ratios in one run.

Absolute seconds belong to a machine and to what else runs on it. So whatever is compared is timed in turn, round after
round, and a ratio is the median over the rounds of the ratio within each.
"""

import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from jsonargparse import auto_cli
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from lit_prune.device import device_named, hardware
from lit_prune.errors import UserError
from lit_prune.files import write_json
from lit_prune.heads import Classification
from lit_prune.paradigms.phase import Phase
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.masks import FixedMask, LearnedMask, refresh
from lit_prune.sparsity.select import keep_largest, num_kept
from lit_prune.sparsity.targets import match

HEAD_WIDTH = 64  # of BERT's attention heads, whatever the size of the model
SPARSITY = 0.5  # no training step depends on it
VARIANTS = ("dense", "fixed", "learned", "mask_phase")


def run(arguments: Sequence[str]) -> None:
    """Measure as the arguments of `lit_prune bench` say."""
    auto_cli([step, select, startup], args=list(arguments), prog="lit_prune bench", exit_on_error=False)


@dataclass(frozen=True)
class Setting:
    """A random BERT with a classifier, and the batch that it is trained on; `step` says what holds for them."""

    layers: int
    hidden: int
    batch: int
    length: int
    precision: str
    device: str

    def __post_init__(self) -> None:
        _check_positive(layers=self.layers, hidden=self.hidden, batch=self.batch, length=self.length)
        if self.hidden % HEAD_WIDTH:
            raise UserError(f"hidden is {self.hidden}: use a multiple of {HEAD_WIDTH}, the width of an attention head")
        if self.precision not in ("fp32", "bf16"):
            raise UserError(f"precision is {self.precision!r}: use fp32 or bf16")


def step(
    layers: int = 12,
    hidden: int = 768,
    batch: int = 16,
    length: int = 64,
    precision: str = "fp32",
    repeats: int = 9,
    device: str = "auto",
    json: str | None = None,
) -> None:
    """Training steps under masks against the dense step of the same model, in time and in peak memory.

    `fixed` trains all weights under a fixed mask, `learned` all weights and the scores of a learned mask, `mask_phase`
    the scores alone; `dense` trains all weights without a mask. A step is the gradients' reset, forward, loss,
    backward, clipping and AdamW. Peak memory is of two steps in a fresh process: on a GPU what torch allocated at
    most; on a CPU (Linux only) the growth of the resident set from before the model is built to its peak.

    Args:
        layers: Transformer layers of the random BERT; the default is BERT-base.
        hidden: Its width, a multiple of 64.
        batch: Texts in a batch.
        length: Tokens in a text.
        precision: fp32, or bf16 (autocast).
        repeats: Rounds; each times one step of every variant.
        device: cpu or cuda; auto is cuda where there is one.
        json: File for the figures, one flat JSON object.

    Raises:
        UserError: A size is not positive, the precision is unknown, or the device is not there.
    """
    _check_positive(repeats=repeats)
    setting = Setting(layers, hidden, batch, length, precision, device_named(device))
    peaks = {variant: _in_fresh_process(setting, variant) for variant in VARIANTS}
    steps = {variant: training_step(setting, variant) for variant in VARIANTS}
    figures = _compare({f"step_seconds_{variant}": each for variant, each in steps.items()}, "step_seconds_", repeats)
    for variant, peak in peaks.items():
        if peak is not None and peaks["dense"] is not None:
            figures[f"memory_bytes_{variant}"] = peak
            figures[f"memory_ratio_{variant}"] = peak / peaks["dense"]
    _report(figures, setting.device, json)


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
    _check_positive(size=size, repeats=repeats)
    place = device_named(device)
    scores = torch.rand(size, generator=torch.Generator().manual_seed(0)).to(place)
    num_keep = num_kept(size, sparsity)
    ways: dict[str, Callable[[], object]] = {
        "select_seconds": lambda: keep_largest([scores], num_keep),
        "select_seconds_topk": lambda: scores.topk(num_keep),
        "select_seconds_kthvalue": lambda: scores.kthvalue(size - num_keep + 1),
        "select_seconds_sort": lambda: scores.sort(),
    }
    timed = {name: _synchronized(way, place) for name, way in ways.items()}
    _report(_compare(timed, "select_seconds_", repeats), place, json)


def startup(repeats: int = 5, json: str | None = None) -> None:
    """How long the command line takes to answer, against Python's own start and the import of torch.

    Args:
        repeats: Rounds; each starts every command once.
        json: File for the figures, one flat JSON object.

    Raises:
        UserError: `repeats` is not positive.
    """
    _check_positive(repeats=repeats)
    commands = {
        "startup_seconds_python": ["-c", "pass"],
        "startup_seconds_torch": ["-c", "import torch"],
        "startup_seconds_help": ["-m", "lit_prune", "--help"],
        "startup_seconds_fit_help": ["-m", "lit_prune", "fit", "--help"],
    }
    figures = _compare({name: _started(each) for name, each in commands.items()}, "startup_seconds_", repeats)
    _report(figures, "cpu", json)


def training_step(setting: Setting, variant: str) -> Callable[[], None]:
    """A model and its optimizer, as a function that trains it by one step.

    Args:
        setting: The model, batch, precision and device.
        variant: One of `VARIANTS`.
    """
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=setting.hidden,
        num_hidden_layers=setting.layers,
        num_attention_heads=setting.hidden // HEAD_WIDTH,
        intermediate_size=4 * setting.hidden,
        max_position_embeddings=max(512, setting.length),
    )
    backbone = BertModel(config)
    head = Classification(setting.hidden, num_labels=3, dropout=config.hidden_dropout_prob, pooled=True)
    model = nn.ModuleDict({"encoder": nn.ModuleDict({"backbone": backbone}), "heads": nn.ModuleDict({"task": head})})
    model.to(setting.device).train()
    if variant == "mask_phase":
        model.requires_grad_(False)
    if variant != "dense":
        _mask(model, fixed=variant == "fixed")
    trained = [value for value in model.parameters() if value.requires_grad]
    optimizer = Phase(steps=1).optimizer(trained, fused=True)
    tokens = torch.randint(config.vocab_size, (setting.batch, setting.length), device=setting.device)
    labels = torch.randint(3, (setting.batch,), device=setting.device)

    def train() -> None:
        optimizer.zero_grad()
        with torch.autocast(setting.device, torch.bfloat16, enabled=setting.precision == "bf16"):
            output = backbone(input_ids=tokens, attention_mask=torch.ones_like(tokens))
            logits: Tensor = head(output.last_hidden_state, output.pooler_output)
        nn.functional.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()

    return _synchronized(train, setting.device)


def _mask(model: nn.Module, fixed: bool) -> None:
    """Put a mask on every matrix that is pruned by default."""
    names = [name for found in match(model, "bert").values() for name in found]
    install(model, names, lambda _, linear: LearnedMask(linear.weight.detach().abs()))
    masks = {name: layer.mask for name, layer in masked_layers(model).items() if isinstance(layer.mask, LearnedMask)}
    refresh(masks, SPARSITY, "local")
    if fixed:
        install(model, names, lambda name, _: FixedMask(masks[name].keep))


def _in_fresh_process(setting: Setting, variant: str) -> int | None:
    """`peak_memory` in a process of its own: what another one freed would count as free here."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(peak_memory, setting, variant).result()


def peak_memory(setting: Setting, variant: str) -> int | None:
    """Peak memory in bytes of building a model and training it by two steps; None where the system does not tell.

    On a CPU it is the high-water mark of this process less what it held before; see `step`.
    """
    before = _resident_bytes("VmRSS")
    train = training_step(setting, variant)
    train()
    train()
    if setting.device == "cuda":
        return torch.cuda.max_memory_allocated()
    peak = _resident_bytes("VmHWM")  # not getrusage: its peak includes the parent process, which started this one
    return None if before is None or peak is None else peak - before


def _resident_bytes(field: str) -> int | None:
    status = Path("/proc/self/status")
    if not status.is_file():
        return None
    values = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(values[field].split()[0]) * 1024


def _started(arguments: Sequence[str]) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def _synchronized(function: Callable[[], object], device: str) -> Callable[[], None]:
    """The function, returning when the device has done its work."""

    def call() -> None:
        function()
        if device == "cuda":
            torch.cuda.synchronize()

    return call


def _compare(functions: Mapping[str, Callable[[], object]], prefix: str, repeats: int) -> dict[str, float]:
    """Time functions in turn, after one round that warms them up.

    Args:
        functions: What to time, by the name of its figure; the first is what the others are compared with.
        prefix: Of these names; what follows names the ratio.
        repeats: Number of rounds.

    Returns:
        Median seconds by name, and `ratio_<name>`: the median over the rounds of a function's time over the first's.
    """
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if number:
                seconds[name].append(time.perf_counter() - start)
    first, *others = seconds
    figures = {name: statistics.median(times) for name, times in seconds.items()}
    for name in others:
        pairs = zip(seconds[name], seconds[first], strict=True)
        figures[f"ratio_{name.removeprefix(prefix)}"] = statistics.median(taken / base for taken, base in pairs)
    return figures


def _report(figures: Mapping[str, float], device: str, json: str | None) -> None:
    """Print the figures as a table, with what they were measured on, and write them where asked to."""
    values = {
        "hardware": hardware(torch.device(device)),
        "num_threads": torch.get_num_threads(),
        "torch_version": torch.__version__,
        **figures,
    }
    for name, value in values.items():
        print(f"{name:32} {f'{value:.4g}' if isinstance(value, float) else value}")
    if json is not None:
        write_json(values, Path(json))


def _check_positive(**sizes: int) -> None:
    for name, value in sizes.items():
        if value < 1:
            raise UserError(f"{name} is {value}: needed is 1 or more")
