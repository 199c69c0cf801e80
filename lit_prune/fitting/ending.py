"""How a run ends: complete, incomplete, stopped by a signal, or out of disk."""

import errno
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.trainer.states import TrainerStatus

from lit_prune.errors import UserError
from lit_prune.paradigms.paradigm import Paradigm

_REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}  # by the file system
_SIGINT, _SIGTERM = 130, 143  # exit codes, 128 and the number of the signal, as shells have them


def lack_of(trainer: Trainer, module: Paradigm) -> str | None:
    """Return what a run whose training has ended lacks to be complete, None: nothing."""
    timers = [each for each in trainer.callbacks if isinstance(each, Timer)]  # type: ignore[attr-defined]
    ran_out = any((left := each.time_remaining()) is not None and left <= 0 for each in timers)
    step, end = trainer.global_step, module.phases.ends[module.phases.last]
    if ran_out and step < end:
        return f"trainer.max_time ended it at step {step} of {end}: raise it with --trainer.max_time"
    if module.phases.last not in module.selection.best:
        return (
            f"it ended at step {step} of {end} without a selected model of its last phase {module.phases.last!r}: "
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
    except SystemExit as stop:
        if stop.code == _SIGTERM:
            _stopped(trainer, module, "SIGTERM", _SIGTERM)
        if trainer.state.status == TrainerStatus.INTERRUPTED and stop.code == 1:  # Lightning's answer to Ctrl+C
            _stopped(trainer, module, "Ctrl+C", _SIGINT)
        raise
    except OSError as error:
        if error.errno not in _REFUSED:
            raise
        refused = f"{error.filename or module.folder} cannot be read or written ({error.strerror})"
        raise UserError(f"{refused}: make room or give the rights, then {_resume(module)}") from error
    if trainer.is_global_zero and (lack := lack_of(trainer, module)) is not None:
        raise UserError(f"{module.folder} is incomplete: {lack}; {_resume(module)}")


@contextmanager
def sigterm_exits() -> Iterator[None]:
    """Raise `SystemExit` on SIGTERM at once, wherever the run is; outside of the main thread change nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _exit(number: int, frame: FrameType | None) -> None:
    raise SystemExit(_SIGTERM)


def _stopped(trainer: Trainer, module: Paradigm, signal: str, code: int) -> None:
    if trainer.is_global_zero:
        print(f"lit_prune: stopped by {signal} at step {trainer.global_step}: {_resume(module)}", file=sys.stderr)
    raise SystemExit(code)


def _resume(module: Paradigm) -> str:
    """Return what to do about a run that is not complete; one that has no folder yet has nothing to continue."""
    return "start it again" if module.folder == Path() else f"continue with lit_prune fit --resume {module.folder}"
