"""Tables of the reference, made from the code when the site is built, so that they cannot differ from it.

A line `<!-- from the code: KIND ARGUMENTS -->` of a page becomes a table; `TABLES` has the kinds.
"""

import argparse
import inspect
import re
import types
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from unittest import mock

import docstring_parser
from lightning.pytorch import Trainer

from lit_prune.cli import main
from lit_prune.fitting.parser import TRAINER_DEFAULTS
from lit_prune.fitting.settings import CHECKS
from lit_prune.paradigms.checks import CHANGE_THE_RUN
from lit_prune.shipped import shipped_configs, summary

_MARK = re.compile(r"^<!-- from the code: (\w+) ?(.*?) -->$", re.MULTILINE)
_CODE = re.compile(r"(`[^`]*`)")
# Keys of a configuration, which have tables of their own.
_SECTIONS = ("seed_everything", "experiment", "axes", "chosen_precision", "trainer", "model", "data", "encoder")
_LINKED = {"encoder", "tasks", "tokenizer", "word_embeddings"}  # settings that the command line fills in
_ROOM_OF_PUBLIC = ".public"  # module with the public names of a package that imports them lazily


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with its tables in place; called by mkdocs."""
    return _MARK.sub(lambda found: TABLES[found[1]](*found[2].split()), markdown)


def command(*names: str) -> str:
    """Return the arguments of a command."""
    separate = _SECTIONS if names == ("fit",) else ()
    return _table("Argument", _arguments(_parser(names), separate))


def settings(path: str, *without: str) -> str:
    """Return the settings of a class, except for some."""
    return _settings(_find(path), {*without})


def kinds(room: str, path: str, level: str = "4") -> str:
    """Return a section for each subclass of a class that a module makes public: its summary and its settings."""
    module = import_module(room)
    base = _find(path)
    public = getattr(module, "__all__", None) or [
        name for name, each in vars(module).items() if getattr(each, "__module__", "") == room
    ]
    named = {name: getattr(module, name) for name in public if not name.startswith("_")}
    package = room.removesuffix(_ROOM_OF_PUBLIC)
    sections = (
        f"{'#' * int(level)} {name}\n\n`{package}.{name}`\n\n{_summary(each)}\n\n{_settings(each, _LINKED)}"
        for name, each in named.items()
        if inspect.isclass(each) and issubclass(each, base) and not inspect.isabstract(each)
    )
    return "\n\n".join(sections)


def trainer(which: str) -> str:
    """Return settings of Lightning's Trainer.

    Args:
        which: Those with one valid value (`fixed`), with several (`checked`), the `others`, or rejected `callbacks`.
    """
    if which == "callbacks":
        return ", ".join(f"`{each.__name__}`" for each in CHANGE_THE_RUN)
    if which == "others":
        others = set(inspect.signature(Trainer.__init__).parameters) - {"self", *CHECKS}
        return ", ".join(f"`{name}`" for name in sorted(others))
    is_fixed = {name: len(check.constraint.split()) == 1 for name, check in CHECKS.items()}
    if which == "fixed":
        return _table(
            "Setting",
            [
                (f"`{name}`", f"`{CHECKS[name].constraint}`: {CHECKS[name].remedy}.")
                for name in CHECKS
                if is_fixed[name]
            ],
        )
    return _table(
        "Setting",
        [
            (f"`{name}`{_default(TRAINER_DEFAULTS.get(name))}", _sentence(CHECKS[name].constraint))
            for name in CHECKS
            if not is_fixed[name]
        ],
    )


def configs(folder: str = "") -> str:
    """Return the shipped configurations of a folder of `configs/`; without one, those at its top."""
    shipped = {name: path for name, path in shipped_configs().items() if name.rpartition("/")[0] == folder}
    rows = [(f"`{name.rpartition('/')[2]}`", _plain(summary(path))) for name, path in shipped.items()]
    return _table("Name", rows)


TABLES = {"command": command, "settings": settings, "kinds": kinds, "trainer": trainer, "configs": configs}


def _parser(names: tuple[str, ...]) -> argparse.ArgumentParser:
    """Return the parser of a command: the one that prints its help."""
    found: list[argparse.ArgumentParser] = []
    keep = mock.patch.object(argparse.ArgumentParser, "print_help", lambda parser, file=None: found.append(parser))
    with keep, suppress(SystemExit):
        main([*names, "--help"])
    return found[0]


def _arguments(parser: argparse.ArgumentParser, separate: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        names = action.option_strings or [str(action.metavar or action.dest)]
        is_hidden = action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction)
        if is_hidden or action.dest.split(".")[0] in separate or type(action).__name__ == "_ActionConfigLoad":
            continue
        hint = getattr(action, "_typehint", None) or action.type
        is_required = action.required or not (action.option_strings or action.nargs == "?")
        help_ = (action.help or "").replace("%(default)s", str(action.default))
        yield f"`{names[-1].removesuffix('+')}`{_kind(hint, is_required, action.default)}", _plain(_sentence(help_))


def _settings(kind: type, without: set[str]) -> str:
    """Return the settings of a class as a table; nothing if it has none."""
    hints = get_type_hints(kind.__init__)
    meanings = {
        each.arg_name: each.description or ""
        for ancestor in reversed(kind.__mro__)
        for each in docstring_parser.parse(ancestor.__doc__ or "").params
    }
    rows = [
        (f"`{name}`{_kind(hints.get(name), each.default is each.empty, each.default)}", _plain(meanings.get(name, "")))
        for name, each in inspect.signature(kind).parameters.items()
        if name not in without and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    return _table("Setting", rows) if rows else ""


def _kind(hint: Any, is_required: bool, default: Any) -> str:
    """Return the type of an argument and its default, on a line of their own."""
    if is_required:
        return f"<br>{_type_name(hint)}, required" if hint else "<br>required"
    shown = _default(default)
    return f"<br>{_type_name(hint)}{shown.replace('<br>', ', ')}" if hint else shown


def _default(value: Any) -> str:
    if value in (None, "", argparse.SUPPRESS) or not isinstance(value, str | int | float):
        return ""
    return f"<br>default `{str(value).lower() if isinstance(value, bool) else value}`"


def _type_name(hint: Any) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(each) for each in arguments if each is not type(None))
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if arguments and getattr(origin, "__name__", "") != "Callable":
        return f"{_type_name(origin)}[{', '.join(map(_type_name, arguments))}]"
    name: str = getattr(origin or hint, "__name__", str(hint))
    return name


def _summary(kind: type) -> str:
    """Return the first paragraph of a docstring."""
    return inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0]


def _sentence(text: str) -> str:
    """Return a text with a full stop."""
    return text if text.endswith((".", ")")) else f"{text}."


def _find(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def _plain(text: str) -> str:
    """Return a text as one cell of a table: no line break, no HTML and no column mark outside of code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;").replace("|", r"\|") for part in parts)


def _table(title: str, rows: Any) -> str:
    lines = "\n".join(f"| {name} | {meaning} |" for name, meaning in rows)
    return f"| {title} | Meaning |\n|---|---|\n{lines}"
