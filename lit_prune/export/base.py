"""What a delta may be over: the encoder of a backbone, of a run or its checkpoint, or of another export."""

from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from lit_prune.checkpoints import find_dense, read_checkpoint
from lit_prune.encoder import PrunableEncoder
from lit_prune.export import packed
from lit_prune.export.files import load_tensors
from lit_prune.export.trained import read_run
from lit_prune.sparsity.install import dense_state_dict

_ENCODER = "encoder."


def encoder_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a state dict has of an encoder, but its masks."""
    return {name: value for name, value in state.items() if name.startswith(_ENCODER) and ".mask." not in name}


def encoders(base: str) -> Iterator[dict[str, Tensor]]:
    """The weights of each encoder that a base may stand for, pruned ones 0, by their names below the run.

    Args:
        base: A folder that `lit_prune export` wrote (dense or packed), a backbone, a run's folder or a checkpoint in
            it, which stands for itself, for what the run began with, or for its result.

    Raises:
        UserError: it is none of these, or damaged.
    """
    path = Path(base)
    if (path / packed.FILE).is_file():
        yield encoder_weights(packed.unpack_state(*load_tensors(path / packed.FILE)))
    elif not path.exists() or (path / "config.json").is_file():
        yield {f"{_ENCODER}{name}": value for name, value in PrunableEncoder(base).state_dict().items()}
    else:
        yield encoder_weights(read_checkpoint(find_dense(base, "base"))["state_dict"])
        run = path if path.is_dir() else path.absolute().parents[1]
        if (run / "metrics.json").is_file():
            yield encoder_weights(dense_state_dict(read_run(run, None).model))
