"""Errors while a run is restored from its last checkpoint, which are errors for users, not bugs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lit_prune.errors import UserError
from lit_prune.paradigms.paradigm import Paradigm


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
