"""The definition of a study in yaml: kinds of runs, axes, and the runs that others start from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lit_prune.errors import UserError
from lit_prune.limits import parse_yaml
from lit_prune.names import MAX_LENGTH, check_name
from lit_prune.shipped import find_config

KIND = "run"  # the axis of kinds, if a study has several
SEED, DATA_SEED = "seed_everything", "data.perturbation.seed"
SEEDS = (SEED, DATA_SEED)  # settings that an axis named seed may set
RESERVED = ("config", "resume", "ckpt_path", "experiment", "axes", "trainer.default_root_dir", "trainer.logger")


@dataclass(frozen=True)
class Tuning:
    """A tuned axis: some runs of a kind try all its values, the remaining runs use the best one.

    Args:
        axis: The tuned axis.
        where: The values of further axes at which all values are tried.
    """

    axis: str
    where: Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Kind:
    """A kind of runs.

    Args:
        arguments: Arguments of `lit_prune fit` that its runs share.
        axes: Names of its axes, in the order of a run's name, those in `inherited` first.
        start_from: The kind of the runs that its runs start from; they have equal values on their common axes.
        where: Restricts an axis to some of its values; fixes an axis that only the kind in `start_from` has.
        tune: The tuned axis.
        inherited: Axes that only the kind in `start_from` has and along which the runs vary: they start from different
            runs, and have no settings of these axes themselves.
    """

    arguments: tuple[str, ...]
    axes: tuple[str, ...]
    start_from: str | None
    where: Mapping[str, tuple[Any, ...]]
    tune: Tuning | None = None
    inherited: tuple[str, ...] = ()

    @property
    def own(self) -> list[str]:
        """The axes that are not inherited, whose values have settings of its runs."""
        return [axis for axis in self.axes if axis not in self.inherited]


@dataclass(frozen=True)
class Study:
    """A checked study.

    Args:
        title: Title.
        kinds: Kinds of runs by name, each after the kind that it starts from.
        axes: The values of each axis, with their arguments of `lit_prune fit`.
        cost: Expected seconds of a run, by kind.
        source: Content of the yaml.
    """

    title: str
    kinds: Mapping[str, Kind]
    axes: Mapping[str, Mapping[Any, tuple[str, ...]]]
    cost: Mapping[str, float]
    source: Mapping[str, Any]


def read_study(path: Path) -> Study:
    """Read a study from a yaml.

    Raises:
        UserError: The file does not exist, cannot be parsed, or is not a valid study.
    """
    if not path.is_file():
        raise UserError(f"the yaml of a study must exist, got {path}: check the path")
    source = parse_yaml(path.read_bytes(), path)
    try:
        return make_study(source)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def make_study(source: Any) -> Study:
    """Check the content of a study's yaml.

    Raises:
        UserError: A key is unknown or missing, a value is invalid, or kinds start from each other in a circle.
    """
    keys = ("title", "runs", "axes", "settings", "report", "cost", "budget")
    content = _mapping(source, "a study", keys, required=("title", "runs", "axes"))
    _mapping(content.get("report"), "report")
    common = _settings(content.get("settings"), "settings")
    axes = {str(name): _axis(str(name), axis) for name, axis in _mapping(content["axes"], "axes").items()}
    kinds = {str(name): _kind(str(name), kind, common) for name, kind in _mapping(content["runs"], "runs").items()}
    if not kinds:
        raise UserError("runs must have a kind of runs, got none: add one")
    _check_axes(kinds, axes)
    cost = _mapping(content.get("cost"), "cost", tuple(kinds))
    for name, seconds in cost.items():
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
            raise UserError(f"cost.{name} must be the seconds of a run, got {seconds!r}: use a number")
    ordered = {name: kinds[name] for name in sorted(kinds, key=lambda name: _depth(name, kinds))}
    return Study(str(content["title"]), ordered, axes, cost, content)


def text(value: Any) -> str:
    """Return a value as text for names and the command line: 0.7, 2, true, poe."""
    return value if isinstance(value, str) else json.dumps(value)


def _mapping(
    value: Any, where: str, keys: tuple[str, ...] | None = None, required: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """Check that a value is a mapping with valid keys; None is an empty mapping."""
    if value is None:
        value = {}
    if not isinstance(value, Mapping):
        raise UserError(f"{where} must be a mapping, got {value!r}: name keys and values")
    for key in value:
        if keys is not None and key not in keys:
            raise UserError(f"unknown key {key!r} of {where}: choose from {', '.join(keys)}")
    for key in required:
        if key not in value:
            raise UserError(f"{where} must have {key!r}, got none: add it")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise UserError(f"{where} must be a list, got {value!r}: write [a, b]")
    return value


def _configs(value: Any, where: str) -> tuple[str, ...]:
    listed = _list([] if value is None else value, f"{where}.configs")
    try:
        return tuple(f"--config={find_config(str(each), 'a config')}" for each in listed)
    except UserError as error:
        raise UserError(f"{where}.configs: {error}") from error


def _settings(value: Any, where: str) -> tuple[str, ...]:
    """Return settings by dotted names as arguments."""
    settings = _mapping(value, where)
    for key in settings:
        if any(str(key) == name or str(key).startswith(f"{name}.") for name in RESERVED):
            raise UserError(f"{where} must not have {key!r}, which the study sets itself: leave it out")
    return tuple(f"--{key}={text(each)}" for key, each in settings.items())


def _overlay(content: Mapping[str, Any], where: str) -> tuple[str, ...]:
    return (*_configs(content.get("configs"), where), *_settings(content.get("settings"), f"{where}.settings"))


def _axis(name: str, content: Any) -> Mapping[Any, tuple[str, ...]]:
    where = f"axes.{name}"
    if name == KIND:
        raise UserError(f"the name of an axis must not be {KIND!r}, the axis of kinds, got {where}: rename it")
    check_name("the name of an axis", name)
    values = _mapping(content, where)
    if "setting" in values or "values" in values:
        _mapping(content, where, ("setting", "values"), required=("setting", "values"))
        listed = _list(content["values"], f"{where}.values")
        pairs = [(value, _settings({content["setting"]: value}, where)) for value in listed]
    else:
        pairs = []
        for value, overlay in values.items():
            place = f"{where}.{text(value)}"
            pairs.append((value, _overlay(_mapping(overlay, place, ("configs", "settings")), place)))
    if not pairs:
        raise UserError(f"{where} must have a value, got none: add some")
    names = [_check_value(value, where) for value, _ in pairs]
    for value in names:
        if names.count(value) > 1:
            raise UserError(f"{where} must have different values, got {value} twice: two runs would have one name")
    for value, arguments in pairs if name == "seed" else ():  # run.json has the run's seed under this name
        if not {f"--{setting}={text(value)}" for setting in SEEDS} & {*arguments}:
            raise UserError(f"{where} must set {' or '.join(SEEDS)} to each value, got {value!r}: rename the axis")
    if len(axis := dict(pairs)) < len(pairs):
        raise UserError(f"{where} must have different values, got equal ones among {', '.join(names)}: remove them")
    return axis


def _check_value(value: Any, where: str) -> str:
    """Check that a value can be part of a folder's name, and return its text."""
    if not isinstance(value, str | int | float):
        raise UserError(f"{where} must have texts or numbers as values, got {value!r}: name the value")
    name = text(value)
    if name.split() != [name] or name.startswith(".") or not name.isprintable() or {*"/\\=,"} & {*name}:
        raise UserError(f"{where} must have values for a folder's name, got {name!r}: name the value")
    if len(name.encode()) > MAX_LENGTH:
        raise UserError(f"{where} must have values of at most {MAX_LENGTH} bytes, got {name[:40]!r}...: shorten it")
    return name


def _kind(name: str, content: Any, common: tuple[str, ...]) -> Kind:
    where = f"runs.{name}"
    check_name("the name of a kind of runs", name)
    keys = ("configs", "settings", "axes", "start_from", "where", "tune")
    kind = _mapping(content, where, keys, required=("configs",))
    configs, settings = _configs(kind["configs"], where), _settings(kind.get("settings"), f"{where}.settings")
    if not configs:
        raise UserError(f"{where}.configs must have a file, got none: name the configuration of the runs")
    axes = tuple(str(axis) for axis in _list(kind.get("axes", []), f"{where}.axes"))
    tune = None if kind.get("tune") is None else _tuning(kind["tune"], f"{where}.tune")
    restriction = _restriction(kind.get("where"), f"{where}.where")
    inherited = tuple(axis for axis, values in restriction.items() if axis not in axes and len(values) > 1)
    arguments = (*configs, *common, *settings)
    return Kind(arguments, (*inherited, *axes), kind.get("start_from"), restriction, tune, inherited)


def _restriction(content: Any, where: str) -> Mapping[str, tuple[Any, ...]]:
    return {str(axis): tuple(_list(values, f"{where}.{axis}")) for axis, values in _mapping(content, where).items()}


def _tuning(content: Any, where: str) -> Tuning:
    tune = _mapping(content, where, ("axis", "where"), required=("axis", "where"))
    return Tuning(str(tune["axis"]), _restriction(tune["where"], f"{where}.where"))


def _check_axes(kinds: Mapping[str, Kind], axes: Mapping[str, Any]) -> None:
    for name, kind in kinds.items():
        for axis in kind.own:
            if axis not in axes:
                raise UserError(f"unknown axis {axis!r} in runs.{name}.axes: choose from {', '.join(axes)}")
            if kind.axes.count(axis) > 1:
                raise UserError(f"runs.{name}.axes must be different, got {axis!r} twice: remove one")
        ancestor_axes = kinds[start].axes if (start := kind.start_from) is not None and start in kinds else ()
        _check_where(name, kind, ancestor_axes, axes)
        _check_tuning(name, kind, axes)
        if kind.start_from is None:
            continue
        if kind.start_from not in kinds:
            raise UserError(f"unknown runs.{name}.start_from {kind.start_from!r}: choose from {', '.join(kinds)}")
        if further := [axis for axis in ancestor_axes if axis not in {*kind.axes, *kind.where}]:
            raise UserError(
                f"runs.{name}.axes must have all axes of {kind.start_from!r}, got no {further[0]!r}: add it, or one "
                f"value of it to runs.{name}.where"
            )
    for axis in axes:
        if f"axis_{axis}" in axes:
            raise UserError(f"axes must not have both {axis!r} and 'axis_{axis}', a column of the results: rename one")
        if not any(axis in kind.axes for kind in kinds.values()):
            raise UserError(f"axes.{axis} must be an axis of some runs, got none: add it to runs.*.axes, or remove it")


def _check_where(name: str, kind: Kind, ancestor_axes: tuple[str, ...], axes: Mapping[str, Mapping[Any, Any]]) -> None:
    for axis, values in kind.where.items():
        where = f"runs.{name}.where.{axis}"
        known = dict.fromkeys((*kind.own, *ancestor_axes))
        if axis not in known:
            raise UserError(f"unknown axis in {where}: choose from {', '.join(known)}")
        for value in values:
            if value not in axes[axis]:
                raise UserError(f"unknown value {value!r} in {where}: choose from {', '.join(map(text, axes[axis]))}")
        if not values or len({*values}) < len(values):
            raise UserError(f"{where} must have one or more different values, got {list(values)}: correct the list")


def _check_tuning(name: str, kind: Kind, axes: Mapping[str, Mapping[Any, Any]]) -> None:
    if kind.tune is None:
        return
    where = f"runs.{name}.tune"
    if kind.tune.axis not in kind.own:
        raise UserError(f"unknown {where}.axis {kind.tune.axis!r}: choose from {', '.join(kind.own)}")
    further = [axis for axis in kind.axes if axis != kind.tune.axis]
    if not kind.tune.where:
        raise UserError(f"{where}.where must name values of a further axis, got none: write {{seed: [1]}}, say")
    for axis, values in kind.tune.where.items():
        if axis not in further:
            raise UserError(f"unknown axis {axis!r} in {where}.where: choose from {', '.join(further)}")
        known = kind.where.get(axis, axes[axis])
        if not values or any(value not in known for value in values):
            raise UserError(
                f"{where}.where.{axis} must be among {', '.join(map(text, known))}, got {list(values)}: correct it"
            )


def _depth(name: str, kinds: Mapping[str, Kind]) -> int:
    """Return the depth of a run kind in the dependency graph."""
    chain = [name]
    while (ancestor := kinds[chain[-1]].start_from) is not None:
        chain.append(ancestor)
        if ancestor in chain[:-1]:
            raise UserError(f"runs must not start from each other, got {' starts from '.join(chain)}: remove one")
    return len(chain) - 1
