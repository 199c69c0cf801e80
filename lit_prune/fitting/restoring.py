"""Errors while a run is restored from its last checkpoint: they are of the file, those of training are bugs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lit_prune.errors import UserError
from lit_prune.paradigms.paradigm import Paradigm


@contextmanager
def restoring(path: Path | None, module: Paradigm) -> Iterator[None]:
    """Train inside of this: a checkpoint that does not fit the run is a user's error, a fault of training is not.

    Args:
        path: The checkpoint that the run resumes from, None: it begins.
        module: The run.

    Raises:
        UserError: the state in the checkpoint cannot be restored.
    """
    try:
        yield
    except (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if isinstance(error, UserError) or module.restored_state is None:
            raise
        raise UserError(
            f"{path} does not fit the run ({type(error).__name__}: {error!s:.300}): restore the file"
        ) from error
