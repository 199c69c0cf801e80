"""How a run ends: complete, incomplete, stopped by a signal, or out of disk."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.trainer.states import TrainerStatus
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lit_prune.errors import UserError
from lit_prune.paradigms.paradigm import Paradigm

_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # full, or read-only
_SIGINT, _SIGTERM = 130, 143  # exit codes, 128 and the number of the signal, as shells have them


def lack_of(trainer: Trainer, module: Paradigm) -> str | None:
    """Return what a run whose training has ended lacks to be complete, None: nothing."""
    timers = [each for each in trainer.callbacks if isinstance(each, Timer)]  # type: ignore[attr-defined]
    ran_out = any((left := each.time_remaining()) is not None and left <= 0 for each in timers)
    step, end = trainer.global_step, module.ends[module.last_phase]
    if ran_out and step < end:
        return f"trainer.max_time ended it at step {step} of {end}: raise it with --trainer.max_time"
    if module.last_phase not in module.selected:
        return (
            f"it ended at step {step} of {end} without a selected model of its last phase {module.last_phase!r}: "
            "see what ended it, or why none was eligible"
        )
    return None


@contextmanager
def ending(trainer: Trainer, module: Paradigm) -> Iterator[None]:
    """Train inside of this: a signal ends the process with its exit code, other ends without a result are errors.

    Raises:
        UserError: the run is incomplete, or its folder cannot be written.
        SystemExit: a signal ended it; a line on stderr has the command that resumes it.
    """
    try:
        yield
    except SIGTERMException:
        _stopped(trainer, module, "SIGTERM", _SIGTERM)
    except SystemExit:
        if trainer.state.status != TrainerStatus.INTERRUPTED:
            raise
        _stopped(trainer, module, "Ctrl+C", _SIGINT)  # Lightning's answer to it
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        where = error.filename or module.folder
        raise UserError(
            f"{where} cannot be written ({error.strerror}): make room there, then {_resume(module)}"
        ) from error
    if trainer.is_global_zero and (lack := lack_of(trainer, module)) is not None:
        raise UserError(f"{module.folder} is incomplete: {lack}; {_resume(module)}")


def _stopped(trainer: Trainer, module: Paradigm, signal: str, code: int) -> None:
    if trainer.is_global_zero:
        print(f"lit_prune: stopped by {signal} at step {trainer.global_step}: {_resume(module)}", file=sys.stderr)
    raise SystemExit(code)


def _resume(module: Paradigm) -> str:
    """Return what to do about a run that is not complete; one that has no folder yet has nothing to continue."""
    return "start it again" if module.folder == Path() else f"continue with lit_prune fit --resume {module.folder}"
