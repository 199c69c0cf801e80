"""Bases of deltas: the encoder of a backbone, of a run or its checkpoint, or of another export."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.hub_files import find_file, is_on_hub
from lit_prune.export.formats import lowrank, packed
from lit_prune.export.tensor_files import load_tensors
from lit_prune.export.trained import read_run
from lit_prune.runs.checkpoints import find_dense, read_checkpoint
from lit_prune.sparsity.count import KINDS, kinds_of
from lit_prune.sparsity.install import dense_state_dict, fix_masks, masks_by_task
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.pairs import factors

_ENCODER = "encoder."


def encoder_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the part of a state dict that is an encoder's, without its masks."""
    return {name: value for name, value in state.items() if name.startswith(_ENCODER) and ".mask." not in name}


def encoders(base: str, revision: str = "main") -> Iterator[dict[str, Tensor]]:
    """Yield the weights of each encoder that a base may stand for, pruned ones 0, by their names in a run.

    Args:
        base: A folder that `lit_prune export` wrote (dense, packed or lowrank), a backbone, either of them by its name
            on the hub, a run's folder or a checkpoint in it, which stands for itself, for the start of the run, or for
            its result.
        revision: Branch, tag or commit on the hub.

    Raises:
        UserError: it is none of these, or damaged.
    """
    path = Path(base)
    if file := _find(base, packed.FILE, revision):
        yield encoder_weights(_with_pairs(packed.unpack_state(*load_tensors(file))))
    elif file := _find(base, lowrank.FILE, revision):
        yield encoder_weights(_with_pairs(load_tensors(file)[0]))
    elif not path.exists() or (path / "config.json").is_file():
        encoder = PrunableEncoder(base, revision=revision)
        yield {f"{_ENCODER}{name}": value for name, value in encoder.state_dict().items()}
    else:
        yield encoder_weights(read_checkpoint(find_dense(base, "base"))["state_dict"])
        run = path if path.is_dir() else path.absolute().parents[1]
        if (run / "metrics.json").is_file():
            model = read_run(run, None).model
            yield encoder_weights(dense_state_dict(model))
            if KINDS["sigma"] in kinds_of(model) and len(masks_by_task(model)) < 2:
                fix_masks(model)  # what a run that starts from it begins with
                yield encoder_weights(model.state_dict())


def _find(base: str, name: str, revision: str) -> Path | None:
    """Return the path of a file of a base in a local folder or on the hub, or None."""
    path = Path(base) / name
    if path.is_file():
        return path
    try:
        return find_file(base, name, revision) if is_on_hub(base) else None
    except OSError:  # no such model or revision: PrunableEncoder explains
        return None


def _with_pairs(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict in which the kept ranks of each matrix are a pair of layers."""
    paired = dict(state)
    for name in state:
        layer, _, last = name.rpartition(".")
        if last == LowRankLinear.MASKED:
            kept = factors(*(paired.pop(f"{layer}.{factor}") for factor in LowRankLinear.RANKS))
        elif name.endswith(".0.weight"):  # plain layers one after the other, of the format lowrank
            layer = name.removesuffix(".0.weight")
            kept = paired.pop(name), paired.pop(f"{layer}.1.weight")
            paired[f"{layer}.bias"] = paired.pop(f"{layer}.1.bias")
        else:
            continue
        paired |= {f"{layer}.narrow.weight": kept[0], f"{layer}.wide.weight": kept[1]}
        if f"{layer}.bias" in paired:
            paired[f"{layer}.wide.bias"] = paired.pop(f"{layer}.bias")
    return paired
