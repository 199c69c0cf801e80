"""Objects built from what a file contains: classes come from a closed table, nothing that the file names is imported.

The table has the package's sources of rows and kinds of tasks, and the classes of modules that the user names with
`--plugins`. Values are converted by the type hints of the class that takes them; functions cannot be named.
"""

import dataclasses
import re
import types
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lit_prune.errors import UserError

if TYPE_CHECKING:
    from argparse import ArgumentParser

_T = TypeVar("_T")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_LISTS = (list, tuple, set, frozenset, Sequence, Iterable)


def class_paths(classes: Iterable[type], *modules: str) -> dict[str, type]:
    """Return a table of classes by their full path, and by their name in further modules."""
    return {f"{module}.{each.__name__}": each for each in classes for module in (each.__module__, *modules)}


def add_plugins(parser: "ArgumentParser") -> None:
    """Add the option `--plugins`, a list of modules, to the parser of a command that reads runs."""
    parser.add_argument(
        "--plugins",
        nargs="+",
        default=[],
        metavar="MODULE",
        help="Your modules with classes of tasks and sources that the run uses. A run imports nothing else of yours.",
    )


def load_plugins(names: Sequence[str]) -> dict[str, type]:
    """Import modules that the user named, and return the classes defined in them by their class paths.

    Args:
        names: Modules. A class that a package takes from one of its own modules counts as defined in the package.

    Raises:
        UserError: a module cannot be imported.
    """
    found: dict[str, type] = {}
    for name in names:
        if not _MODULE.fullmatch(name):
            raise UserError(f"--plugins must be names of modules, got {name!r}: give them as my_package my_package.own")
        try:
            module = import_module(name)
        except ImportError as error:
            raise UserError(
                f"--plugins must name modules that can be imported, got {name} ({error}): install it, or set PYTHONPATH"
            ) from error
        for attribute, each in vars(module).items():
            if isinstance(each, type) and f"{each.__module__}.".startswith(f"{name}."):
                found |= {f"{name}.{attribute}": each, f"{each.__module__}.{each.__qualname__}": each}
    return found


def build(settings: Any, expected: type[_T], classes: Mapping[str, type], where: str) -> _T:
    """Build an object of `{class_path, init_args}`.

    Args:
        settings: Plain values that a file contains.
        expected: The class that the object must be of.
        classes: The classes that a class path may name.
        where: The setting, for errors.

    Raises:
        UserError: the class is not in the table or not of the expected kind, or a value does not fit.
    """
    path: Any = settings
    values: Any = {}
    if isinstance(settings, Mapping):
        path, values = settings.get("class_path"), settings.get("init_args") or {}
    kind = classes.get(path) if isinstance(path, str) else None
    if kind is None or not issubclass(kind, expected):
        raise UserError(
            f"unknown {expected.__name__.lower()} {str(path)[:80]} in {where}: name the module of your own that "
            "defines it with --plugins, or give rows as --file"
        )
    return build_class(kind, values, classes, where)


def build_class(
    kind: type[_T], values: Any, classes: Mapping[str, type], where: str, given: Mapping[str, Any] | None = None
) -> _T:
    """Call a class with values converted by its type hints; see `build`.

    Args:
        kind: The class.
        values: Its arguments by name: plain values that a file contains.
        classes: The classes that a class path in them may name.
        where: The setting, for errors.
        given: Further arguments, objects already.
    """
    hints = get_type_hints(kind.__init__)
    if not isinstance(values, Mapping) or any(name not in hints for name in values):
        raise UserError(f"{where} must be settings of {kind.__name__}, got {short(values)}: use {', '.join(hints)}")
    arguments = {name: convert(value, hints[name], classes, f"{where}.{name}") for name, value in values.items()}
    try:
        return kind(**arguments, **(given or {}))
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where} must fit {kind.__name__}, got {short(values)}: {error}") from error


def convert(value: Any, hint: Any, classes: Mapping[str, type], where: str) -> Any:
    """Convert a plain value to what a type hint asks for.

    Raises:
        UserError: it does not fit, or the hint is of something that a file cannot contain, as a function.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        errors = []
        for each in arguments:
            try:
                return convert(value, each, classes, where)
            except UserError as error:
                errors.append(error)
        raise errors[0]
    if hint is None or hint is type(None):
        fits = value is None
    elif origin is Literal:
        fits = value in arguments
    elif hint is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif hint in (bool, int, str):
        fits = type(value) is hint
    elif hint is Path:
        fits = isinstance(value, str)
        value = Path(value) if fits else value
    elif isinstance(kind := origin or hint, type) and issubclass(kind, Mapping):
        fits = isinstance(value, Mapping)
        if fits and arguments:
            # Keys are texts: a 0 that yaml reads as a number is the label "0".
            value = {str(key): convert(each, arguments[1], classes, f"{where}.{key}") for key, each in value.items()}
    elif kind in _LISTS:
        fits = isinstance(value, list | tuple)
        if fits and arguments:
            value = [convert(each, arguments[0], classes, where) for each in value]
        if fits and isinstance(kind, type) and issubclass(kind, tuple | set | frozenset):
            value = kind(value)
    elif dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return build_class(hint, value, classes, where)
    elif isinstance(hint, type) and hint.__module__ != "collections.abc":
        return build(value, hint, classes, where)
    else:
        raise UserError(f"{where} must be left out, got {short(value)}: a file cannot name a function to call")
    if not fits:
        raise UserError(f"{where} must be {_type_name(hint)}, got {short(value)}: correct the file")
    return value


def _type_name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
