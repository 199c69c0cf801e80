"""Checks of names that become parts of paths, metrics and module names, and the remedy for unknown names."""

import re
from collections.abc import Sequence
from difflib import get_close_matches

from lit_prune.errors import UserError

MAX_LENGTH = 100  # bytes; file names have at most 255


def choice(name: str | Sequence[str], known: Sequence[str]) -> str:
    """Return the remedy for an unknown name: the known name that it is close to, and all known names.

    Args:
        name: The unknown name, or several of which one must be known.
        known: The known names.
    """
    names = [name] if isinstance(name, str) else name
    close = [found for each in names for found in get_close_matches(each, known, n=1)]
    return f"{f'did you mean {close[0]}? Choose' if close else 'choose'} from {', '.join(known)}"


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
