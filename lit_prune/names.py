"""Names that users choose and that become parts of paths, metrics and module names."""

import re

from lit_prune.errors import UserError

MAX_LENGTH = 100  # bytes; a file's name has 255


def check_name(setting: str, name: str) -> str:
    """Return a name that is safe in a path, a metric's name and a table.

    Raises:
        UserError: It has other characters than letters, digits, _ and -, or is too long.
    """
    if not re.fullmatch(r"\w[\w-]*", name) or len(name.encode()) > MAX_LENGTH:
        raise UserError(f"{setting} must be 1 to {MAX_LENGTH} letters, digits, _ and -, got {name[:200]!r}: rename it")
    return name
