"""End of a run: complete, incomplete, stopped by a signal, out of disk space, or by an unfit checkpoint."""

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

from lit_prune.callbacks.record import incomplete_reason
from lit_prune.errors import UserError
from lit_prune.paradigms.paradigm import Paradigm

_FILE_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
_SIGINT, _SIGTERM = 130, 143  # exit codes of shells: 128 plus the number of the signal


class Sigterm:
    """The handler of SIGTERM, which records that the signal was received.

    Attributes:
        received: True after the signal; needed because a `SystemExit` is lost in a `__del__` or an at-fork hook.
    """

    def __init__(self) -> None:
        self.received = False

    def exit(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal by raising `SystemExit`."""
        self.received = True
        raise SystemExit(_SIGTERM)


@contextmanager
def sigterm_exits() -> Iterator[Sigterm]:
    """Raise `SystemExit` immediately on SIGTERM; outside of the main thread, do nothing."""
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
    """Handle the end of training in this context: signals become exit codes, incomplete runs become errors.

    Args:
        trainer: The run's Trainer.
        module: The run's paradigm.
        sigterm: The handler of SIGTERM.

    Raises:
        UserError: The run is incomplete, or its folder cannot be written.
        SystemExit: A signal ended the run; a line on stderr has the command that resumes it.
    """
    try:
        if sigterm.received:
            raise SystemExit(_SIGTERM)
        yield
    except BaseException as error:
        if sigterm.received or isinstance(error, SIGTERMException):  # also if it ended a worker of a loader
            _stopped(trainer, module, "SIGTERM", _SIGTERM)
        if isinstance(error, SystemExit) and trainer.state.status == TrainerStatus.INTERRUPTED and error.code == 1:
            _stopped(trainer, module, "Ctrl+C", _SIGINT)  # Lightning's answer to Ctrl+C
        if not isinstance(error, OSError) or error.errno not in _FILE_ERRORS:
            raise
        path = error.filename or module.folder
        raise UserError(
            f"{path} must be readable and writable, got {error.strerror}: free space or grant access, then "
            f"{_remedy(module)}"
        ) from error
    reason = incomplete_reason(trainer, module)
    if reason is not None and sigterm.received:
        _stopped(trainer, module, "SIGTERM", _SIGTERM)
    if reason is not None and trainer.is_global_zero:
        raise UserError(f"{module.folder} must be complete, got an incomplete run: {reason}; {_remedy(module)}")


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Lightning's exit on Ctrl+C as `KeyboardInterrupt`, and keep Ctrl+C working: a notebook goes on."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)  # Lightning ignores all further ones
        raise KeyboardInterrupt from None


@contextmanager
def restoring(path: Path | None, module: Paradigm) -> Iterator[None]:
    """Raise errors of restoring in this context as a `UserError`; errors of training propagate.

    Args:
        path: The checkpoint that the run resumes from, None for a new run.
        module: The paradigm.

    Raises:
        UserError: The state in the checkpoint cannot be restored.
    """
    try:
        yield
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, UserError) or module.restored_state is None:
            raise
        raise UserError(
            f"{path} must fit the run, got {type(error).__name__} ({error!s:.300}): restore the file"
        ) from error


def _stopped(trainer: Trainer, module: Paradigm, signal: str, code: int) -> None:
    if trainer.is_global_zero:
        print(f"lit_prune: stopped by {signal} at step {trainer.global_step}: {_remedy(module)}", file=sys.stderr)
    raise SystemExit(code)


def _remedy(module: Paradigm) -> str:
    """Return how to complete a run, which cannot be resumed before it has a folder."""
    return "start it again" if module.folder == Path() else f"resume with lit_prune fit --resume {module.folder}"
