"""Public names of a package that import its heavy modules when they are first used, and not before."""

from importlib import import_module
from typing import Any


def public_name(package: str, name: str) -> Any:
    """Return a name that a package's module `public` exports; for the package's `__getattr__`.

    Raises:
        AttributeError: the module does not export it.
    """
    if name.startswith("_"):
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    return getattr(import_module(f"{package}.public"), name)
