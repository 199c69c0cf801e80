"""Errors of command lines and configuration files, each in one line: the key, what it must be, the value."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml

from lit_prune.errors import UserError
from lit_prune.names import choice
from lit_prune.shipped import find_config

HELP = "lit_prune COMMAND --help lists the arguments"
_LONGEST = 120  # characters of a value in a message

_KEY = re.compile(r'Parser key "([^"]+)":?\s*(.*)')
_CLASS = re.compile(r"Problem with given class_path '([^']+)':?\s*(.*)")
_EXPECTED = re.compile(r"Expected an? (.+?)(?:\. Got value: (.*))?")
_NOISE = re.compile(
    r"Does not validate|Subtypes:|Errors:|Given value type|Expected a path but|Expected a <class 'NoneType'>|"
    r"Not a valid subclass|Subclass types expect|a class path|a dict with"
)
_TYPES = {
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list",
    "dict": "a mapping",
    "collections.abc.Iterable": "a list",
}
_NO_CLASS = (  # jsonargparse's messages about invalid class paths
    re.compile(r"module '.*' has no attribute '.*'"),
    re.compile(r"No module named '.*'"),
    re.compile(r"Expected a dot import path string: .*"),
    re.compile(r"Import path .*does not correspond to a subclass of \w+"),
)


class _Leaf(NamedTuple):
    """The innermost cause in a message.

    Attributes:
        keys: The keys that lead to it, from the outside in.
        class_path: The class whose arguments it is about, "" for none.
        text: The message of jsonargparse.
    """

    keys: tuple[str, ...]
    class_path: str
    text: str


@contextmanager
def explained(options: Iterable[str] = ()) -> Iterator[None]:
    """Raise jsonargparse's errors as a `UserError` in one line.

    Args:
        options: The names that the parser accepts, to suggest one for a misspelt name.
    """
    from jsonargparse import ArgumentError  # not above: the help needs no libraries

    try:
        yield
    except ArgumentError as error:
        raise UserError(explain(str(error), options)) from error
    except (UnicodeDecodeError, RecursionError, yaml.YAMLError) as error:
        raise UserError(f"a configuration file must be yaml in UTF-8: {_short(str(error))}") from error


def explain(message: str, options: Iterable[str] = ()) -> str:
    """Return a message of jsonargparse in one line.

    Args:
        message: The message, one line or a dump of all types that were tried.
        options: See `explained`.
    """
    message = message.strip()
    if found := re.fullmatch(r"the following arguments are required: (.+)", message):
        names = ", ".join(name.removeprefix("fit.") for name in found[1].split(", "))
        return f"{names} must be set: {HELP}"
    if found := re.match(r"unrecognized arguments: (\S+)", message):
        return _unknown(found[1].partition("=")[0].removeprefix("--"), options)
    if found := re.search(r"(?:does not accept option|Option) '([^']+)'", message.splitlines()[0]):
        return _unknown(found[1], options)
    if found := re.fullmatch(r'Linked "(.+)" must be given via "(.+)"\.', message):
        return f"{found[1]} must be left out: it follows from {found[2]}, set that instead"
    if found := re.fullmatch(r"argument (?:.+ --> )?(\S+): invalid (\w+) (?:value|choice): '(.*?)'(.*)", message):
        kind = {"int": "an integer", "float": "a number"}.get(found[2], "left to the command line")
        expected = found[4].strip(" ()").replace("choose from ", "one of ") or kind
        return f"{_name(found[1])} must be {expected}, got {found[3]!r}: {HELP}"
    if found := re.fullmatch(r"argument subcommand: invalid choice: '(.*?)' \(choose from (.*)\)", message):
        known = re.findall(r"'(.*?)'", found[2])
        return f"unknown command {found[1]!r}: {choice(found[1], known)}"
    if found := re.fullmatch(r"argument (\S+): invalid choice: '(.*?)' \(choose from (.*)\)", message):
        return f"{_name(found[1])} must be one of {found[3]}, got {found[2]!r}: {HELP}"
    if found := re.fullmatch(r"argument (\S+): expected (.+)", message):
        return f"{_name(found[1])} must have {found[2].replace('argument', 'value')}, got none: {HELP}"
    if found := re.match(r'expected "subcommand" to be one of \{(.*)\}', message):
        return f"a command must be given, got none: choose from {found[1].replace(',', ', ')}"
    if message.startswith("Parser key"):
        return _explain_value(message)
    return _short(" ".join(message.split()))


def _explain_value(message: str) -> str:
    """Explain an invalid value in one line, by the innermost cause among the types tried."""
    leaves, value = _leaves(message)
    if not leaves:
        outer = _KEY.match(message)
        assert outer is not None
        kind = "a class path" if "subclass" in message else "a mapping, or a file of one"
        return f"{outer[1]} must be {kind}, got {_short(value or _repeated(message))}: {HELP}"
    deepest = max(len(leaf.keys) + bool(leaf.class_path) for leaf in leaves)
    causes = [leaf for leaf in leaves if len(leaf.keys) + bool(leaf.class_path) == deepest]
    leaf = causes[0]
    key = ".".join(leaf.keys)
    if found := re.fullmatch(r"Option '(.+)' is not accepted", leaf.text):
        return _unknown(f"{key}.init_args.{found[1]}", [f"{key}.init_args.{each}" for each in _accepted(leaf)])
    if found := re.match(r"unrecognized arguments: --([^\s=]+)", leaf.text):
        return _unknown(f"{key}.init_args.{found[1]}", [f"{key}.init_args.{each}" for each in _accepted(leaf)])
    if found := re.fullmatch(r"the following arguments are required: (.+)", leaf.text):
        return f"{key}.init_args must have {found[1]}, got none: {HELP}"
    if found := re.match(r"Unable to load config ['\"](.*)['\"]", leaf.text):
        return f"{key} must be a mapping, or a file of one, got {_short(found[1])}: {HELP}"
    if any(pattern.fullmatch(each.text) for pattern in _NO_CLASS for each in causes):
        base = next((found[1] for each in causes if (found := re.search(r"subclass of (\w+)", each.text))), "")
        got = leaf.class_path or value or _repeated(leaf.text)
        kind = f"the class path of a {base}" if base else "a class path that can be imported"
        return f"{key} must be {kind}, got {_short(got)}: {HELP}"
    types = [found for each in causes if (found := _EXPECTED.fullmatch(each.text))]
    if types:
        got = next((found[2] for found in types if found[2] is not None), value)
        kinds = dict.fromkeys(_type(found[1]) for found in types)
        return f"{key} must be {' or '.join(kinds)}, got {_short(got)}: {HELP}"
    return f"{key} must be valid, got {_short(value or 'another value')}: {_short(leaf.text)}"


def _leaves(message: str) -> tuple[list[_Leaf], str]:
    """Return the causes in a message, and the value in it."""
    stack: list[tuple[int, str, bool]] = []  # indentation, name, True for a class path
    leaves: list[_Leaf] = []
    value = ""
    for line in message.splitlines():
        text = line.strip().removeprefix("- ")
        indent = len(line) - len(line.lstrip())
        if text.startswith("Given value: "):
            given = re.fullmatch(r"NestedArg\(key='.*', val='?(.*?)'?\)", text.removeprefix("Given value: "))
            value = value or (given[1] if given else text.removeprefix("Given value: "))
            continue
        for pattern, is_class in ((_KEY, False), (_CLASS, True)):
            if found := pattern.fullmatch(text):
                while stack and stack[-1][0] >= indent:
                    stack.pop()
                if not stack or stack[-1][1:] != (found[1], is_class):
                    stack.append((indent, found[1], is_class))
                text = found[2]
        if text and not _NOISE.match(text):
            leaves.append(_Leaf(_keys(stack), _class_path(stack), text))
    return leaves, value


def _keys(stack: Sequence[tuple[int, str, bool]]) -> tuple[str, ...]:
    """Return the keys of a stack, with `init_args` between a class and the key of its argument."""
    keys: list[str] = []
    for number, (_, name, is_class) in enumerate(stack):
        if is_class:
            keys += ["init_args"] if any(not each[2] for each in stack[number + 1 :]) else []
        else:
            keys.append(name)
    return tuple(keys)


def _class_path(stack: Sequence[tuple[int, str, bool]]) -> str:
    return stack[-1][1] if stack and stack[-1][2] else ""


def _accepted(leaf: _Leaf) -> Iterator[str]:
    """Yield the names of the arguments of a class and its base classes, and those of arguments that are dataclasses."""
    module, _, name = leaf.class_path.rpartition(".")
    found: Any = getattr(import_module(module), name)
    for each in inspect.getmro(found):
        if "__init__" not in vars(each) or each is object:
            continue
        for name, parameter in inspect.signature(each).parameters.items():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            yield name
            kinds = [parameter.annotation, *get_args(parameter.annotation)]
            yield from (f"{name}.{field.name}" for kind in kinds if is_dataclass(kind) for field in fields(kind))


def _unknown(key: str, options: Iterable[str]) -> str:
    known = sorted({each for each in options if not key.startswith(f"{each}.")})
    longer = [each for each in known if each.startswith(key)]
    if len(longer) > 1:
        return f"unknown key {key}: choose from {', '.join(longer)}"
    parent, _, name = key.rpartition(".")
    beside = {each[len(parent) + 1 :]: each for each in known if each.rpartition(".")[0] == parent} if parent else {}
    if name == "sparsity" and "schedule" in beside:
        return f"unknown key {key}: did you mean {beside['schedule']}.init_args.final, the sparsity at the end?"
    close = [beside[each] for each in get_close_matches(name, beside, n=1)]
    if close := longer or close or ([] if beside else get_close_matches(key, known, n=1, cutoff=0.75)):
        return f"unknown key {key}: did you mean {close[0]}?"
    return f"unknown key {key}: {HELP}"


def _name(option: str) -> str:
    """Return the longest name of an option, without dashes."""
    return max(option.split("/"), key=len).removeprefix("--")


def _type(text: str) -> str:
    if found := re.fullmatch(r"typing\.Literal\[(.*)\]", text):
        return f"one of {found[1]}"
    name = found[1] if (found := re.fullmatch(r"<class '(.+)'>", text)) else text
    return _TYPES.get(name.partition("[")[0], name)


def _repeated(message: str) -> str:
    """Return the value in a message without a `Given value` line."""
    found = re.search(r"(?:Got value: |string: |Import path |config ['\"])([^\n'\"]*?)['\"]?(?: does not.*)?$", message)
    return found[1] if found else "another"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


# ---- configuration files ---------------------------------------------------------------------------------------------


def with_config_files(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the files of `--config`, checked before the parser reads them: it may not end for some.

    Raises:
        UserError: A file does not exist, is too large, is not a yaml mapping of plain values in UTF-8, or is recursive.
    """
    found = list(arguments)
    for number, each in enumerate(arguments):
        name, equals, value = each.partition("=")
        if name in ("--config", "-c") and (equals or number + 1 < len(arguments)):
            value = value if equals else arguments[number + 1]
            if not value.startswith("{"):  # not an inline mapping
                _check_config(path := find_config(value))
                found[number if equals else number + 1] = f"{name}={path}" if equals else str(path)
    return found


def _check_config(path: Path) -> None:
    from lit_prune.limits import parse_yaml, read_bounded  # not above: the help needs no libraries

    if not path.is_file():
        return  # a pipe can be read only once
    try:
        content = parse_yaml(read_bounded(path), path)
    except (OSError, UserError) as error:
        reason = _short(str(error.__cause__ or error).removeprefix(f"{path} "))
        raise UserError(f"--config must be yaml of plain values in UTF-8, got {path}: {reason}") from error
    if content is not None and not isinstance(content, dict):
        raise UserError(f"--config must contain a mapping, got {_short(repr(content))} in {path}: name keys and values")
