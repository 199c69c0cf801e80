"""Sizes on disk of tuned encoders: deltas written by `lit_prune export`, beside the files that peft writes.

The files are written for a random BERT with random trained values, for the encoder alone, without a head.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from lit_prune.bench.bert import HEADS, as_model, check_shape, dense_bert
from lit_prune.export import peft_files
from lit_prune.export.formats import delta
from lit_prune.export.tensor_files import save_tensors
from lit_prune.export.trained import Base
from lit_prune.files import write_json
from lit_prune.hardware.sizes import check_positive
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.targets import layers_in, match
from lit_prune.tuning import ChosenEntries, Lora
from lit_prune.tuning.entries import tune
from lit_prune.tuning.fold import fold
from lit_prune.tuning.lora import require_peft
from lit_prune.tuning.names import parts_in
from lit_prune.tuning.select import check_share

SHIRA_RANK = 1  # SHiRA trains rank * (m + n) entries of an m x n matrix: about half a percent


def deltas(layers: int = 6, hidden: int = 384, rank: int = 4, share: float = 0.005, json: str | None = None) -> None:
    """Compare the size on disk of deltas of a tuned encoder with the files that peft writes.

    Args:
        layers: Number of Transformer layers of the random BERT; the default is the shape of the bundled encoder.
        hidden: Width of the hidden states, a multiple of 64.
        rank: Rank of LoRA.
        share: Fraction of the entries of each matrix that is tuned.
        json: File for the figures: one JSON object with a list of `deltas`.

    Raises:
        UserError: A size or the share is out of range, or peft is not installed.
    """
    check_shape(layers, hidden)
    check_positive(rank=rank)
    check_share(share, "tensor")
    require_peft("lit_prune bench deltas")
    sizes = delta_sizes(layers, hidden, rank, share)
    print(table(sizes))
    if json is not None:
        write_json({"deltas": [asdict(size) for size in sizes]}, Path(json))


@dataclass(frozen=True)
class DeltaSize:
    """Sizes of the files of one tuning method.

    Attributes:
        method: Name of the method.
        num_trained: Number of trained values.
        ours: Bytes of `delta.safetensors`, None if the package does not have the method.
        peft: Bytes of peft's `adapter_model.safetensors`, None if the installed peft does not have the method.
        peft_method: Name of the method in peft.
    """

    method: str
    num_trained: int
    ours: int | None
    peft: int | None
    peft_method: str


def delta_sizes(layers: int, hidden: int, rank: int, share: float) -> list[DeltaSize]:
    """Write the files and measure them.

    Args:
        layers: Number of Transformer layers of the encoder.
        hidden: Width of the hidden states.
        rank: Rank of LoRA.
        share: Fraction of the entries of each matrix that is tuned.
    """
    shape = layers, hidden
    peft_sizes = {name: _peft_size(shape, rank, share, name) for name in ("Lora", "Shira", "Supertuning", "IA3")}

    def size(method: str, shape_model: Callable[[nn.Module, list[str]], None] | None, peft_method: str) -> DeltaSize:
        num, theirs = peft_sizes[peft_method]
        if shape_model is None:
            return DeltaSize(method, num, None, theirs, peft_method)
        num, ours = _delta_size(shape, shape_model)
        return DeltaSize(method, num, ours, theirs, peft_method)

    return [
        size(f"LoRA, rank {rank}", lambda root, names: _begin(Lora(rank, targets=_weights(names)), root), "Lora"),
        size("entries at random, as many as SHiRA's", _tune_at_random, "Shira"),
        size(
            f"chosen entries, {share:.1%}",
            lambda root, names: _begin(ChosenEntries(Magnitude(), share, targets=_weights(names)), root),
            "Supertuning",
        ),
        size("IA3", None, "IA3"),
    ]


def table(sizes: list[DeltaSize]) -> str:
    """Return a Markdown table."""
    lines = ["| tuned | trained values | delta of lit_prune | file of peft |", "|---|---|---|---|"]
    for size in sizes:
        theirs = "-" if size.peft is None else f"{_bytes(size.peft)} ({size.peft_method})"
        ours = "-" if size.ours is None else _bytes(size.ours)
        lines.append(f"| {size.method} | {size.num_trained:,} | {ours} | {theirs} |")
    return "\n".join(lines)


def _bytes(size: int) -> str:
    return f"{size / 1000:.0f} kB"


def _matrices(root: nn.Module) -> list[str]:
    return layers_in(match(root, "bert", without=HEADS))


def _weights(names: list[str]) -> list[str]:
    return [f"{name}.weight" for name in names]


def _begin(method: Any, root: nn.Module) -> None:
    method.check(root)
    method.begin(root, lambda _: iter(()), lambda own: own)


def _tune_at_random(root: nn.Module, names: list[str]) -> None:
    indices = {}
    for name in names:
        weight = root.get_parameter(f"{name}.weight")
        num = SHIRA_RANK * sum(weight.shape)
        indices[f"{name}.weight"] = torch.randperm(weight.numel())[:num].sort().values
    root.requires_grad_(False)
    tune(root, indices)


def _train(root: nn.Module) -> int:
    """Replace trained parameters by random values and return the number of values."""
    trained = [value for value in root.parameters() if value.requires_grad]
    for value in trained:
        nn.init.normal_(value)
    return sum(value.numel() for value in trained)


def _delta_size(shape: tuple[int, int], shape_model: Callable[[nn.Module, list[str]], None]) -> tuple[int, int]:
    root = as_model(dense_bert(*shape))
    base = {name: value.clone() for name, value in root.state_dict().items()}
    shape_model(root, _matrices(root))
    num = _train(root)
    state: Mapping[str, Tensor] = root.state_dict()
    lora = {name: parts for name, parts in parts_in(state).items() if "A" in parts}
    tensors, texts = delta.pack_delta(fold(state), base, Base("the encoder", "bundled"), lora)
    with TemporaryDirectory() as folder:
        path = Path(folder) / delta.FILE
        save_tensors(tensors, path, texts)
        return num, path.stat().st_size


def _peft_size(shape: tuple[int, int], rank: int, share: float, name: str) -> tuple[int, int | None]:
    import peft

    if not hasattr(peft, f"{name}Config"):
        return 0, None
    backbone = dense_bert(*shape)
    names = [each.removeprefix("encoder.backbone.") for each in _matrices(as_model(backbone))]
    settings: dict[str, dict[str, Any]] = {
        "Lora": {"r": rank, "lora_alpha": rank, "target_modules": names},
        "Shira": {"r": SHIRA_RANK, "target_modules": names},
        "Supertuning": {"sparsity": 1 - share, "target_modules": names},
        "IA3": {},  # peft has a table of the matrices that IA3 scales
    }
    model = peft.get_peft_model(backbone, getattr(peft, f"{name}Config")(**settings[name]))
    num = _train(model)
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        return num, (Path(folder) / peft_files.FILE).stat().st_size
