"""Checks of names that become parts of paths, metrics and module names."""

import re

from lit_prune.errors import UserError

MAX_LENGTH = 100  # bytes; file names have at most 255


def check_name(setting: str, name: str) -> str:
    """Check that a name is safe in paths, metrics and tables, and return it.

    Args:
        setting: The setting that contains the name, for error messages.
        name: The name.

    Raises:
        UserError: The name has characters other than letters, digits, _ and -, or is too long.
    """
    if not re.fullmatch(r"\w[\w-]*", name) or len(name.encode()) > MAX_LENGTH:
        raise UserError(f"{setting} must be 1 to {MAX_LENGTH} letters, digits, _ and -, got {name[:200]!r}: rename it")
    return name
