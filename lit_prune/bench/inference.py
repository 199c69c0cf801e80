"""Speed and size of encoders at inference, beside the speed-up that their floating point operations would allow."""

import statistics
import warnings
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from lit_prune.bench.bert import as_model
from lit_prune.bench.memory import peak_memory
from lit_prune.bench.timing import median_ratio, time_rounds
from lit_prune.errors import UserError
from lit_prune.export.formats.csr import SparseLinear
from lit_prune.hardware.sizes import check_positive
from lit_prune.sparsity.budget import budget

PRECISIONS = ("fp32", "bf16", "int8")
Make = Callable[[], nn.Module]


def supported_precisions(device: str) -> Sequence[str]:
    """Return the precisions of `PRECISIONS` that a device supports."""
    return PRECISIONS if device == "cpu" else PRECISIONS[:2]


@dataclass(frozen=True)
class Workload:
    """Settings under which encoders are measured.

    Args:
        batch: Number of texts in a batch.
        length: Number of tokens of a text, without padding.
        precisions: Precisions of `PRECISIONS`: bf16 stores all weights in bfloat16; int8 quantises the dense linear
            layers dynamically, on a CPU only.
        repeats: Rounds of timing.
        device: cpu or cuda.

    Raises:
        UserError: A number is not positive, or the device does not support a precision.
    """

    batch: int
    length: int
    precisions: Sequence[str]
    repeats: int
    device: str

    def __post_init__(self) -> None:
        check_positive(batch=self.batch, length=self.length, repeats=self.repeats)
        known = supported_precisions(self.device)
        if not self.precisions or set(self.precisions) - set(known):
            raise UserError(
                f"precisions must be among {', '.join(known)} on {self.device}, got {list(self.precisions)}: "
                "name one or more of them"
            )


@dataclass(frozen=True)
class Speed:
    """Measurements of an encoder in one precision.

    Attributes:
        name: Name of the encoder.
        precision: One of `PRECISIONS`.
        seconds: Median time of a forward pass.
        ratio: Time relative to the dense encoder in the same precision (median over the rounds).
        ratio_fp32: Time relative to the dense encoder in fp32.
        flop_ratio: Floating point operations relative to the dense encoder, the lower bound of `ratio` if these alone
            took time.
        density: Parameters in the layers relative to the dense encoder.
        num_bytes: Size of parameters and buffers.
        peak_bytes: Peak memory of a forward pass, encoder included; None if it was not or cannot be measured.
        texts_per_second: Throughput.
    """

    name: str
    precision: str
    seconds: float
    ratio: float
    ratio_fp32: float
    flop_ratio: float
    density: float
    num_bytes: int
    peak_bytes: int | None
    texts_per_second: float


def measure(makers: Mapping[str, Make], workload: Workload, memory: bool = False) -> list[Speed]:
    """Measure encoders in turn with the dense encoder, at most three models in memory at once.

    Args:
        makers: Functions that build the backbones, by name; the first is the dense one.
        workload: Batch, length, precisions, repeats and device.
        memory: Measure the peak memory too, in a fresh process for each encoder, which takes seconds.
    """
    dense_name, *pruned_names = makers
    dense = _ready(makers[dense_name](), workload)
    flops, size = flop_count(dense, workload), _num_in_layers(dense)
    speeds = []
    for name in (dense_name, *pruned_names):
        backbone = dense if name == dense_name else _ready(makers[name](), workload)
        flop_ratio, density = flop_count(backbone, workload) / flops, _num_in_layers(backbone) / size
        for precision in workload.precisions:
            if precision == "int8" and any(isinstance(module, SparseLinear) for module in backbone.modules()):
                continue
            base = to_precision(dense, precision)
            model = base if backbone is dense else to_precision(backbone, precision)
            passes = {each: forward(each, workload) for each in (dense, base, model)}
            seconds = time_rounds(passes, workload.repeats, workload.device)
            median = statistics.median(seconds[model])
            peak = None
            if memory:
                peak = peak_memory(
                    partial(make_forward, makers[name], precision, workload), workload.device, with_making=False
                )
            speeds.append(
                Speed(
                    name=name,
                    precision=precision,
                    seconds=median,
                    ratio=median_ratio(seconds[model], seconds[base]),
                    ratio_fp32=median_ratio(seconds[model], seconds[dense]),
                    flop_ratio=flop_ratio,
                    density=density,
                    num_bytes=_num_bytes(model),
                    peak_bytes=peak,
                    texts_per_second=workload.batch / median,
                )
            )
    return speeds


def to_precision(backbone: nn.Module, precision: str) -> nn.Module:
    """Return the encoder itself for fp32, a converted copy for other precisions."""
    if precision == "fp32":
        return backbone
    if precision == "bf16":
        return deepcopy(backbone).bfloat16()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates it in favour of torchao
        quantised: nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            backbone, {nn.Linear}
        )
    return quantised


def forward(backbone: nn.Module, workload: Workload) -> Callable[[], Any]:
    """Return a function that runs a forward pass over random tokens."""
    generator = torch.Generator().manual_seed(0)
    vocab_size: int = backbone.config.vocab_size  # type: ignore[union-attr, assignment]
    tokens = torch.randint(vocab_size, (workload.batch, workload.length), generator=generator).to(workload.device)
    inputs = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    return torch.inference_mode()(lambda: backbone(**inputs))


def flop_count(backbone: nn.Module, workload: Workload) -> int:
    """Return the floating point operations of the matrix products in a forward pass."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        forward(backbone, workload)()
    sparse = [module for module in backbone.modules() if isinstance(module, SparseLinear)]
    pruned = sum(each.in_features * each.out_features - each.values.numel() for each in sparse)
    counted: int = counter.get_total_flops()  # counts sparse products as dense
    return counted - 2 * workload.batch * workload.length * pruned


def make_forward(make: Make, precision: str, workload: Workload) -> Callable[[], Any]:
    """Build an encoder in a precision and return a function that runs its forward pass."""
    return forward(to_precision(_ready(make(), workload), precision), workload)


def _ready(backbone: nn.Module, workload: Workload) -> nn.Module:
    return backbone.eval().requires_grad_(False).to(workload.device)


def _num_in_layers(backbone: nn.Module) -> int:
    return budget(as_model(backbone)).num_total


def _num_bytes(backbone: nn.Module) -> int:
    values = [each for each in tree_leaves(backbone.state_dict()) if isinstance(each, Tensor)]
    return sum(value.numel() * value.element_size() for value in values)
