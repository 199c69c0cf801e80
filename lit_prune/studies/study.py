"""A study as its yaml says: kinds of runs, the axes they vary along, and what starts from what."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.limits import parse_yaml
from lit_prune.names import MAX_LENGTH, check_name
from lit_prune.shipped import find_config

KIND = "run"  # the axis that kinds of runs are values of, where there are several
SEED, DATA_SEED = "seed_everything", "data.perturbation.seed"
SEEDS = (SEED, DATA_SEED)  # what an axis called seed may be: the run's, or that of what its training set lacks
RESERVED = ("config", "resume", "ckpt_path", "experiment", "axes", "trainer.default_root_dir", "trainer.logger")


@dataclass(frozen=True)
class Tuning:
    """An axis whose values are tried by some runs of a kind; its others have the value that did best with these.

    Args:
        axis: The axis.
        where: The values of other axes that are tried with all of its values.
    """

    axis: str
    where: Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Kind:
    """One kind of runs.

    Args:
        arguments: What it says to `lit_prune fit`, but for its axes.
        axes: Names of the axes that it varies along, in the order in which a run's name has them.
        start_from: The kind whose runs it starts from; those have the same values on all of their axes.
        where: The values of an axis that it has, where it has not all of them; of an axis that only the kind has which
            it starts from, the one value there.
        tune: What is tried by some of its runs alone.
    """

    arguments: tuple[str, ...]
    axes: tuple[str, ...]
    start_from: str | None
    where: Mapping[str, tuple[Any, ...]]
    tune: Tuning | None = None


@dataclass(frozen=True)
class Study:
    """A study, checked.

    Args:
        title: Its title.
        kinds: The kinds of runs by name, each after the one that it starts from.
        axes: Each axis as its values, and what a value says to `lit_prune fit`.
        cost: Expected seconds of a run, by kind.
        source: The yaml's content.
    """

    title: str
    kinds: Mapping[str, Kind]
    axes: Mapping[str, Mapping[Any, tuple[str, ...]]]
    cost: Mapping[str, float]
    source: Mapping[str, Any]


def read_study(path: Path) -> Study:
    """Read a study's yaml.

    Raises:
        UserError: it is not there, not yaml, or does not say a study.
    """
    if not path.is_file():
        raise UserError(f"there is no study {path}")
    source = parse_yaml(path.read_bytes(), path)
    try:
        return make_study(source)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def make_study(source: Any) -> Study:
    """Check what a yaml says.

    Raises:
        UserError: a key is unknown or missing, a name means nothing, an axis is empty, or kinds go in a circle.
    """
    keys = ("title", "runs", "axes", "settings", "report", "cost")
    said = _mapping(source, "a study", keys, needed=("title", "runs", "axes"))
    _mapping(said.get("report"), "report")
    common = _settings(said.get("settings"), "settings")
    axes = {str(name): _axis(str(name), axis) for name, axis in _mapping(said["axes"], "axes").items()}
    kinds = {str(name): _kind(str(name), kind, common) for name, kind in _mapping(said["runs"], "runs").items()}
    if not kinds:
        raise UserError("runs is empty: name at least one kind of runs")
    _check_axes(kinds, axes)
    cost = _mapping(said.get("cost"), "cost", tuple(kinds))
    for name, seconds in cost.items():
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise UserError(f"cost.{name} is {seconds!r}: needed are the seconds that a run takes")
    ordered = {name: kinds[name] for name in sorted(kinds, key=lambda name: _depth(name, kinds))}
    return Study(str(said["title"]), ordered, axes, cost, said)


def text(value: Any) -> str:
    """A value as names and the command line have it: 0.7, 2, true, poe."""
    return value if isinstance(value, str) else json.dumps(value)


def _mapping(
    value: Any, where: str, keys: tuple[str, ...] | None = None, needed: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """The value as a mapping, None: an empty one; only with these keys, where they are given."""
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise UserError(f"{where} is {value!r}: needed is a mapping")
    for key in value:
        if keys is not None and key not in keys:
            raise UserError(f"{where} has an unknown key {key!r}: use {', '.join(keys)}")
    for key in needed:
        if key not in value:
            raise UserError(f"{where} has no {key!r}: add it")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UserError(f"{where} is {value!r}: needed is a list")
    return value


def _configs(value: Any, where: str) -> tuple[str, ...]:
    listed = _list([] if value is None else value, f"{where}.configs")
    try:
        return tuple(f"--config={find_config(str(each), 'a config')}" for each in listed)
    except UserError as error:
        raise UserError(f"{where}.configs: {error}") from error


def _settings(value: Any, where: str) -> tuple[str, ...]:
    """Settings by their dotted names, as arguments."""
    settings = _mapping(value, where)
    for key in settings:
        if any(str(key) == name or str(key).startswith(f"{name}.") for name in RESERVED):
            raise UserError(f"{where} has {key!r}, which a study says itself: leave it out")
    return tuple(f"--{key}={text(each)}" for key, each in settings.items())


def _overlay(said: Mapping[str, Any], where: str) -> tuple[str, ...]:
    return (*_configs(said.get("configs"), where), *_settings(said.get("settings"), f"{where}.settings"))


def _axis(name: str, said: Any) -> Mapping[Any, tuple[str, ...]]:
    where = f"axes.{name}"
    if name == KIND:
        raise UserError(f"{where}: {KIND!r} is what kinds of runs are told apart by: give the axis another name")
    check_name("the name of an axis", name)
    values = _mapping(said, where)
    if "setting" in values or "values" in values:
        _mapping(said, where, ("setting", "values"), needed=("setting", "values"))
        pairs = [
            (value, _settings({said["setting"]: value}, where)) for value in _list(said["values"], f"{where}.values")
        ]
    else:
        pairs = []
        for value, overlay in values.items():
            what = f"{where}.{text(value)}"
            pairs.append((value, _overlay(_mapping(overlay, what, ("configs", "settings")), what)))
    if not pairs:
        raise UserError(f"{where} has no values: the grid is empty")
    names = [_check_name(value, where) for value, _ in pairs]
    for value in names:
        if names.count(value) > 1:
            raise UserError(f"{where} has the value {value} twice: two runs would have one name")
    for value, arguments in pairs if name == "seed" else ():  # run.json has the run's seed under this name
        if not {f"--{setting}={text(value)}" for setting in SEEDS} & {*arguments}:
            raise UserError(f"{where} must set {' or '.join(SEEDS)} to each value, got {value!r}: give it another name")
    if len(axis := dict(pairs)) < len(pairs):
        raise UserError(f"{where} has equal values among {', '.join(names)}: each run is to be there once")
    return axis


def _check_name(value: Any, where: str) -> str:
    """The value's text, which is a part of a folder's name."""
    if not isinstance(value, str | int | float):
        raise UserError(f"{where} has the value {value!r}: needed is a text or a number; name it, with its settings")
    name = text(value)
    if name.split() != [name] or name.startswith(".") or not name.isprintable() or {*"/\\=,"} & {*name}:
        raise UserError(f"{where} has {name!r}, which cannot be part of a folder's name: name it, with its settings")
    if len(name.encode()) > MAX_LENGTH:
        raise UserError(f"{where} must have values of at most {MAX_LENGTH} bytes, got {name[:40]!r}...: shorten it")
    return name


def _kind(name: str, said: Any, common: tuple[str, ...]) -> Kind:
    where = f"runs.{name}"
    check_name("the name of a kind of runs", name)
    keys = ("configs", "settings", "axes", "start_from", "where", "tune")
    kind = _mapping(said, where, keys, needed=("configs",))
    configs, settings = _configs(kind["configs"], where), _settings(kind.get("settings"), f"{where}.settings")
    if not configs:
        raise UserError(f"{where}.configs is empty: name the configuration that its runs are made of")
    axes = tuple(str(axis) for axis in _list(kind.get("axes", []), f"{where}.axes"))
    tune = None if kind.get("tune") is None else _tuning(kind["tune"], f"{where}.tune")
    chosen = _chosen(kind.get("where"), f"{where}.where")
    return Kind((*configs, *common, *settings), axes, kind.get("start_from"), chosen, tune)


def _chosen(said: Any, where: str) -> Mapping[str, tuple[Any, ...]]:
    return {str(axis): tuple(_list(values, f"{where}.{axis}")) for axis, values in _mapping(said, where).items()}


def _tuning(said: Any, where: str) -> Tuning:
    tune = _mapping(said, where, ("axis", "where"), needed=("axis", "where"))
    return Tuning(str(tune["axis"]), _chosen(tune["where"], f"{where}.where"))


def _check_axes(kinds: Mapping[str, Kind], axes: Mapping[str, Any]) -> None:
    for name, kind in kinds.items():
        for axis in kind.axes:
            if axis not in axes:
                raise UserError(f"runs.{name}.axes names {axis!r}: there is {', '.join(axes) or 'no axis'}")
            if kind.axes.count(axis) > 1:
                raise UserError(f"runs.{name}.axes names {axis!r} twice: two runs would have one name")
        before = kinds[start].axes if (start := kind.start_from) is not None and start in kinds else ()
        _check_where(name, kind, before, axes)
        _check_tuning(name, kind, axes)
        if kind.start_from is None:
            continue
        if kind.start_from not in kinds:
            raise UserError(f"runs.{name}.start_from is {kind.start_from!r}: there is {', '.join(kinds)}")
        if further := [axis for axis in before if axis not in {*kind.axes, *kind.where}]:
            raise UserError(
                f"runs.{name}.start_from is {kind.start_from!r}, which has the axis {further[0]!r} and {name!r} has "
                f"not: add it to runs.{name}.axes, or one value of it to runs.{name}.where"
            )
    for axis in axes:
        if f"axis_{axis}" in axes:
            raise UserError(f"axes has both {axis!r} and 'axis_{axis}', which tables may call alike: rename one")
        if not any(axis in kind.axes for kind in kinds.values()):
            raise UserError(f"axes.{axis} is used by no runs: add it to the axes of some, or drop it")


def _check_where(name: str, kind: Kind, before: tuple[str, ...], axes: Mapping[str, Mapping[Any, Any]]) -> None:
    for axis, values in kind.where.items():
        where = f"runs.{name}.where.{axis}"
        if axis not in (*kind.axes, *before):
            raise UserError(f"{where}: there is {', '.join(dict.fromkeys((*kind.axes, *before)))}")
        for value in values:
            if value not in axes[axis]:
                raise UserError(f"{where} has {value!r}: the axis has {', '.join(map(text, axes[axis]))}")
        if not values or (axis not in kind.axes and len(values) > 1):
            own = (
                "one value or more" if axis in kind.axes else f"one value, that of the {kind.start_from} to start from"
            )
            raise UserError(f"{where} is {list(values)}: needed is {own}")


def _check_tuning(name: str, kind: Kind, axes: Mapping[str, Mapping[Any, Any]]) -> None:
    if kind.tune is None:
        return
    where = f"runs.{name}.tune"
    if kind.tune.axis not in kind.axes:
        raise UserError(f"{where}.axis is {kind.tune.axis!r}: {name!r} has {', '.join(kind.axes) or 'no axis'}")
    others = [axis for axis in kind.axes if axis != kind.tune.axis]
    if not kind.tune.where:
        raise UserError(f"{where}.where is empty: name the values of another axis, as {{seed: [1]}}, that are tried")
    for axis, values in kind.tune.where.items():
        if axis not in others:
            raise UserError(f"{where}.where has {axis!r}: there is {', '.join(others) or 'no other axis'}")
        own = kind.where.get(axis, axes[axis])
        if not values or any(value not in own for value in values):
            raise UserError(f"{where}.where.{axis} is {list(values)}: needed are some of {', '.join(map(text, own))}")


def _depth(name: str, kinds: Mapping[str, Kind]) -> int:
    """How many kinds a kind builds on."""
    chain = [name]
    while (before := kinds[chain[-1]].start_from) is not None:
        chain.append(before)
        if before in chain[:-1]:
            raise UserError(f"runs go in a circle: {' starts from '.join(chain)}")
    return len(chain) - 1
