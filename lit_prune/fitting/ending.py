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
from lightning.pytorch.trainer.states import TrainerStatus
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lit_prune.callbacks.record import lack_of
from lit_prune.errors import UserError
from lit_prune.paradigms.paradigm import Paradigm

_REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}  # by the file system
_SIGINT, _SIGTERM = 130, 143  # exit codes, 128 and the number of the signal, as shells have them


class Sigterm:
    """SIGTERM as this process receives it.

    Attributes:
        received: True once it came: the `SystemExit` that it raises is lost in a `__del__` or an at-fork hook.
    """

    def __init__(self) -> None:
        self.received = False

    def exit(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal: raise `SystemExit` wherever the run is."""
        self.received = True
        raise SystemExit(_SIGTERM)


@contextmanager
def sigterm_exits() -> Iterator[Sigterm]:
    """Raise `SystemExit` on SIGTERM at once, wherever the run is; outside of the main thread change nothing."""
    sigterm = Sigterm()
    if threading.current_thread() is not threading.main_thread():
        yield sigterm
        return
    before = signal.signal(signal.SIGTERM, sigterm.exit)
    try:
        yield sigterm
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@contextmanager
def ending(trainer: Trainer, module: Paradigm, sigterm: Sigterm) -> Iterator[None]:
    """Train inside of this: a signal ends the process with its exit code, other ends without a result are errors.

    Args:
        trainer: The run's Trainer.
        module: The run's paradigm.
        sigterm: SIGTERM since the process began.

    Raises:
        UserError: the run is incomplete, or its folder cannot be written.
        SystemExit: a signal ended it; a line on stderr has the command that resumes it.
    """
    try:
        if sigterm.received:
            raise SystemExit(_SIGTERM)
        yield
    except BaseException as error:
        if sigterm.received or isinstance(error, SIGTERMException):  # whatever else it stopped, as a worker of a loader
            _stopped(trainer, module, "SIGTERM", _SIGTERM)
        if isinstance(error, SystemExit) and trainer.state.status == TrainerStatus.INTERRUPTED and error.code == 1:
            _stopped(trainer, module, "Ctrl+C", _SIGINT)  # Lightning's answer to Ctrl+C
        if not isinstance(error, OSError) or error.errno not in _REFUSED:
            raise
        refused = f"{error.filename or module.folder} cannot be read or written ({error.strerror})"
        raise UserError(f"{refused}: make room or give the rights, then {_resume(module)}") from error
    lack = lack_of(trainer, module)
    if lack is not None and sigterm.received:
        _stopped(trainer, module, "SIGTERM", _SIGTERM)
    if lack is not None and trainer.is_global_zero:
        raise UserError(f"{module.folder} is incomplete: {lack}; {_resume(module)}")


def _stopped(trainer: Trainer, module: Paradigm, signal: str, code: int) -> None:
    if trainer.is_global_zero:
        print(f"lit_prune: stopped by {signal} at step {trainer.global_step}: {_resume(module)}", file=sys.stderr)
    raise SystemExit(code)


def _resume(module: Paradigm) -> str:
    """Return what to do about a run that is not complete; one that has no folder yet has nothing to continue."""
    return "start it again" if module.folder == Path() else f"continue with lit_prune fit --resume {module.folder}"
