"""Read a run's checkpoints, safely and with errors that name the file.

Weights that a phase freezes are on disk once, in the checkpoint that the phase began with (its base, `dense.ckpt`). Its
own checkpoints hold the rest, and a hash of what they leave to the base.
"""

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.files import check_no_link, write_atomically
from lit_prune.runs.checkpoint_content import KEY as KEY
from lit_prune.runs.checkpoint_content import check_content
from lit_prune.runs.upgrade import is_old
from lit_prune.tuning.fold import fold
from lit_prune.tuning.names import parts_in

BASE = "dense.ckpt"  # beside a checkpoint that leaves weights out, holds them
CHECKPOINTS = "checkpoints"  # the folder of a run's
BEST = "best.ckpt"  # the selected model of the last phase
LOSS = "loss."  # the names of what a phase's loss learns begin so: it is no part of a model
_MOST_ENTRIES = 100_000  # of a checkpoint's zip, one for each tensor: BERT-large and its optimizer have 1,200
_LARGEST_PICKLE = 64 * 2**20  # bytes: names of tensors, random states, metrics
_OF_A_TASK = re.compile(r"(?:heads|.+\.mask\.own)\.([^.]+)\..+")


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of this package, tensors and plain values only (`weights_only=True`), on the CPU.

    Its `state_dict` is whole: what it leaves to a base is read from there, and tuned entries are in their tensors; what
    was tuned beside tensors, as LoRA's factors, is in `parts` too (`tuning.names.parts_in`).

    Raises:
        UserError: no such file, a damaged one, one that is not a checkpoint of this package, or another base.
    """
    checkpoint = read_file(path)
    complete(checkpoint, path)
    try:
        checkpoint["parts"] = parts_in(checkpoint["state_dict"])
        checkpoint["state_dict"] = fold(checkpoint["state_dict"])
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(f"{path} must have parts of tensors that fit, got {error}: restore the file") from error
    return checkpoint


def read_file(path: Path) -> dict[str, Any]:
    """Read a checkpoint's file alone, verified: its `state_dict` lacks what it leaves to a base.

    Raises:
        UserError: no such file, a damaged one, a link, or one that is not a checkpoint of this package.
    """
    for each in [path] if path.parent.name != CHECKPOINTS else [path.parent, path]:
        check_no_link(each)
    if not path.is_file():
        raise UserError(f"the checkpoint must exist, got {path}: check the path")
    try:
        _check_bits(path)
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # zipfile and torch raise a different class for every way in which a file can be wrong
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path} must be a checkpoint, got a truncated or damaged file, or another format ({reason}): restore it"
        ) from error
    check_content(checkpoint, path)
    return checkpoint  # type: ignore[no-any-return]


def _check_bits(path: Path) -> None:
    """Compare the content of a checkpoint with the checksums (CRC-32) in it, which `torch.load` does not look at.

    Raises:
        ValueError: they differ, or the file unpacks to more than it holds, or to more tensors than any model has.
        Exception: as of `zipfile`, where the file is no zip.
    """
    with zipfile.ZipFile(path) as archive:
        if (num := len(archive.infolist())) > _MOST_ENTRIES:
            raise ValueError(f"it has {num:,} entries, more than {_MOST_ENTRIES:,}")
        if any(each.file_size > _LARGEST_PICKLE for each in archive.infolist() if each.filename.endswith(".pkl")):
            raise ValueError(f"what it holds beside tensors has more than {_LARGEST_PICKLE:,} bytes")
        if any(each.compress_type != zipfile.ZIP_STORED for each in archive.infolist()):
            raise ValueError("its entries are compressed, which those of a checkpoint never are")
        if (damaged := archive.testzip()) is not None:
            raise ValueError(f"the checksum of its entry {damaged} is wrong")


def check_run_id(checkpoint: Mapping[str, Any], path: Path, record: Mapping[str, Any]) -> None:
    """Check that a checkpoint is of the run whose `run.json` lies beside its folder.

    Args:
        checkpoint: The checkpoint.
        path: Its file.
        record: The content of `run.json`.

    Raises:
        UserError: It is of another run. Where one of the two has no id a warning says so, unless the run is of version
            0.1.0, of which whoever reads it warns.
    """
    own, run = checkpoint[KEY].get("run_id"), record.get("id")
    if own is None or run is None:
        if not is_old(record):
            from lightning.pytorch.utilities import rank_zero_warn  # not above: a served model reads a base without it

            rank_zero_warn(f"{path} or the run.json of its run has no run id: not checked to be of one run")
    elif own != run:
        raise UserError(f"{path} must have the run id {run} of run.json, got {own}: put back the file of this run")


def check_checkpoints(folder: Path, record: Mapping[str, Any]) -> None:
    """Check all that an unfinished run has to go on from: `last.ckpt`, and the best model of each phase so far.

    Args:
        folder: The run's folder of checkpoints.
        record: The content of `run.json`.

    Raises:
        UserError: one is missing, damaged, or of another run.
    """
    last = folder / "last.ckpt"
    checkpoint = read_checkpoint(last)
    check_run_id(checkpoint, last, record)
    base = next(iter(checkpoint[KEY].get("ends", {})), None)  # without it, resuming is an error that says so
    for phase in checkpoint[KEY].get("selected", {}):
        best = folder / (BASE if phase == base else f"{phase}.ckpt")
        best = best if best.is_file() else folder / BEST
        selected = read_file(best)
        if best.name != BASE:  # the base may be another run's, given by start_from
            check_run_id(selected, best, record)


def digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors: their names, types, shapes and values."""
    result = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        result.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        if value.numel():  # an empty tensor may have strides that `view` does not take
            result.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return result.hexdigest()


def leave_out(checkpoint: dict[str, Any], frozen: Mapping[str, Tensor]) -> None:
    """Leave tensors to the base, with their hash: one that has moved is found out.

    Args:
        checkpoint: What is about to be written; its paradigm's state is there.
        frozen: Tensors of its `state_dict`, by name.
    """
    checkpoint[KEY] |= {"base_hash": digest(frozen), "left_out": list(frozen)}
    for name in frozen:
        del checkpoint["state_dict"][name]


def take_loss(checkpoint: dict[str, Any]) -> dict[str, Tensor]:
    """Take out of a checkpoint's `state_dict` what the phase's loss has learned: the rest is the model."""
    state = checkpoint["state_dict"]
    return {name: state.pop(name) for name in list(state) if name.startswith(LOSS)}


def has_masks(state: Mapping[str, Tensor]) -> bool:
    """True if a state dict is of a masked model."""
    return any(".mask." in name for name in state)


def has_base(checkpoint: Mapping[str, Any]) -> bool:
    """True if a checkpoint left its weights to a base."""
    return "base_hash" in checkpoint[KEY]


def complete(checkpoint: dict[str, Any], path: Path) -> None:
    """Put back what `leave_out` took, from the base beside `path`, the checkpoint's file.

    Raises:
        UserError: the base is missing, damaged or another.
    """
    if not has_base(checkpoint):
        return
    base = path.with_name(BASE)
    state = checkpoint["state_dict"]
    whole = read_checkpoint(base)["state_dict"]
    # Checkpoints of early versions do not say what they left out: all that they lack.
    left_out = checkpoint[KEY].get("left_out", [name for name in whole if name not in state])
    frozen = {name: whole[name] for name in left_out if name in whole}
    if digest(frozen) != checkpoint[KEY]["base_hash"]:
        raise UserError(
            f"{base} must be the model that the masks of {path} are for, got another: put back the one of this run"
        )
    state |= frozen


def keep_base(origin: Path, folder: Path) -> None:
    """Put the base beside the checkpoints to come: a second name of its file, or a copy on another file system."""
    base = folder / BASE
    if base.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    try:
        os.link(origin, base)
    except OSError:
        write_atomically(base, lambda partial: shutil.copyfile(origin, partial))


def find_dense(named: str, setting: str = "start_from") -> Path:
    """Return the checkpoint that a setting names: a file, or of a run's folder the dense one, else the best.

    Raises:
        UserError: neither exists.
    """
    path = Path(named)
    if path.is_dir():
        candidates = [path / CHECKPOINTS / name for name in (BASE, BEST)]
        for candidate in candidates:
            if candidate.is_file():
                return candidate
        known = " or ".join(map(str, candidates))
        raise UserError(f"{setting} must be a run with {known}, got {named!r}: name logs/<experiment>/version_<n>")
    if not path.is_file():
        raise UserError(f"{setting} must be a run's folder or a checkpoint file, got {named!r}: check the path")
    return path.resolve() if path.is_symlink() else path  # the user's own link is followed, those of a run are not


def load_dense(module: nn.Module, state: Mapping[str, Tensor], origin: Path) -> None:
    """Copy a dense state dict into a module that it fits; see `check_dense`."""
    check_dense(module, state, origin)
    module.load_state_dict(state, strict=False)  # a loss may have something of its own


def state_of(tasks: Container[str], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the part of a run's state dict of a model of these tasks, without heads and masks of others."""
    own = {name: value for name, value in state.items() if name.startswith(("encoder.", "heads."))}
    return _without_others(tasks, own)


def _without_others(tasks: Container[str], state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict without what is of tasks that are none of these."""
    return {
        name: value
        for name, value in state.items()
        if (found := _OF_A_TASK.fullmatch(name)) is None or found[1] in tasks
    }


def check_dense(module: nn.Module, state: Mapping[str, Tensor], origin: Path) -> None:
    """Check that a dense state dict is of a module's architecture; it may have heads of further tasks.

    Raises:
        UserError: names or shapes differ, as for a checkpoint of another architecture or a masked one.
    """
    own = {name: value for name, value in module.state_dict().items() if not name.startswith(LOSS)}
    state = _without_others({found[1] for name in own if (found := _OF_A_TASK.fullmatch(name))}, state)
    if has_masks(state):
        raise UserError(f"{origin} must be a dense model, got a masked one: start from a run's checkpoints/dense.ckpt")
    wrong = [name for name in own if name not in state or state[name].shape != own[name].shape]
    wrong += [name for name in state if name not in own]
    if wrong:
        name = wrong[0]
        shapes = [tuple(each[name].shape) if name in each else "nothing" for each in (state, own)]
        raise UserError(
            f"{origin} must have this model's architecture, got {len(wrong)} tensors that differ, first {name} "
            f"(checkpoint {shapes[0]}, this model {shapes[1]}): check encoder.backbone and the tasks"
        )
