"""Files that are there whole or not at all."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, then put it in place of `path`, whatever cuts it off in between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(values: Mapping[str, Any], path: Path) -> None:
    """Write one JSON object."""
    write_atomically(path, lambda partial: partial.write_text(json.dumps(values, indent=1) + "\n"))
