"""The state of a run in its checkpoints: what an exact resume needs, and the best model of a phase."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from lit_prune.paradigms.ddp import allow_unused
from lit_prune.runs.checkpoint_io import AtomicCheckpointIO
from lit_prune.runs.checkpoints import BASE, KEY, complete, leave_out, read_checkpoint, read_file, take_loss
from lit_prune.runs.random_state import conditions, random_states, warn_of_changes
from lit_prune.tuning.entries import frozen_tensors
from lit_prune.tuning.names import leave_plain, take_plain

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


def pack(run: "Paradigm", checkpoint: dict[str, Any]) -> None:
    """Add a run's state to a checkpoint, and leave to the base what is still as it is there."""
    checkpoint[KEY] = {
        "run_id": run.run_id,
        "phase": run.phase,
        "ends": run.phases.ends,
        "selected": run.selection.best,
        "random_states": random_states(run.trainer.world_size),
        "conditions": conditions(run.trainer),
        "loss": take_loss(checkpoint),
    }
    if statistics := run.phases.current.statistics(run):
        checkpoint[KEY]["statistics"] = statistics
    checkpoint["state_dict"] = leave_plain(checkpoint["state_dict"])
    if run.phase != run.phases.base and run.phases.current.freezes_base:
        frozen = frozen_tensors(run)
        if run.left_out is None:  # the first checkpoint of the phase
            run.left_out = _unchanged(frozen, run.folder / "checkpoints" / BASE)
        leave_out(checkpoint, {name: frozen[name] for name in run.left_out})


def restore(run: "Paradigm", checkpoint: dict[str, Any]) -> None:
    """Shape a run's network as it was when a checkpoint was written, and complete the checkpoint's state dict."""
    checkpoint_io = run.trainer.strategy.checkpoint_io
    assert isinstance(checkpoint_io, AtomicCheckpointIO)
    assert checkpoint_io.loaded is not None
    complete(checkpoint, checkpoint_io.loaded)
    state = checkpoint[KEY]
    run.selection.best, run.phases.ends, run.phases.name = state["selected"], state["ends"], state["phase"]
    run.restored_statistics = state.get("statistics", {})
    run.left_out = state.get("left_out")
    states = state["random_states"]
    run.restored_state = states[run.trainer.global_rank % len(states)]
    phase = run.phases.current
    phase.restore(run, checkpoint["state_dict"])
    if phase.leaves_unused(run):
        allow_unused(run.trainer.strategy)
    run.begin_loss()
    checkpoint["state_dict"] = take_plain(checkpoint["state_dict"], run) | state.get("loss", {})
    # Killed after its last step, a run lacks nothing but its record.
    run.trainer.should_stop = checkpoint["global_step"] >= run.phases.ends[run.phases.last]
    warn_of_changes(state["conditions"], conditions(run.trainer))


def _unchanged(frozen: Mapping[str, Tensor], base: Path) -> list[str]:
    """Return the names of tensors that are as in the base: a phase before may have changed others."""
    state = read_checkpoint(base)["state_dict"]
    return [name for name, value in frozen.items() if name in state and torch.equal(state[name], value.cpu())]


def load_best(run: "Paradigm") -> None:
    """Load the best model of the phase that ends, whose shape the network has; without one, or if it is that, stay."""
    best = run.selection.best.get(run.phase)
    if best is None or best["step"] == run.trainer.global_step or run.phases.ends[run.phase] == 0:
        return
    path = run.checkpoint_of(run.phase)
    checkpoint = read_file(path)
    complete(checkpoint, path)
    state: Mapping[str, Tensor] = take_plain(checkpoint["state_dict"], run)
    run.load_state_dict(state, strict=False)  # what the phase's loss learns is not in it


def last_checkpoint(run: "Paradigm") -> str:
    """Return the name of the last checkpoint of a run, for messages."""
    best = run.selection.best
    if not best:
        return "none yet"
    return f"{run.folder}/checkpoints/last.ckpt (best of phase {next(reversed(best))!r} beside it)"
