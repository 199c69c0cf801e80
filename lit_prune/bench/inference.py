"""How fast encoders are in use, how large, and what their products alone would allow."""

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

from lit_prune.bench.bert import rooted
from lit_prune.bench.memory import peak_memory
from lit_prune.bench.timing import ratio, rounds
from lit_prune.errors import UserError
from lit_prune.export.formats.csr import SparseLinear
from lit_prune.hardware.sizes import check_positive
from lit_prune.sparsity.budget import budget

PRECISIONS = ("fp32", "bf16", "int8")
Make = Callable[[], nn.Module]


def precisions_of(device: str) -> Sequence[str]:
    """Those of `PRECISIONS` that a device has."""
    return PRECISIONS if device == "cpu" else PRECISIONS[:2]


@dataclass(frozen=True)
class Use:
    """How encoders are used.

    Args:
        batch: Texts at once.
        length: Tokens of each; none is padding.
        precisions: Of `PRECISIONS`: bf16 holds all weights so; int8 quantises the linear layers dynamically, on a CPU
            only, and not sparse ones.
        repeats: Rounds of timing.
        device: cpu or cuda.

    Raises:
        UserError: A number is not positive, or a precision is unknown or not for the device.
    """

    batch: int
    length: int
    precisions: Sequence[str]
    repeats: int
    device: str

    def __post_init__(self) -> None:
        check_positive(batch=self.batch, length=self.length, repeats=self.repeats)
        known = precisions_of(self.device)
        if not self.precisions or set(self.precisions) - set(known):
            raise UserError(f"precisions are {list(self.precisions)}: on {self.device} use some of {', '.join(known)}")


@dataclass(frozen=True)
class Speed:
    """What was measured of an encoder in one precision.

    Attributes:
        name: Its name.
        precision: Its precision.
        seconds: Median of a forward pass.
        ratio: Its time over that of the dense encoder in the same precision (median over the rounds).
        ratio_fp32: The same over the dense encoder in fp32.
        flop_ratio: Its floating point operations over the dense encoder's: what `ratio` would be, did all else cost
            nothing.
        density: Parameters of its layers over those of the dense encoder's.
        num_bytes: Of its parameters and buffers.
        peak_bytes: Peak memory of a forward pass, with the encoder; None where it was not measured or is not known.
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


def measure(makers: Mapping[str, Make], use: Use, memory: bool = False) -> list[Speed]:
    """Measure encoders, each in turn with the dense one; two at most are in memory at once, and the dense in fp32.

    Args:
        makers: What makes each backbone of transformers, by its name; the first is the dense one.
        use: How they are used.
        memory: Whether to measure the peak memory too: each in a fresh process, which takes seconds.
    """
    dense_name, *others = makers
    dense = _ready(makers[dense_name](), use)
    flops, size = flop_count(dense, use), _num_in_layers(dense)
    speeds = []
    for name in (dense_name, *others):
        backbone = dense if name == dense_name else _ready(makers[name](), use)
        flop_ratio, density = flop_count(backbone, use) / flops, _num_in_layers(backbone) / size
        for precision in use.precisions:
            if precision == "int8" and any(isinstance(module, SparseLinear) for module in backbone.modules()):
                continue
            base = in_precision(dense, precision)
            own = base if backbone is dense else in_precision(backbone, precision)
            passes = {each: forward(each, use) for each in (dense, base, own)}
            seconds = rounds(passes, use.repeats, use.device)
            taken = statistics.median(seconds[own])
            peak = None
            if memory:
                peak = peak_memory(partial(in_use, makers[name], precision, use), use.device, with_making=False)
            speeds.append(
                Speed(
                    name=name,
                    precision=precision,
                    seconds=taken,
                    ratio=ratio(seconds[own], seconds[base]),
                    ratio_fp32=ratio(seconds[own], seconds[dense]),
                    flop_ratio=flop_ratio,
                    density=density,
                    num_bytes=_num_bytes(own),
                    peak_bytes=peak,
                    texts_per_second=use.batch / taken,
                )
            )
    return speeds


def in_precision(backbone: nn.Module, precision: str) -> nn.Module:
    """The encoder in one of `PRECISIONS`, a copy of it but for fp32."""
    if precision == "fp32":
        return backbone
    if precision == "bf16":
        return deepcopy(backbone).bfloat16()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is to move into torchao
        quantised: nn.Module = torch.ao.quantization.quantize_dynamic(  # type: ignore[no-untyped-call]
            backbone, {nn.Linear}
        )
    return quantised


def forward(backbone: nn.Module, use: Use) -> Callable[[], Any]:
    """A forward pass over random tokens."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(backbone.config.vocab_size, (use.batch, use.length), generator=generator).to(use.device)  # type: ignore[union-attr, arg-type]
    inputs = {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}
    return torch.inference_mode()(lambda: backbone(**inputs))


def flop_count(backbone: nn.Module, use: Use) -> int:
    """The floating point operations of the products of a forward pass."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        forward(backbone, use)()
    sparse = [module for module in backbone.modules() if isinstance(module, SparseLinear)]
    pruned = sum(each.in_features * each.out_features - each.values.numel() for each in sparse)
    counted: int = counter.get_total_flops()  # sparse products as dense ones
    return counted - 2 * use.batch * use.length * pruned


def in_use(make: Make, precision: str, use: Use) -> Callable[[], Any]:
    """Make an encoder in a precision; a forward pass of it."""
    return forward(in_precision(_ready(make(), use), precision), use)


def _ready(backbone: nn.Module, use: Use) -> nn.Module:
    return backbone.eval().requires_grad_(False).to(use.device)


def _num_in_layers(backbone: nn.Module) -> int:
    return budget(rooted(backbone)).num_total


def _num_bytes(backbone: nn.Module) -> int:
    values = [each for each in tree_leaves(backbone.state_dict()) if isinstance(each, Tensor)]
    return sum(value.numel() * value.element_size() for value in values)
