"""All runs of a study and their metrics, as one tidy table."""

import json
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from lit_prune.errors import UserError
from lit_prune.files import read_json, write_atomically
from lit_prune.limits import bounded_text
from lit_prune.report.experiments import add_experiments
from lit_prune.report.rounds import split_rounds
from lit_prune.report.run import SKIPPED, Run, Value, read_run
from lit_prune.report.versions import add_versions
from lit_prune.runs.outcome import DAMAGED
from lit_prune.runs.recorded import is_number

Floats = NDArray[np.float64]
_RUN_COLUMNS = ("name", "status", "config_hash", "commit", "lit_prune")


class Key(NamedTuple):
    """The identity of a number of a run.

    Attributes:
        model: `result`, `dense`, `dense_shifted`, `bias`, `teacher` or `constant`.
        task: Task, empty for numbers without a split.
        split: Split, `train` for bias model and teacher, empty for numbers such as `sparsity`.
        metric: Metric.
    """

    model: str
    task: str
    split: str
    metric: str

    @classmethod
    def of(cls, model: str, name: str) -> "Key":
        """Return the key of a number of a model.

        Raises:
            UserError: The name is not a metric's name.
        """
        *place, metric = name.split("/")
        if len(place) not in (0, 2):
            raise UserError(f"a metric must be named <task>/<split>/<metric>, got {name!r}: correct it in study.yaml")
        task, split = place or ("", "")
        return cls(model, task, split, metric)

    @property
    def name(self) -> str:
        """`<task>/<split>/<metric>`, without the model."""
        return "/".join(part for part in self[1:] if part)


@dataclass(frozen=True)
class Results:
    """Runs in the order of their axes, and their numbers.

    Attributes:
        axes: Names of the axes, in the study's order.
        runs: The runs.
        keys: Keys of the columns of `values`.
        values: (runs, keys), NaN if a run does not have the number.
    """

    axes: tuple[str, ...]
    runs: tuple[Run, ...]
    keys: tuple[Key, ...]
    values: Floats

    def column(self, model: str, name: str) -> Floats:
        """Return a number of a model for every run (runs,), NaN if a run does not have it.

        Args:
            model: The model.
            name: `<task>/<split>/<metric>`, or the name of a number without a split.
        """
        place = self._places.get((model, name))
        return np.full(len(self.runs), np.nan) if place is None else self.values[:, place]

    @property
    def numbers(self) -> set[str]:
        """Names of numbers without a split, such as `parameter_density`."""
        return {key.metric for key in self.keys if not key.split and key.model == "result"}

    @cached_property
    def _places(self) -> dict[tuple[str, str], int]:
        return {(key.model, key.name): number for number, key in enumerate(self.keys)}


def read_results(folder: Path) -> Results:
    """Read all runs of a study.

    Args:
        folder: The study's folder. Its `runs.json` lists the runs, from which skipped ones are left out; without it,
            every subfolder with a `run.json` is a run; without `study.yaml` too, see `add_experiments`. Runs with
            equal axes get a further axis `name`.

    Raises:
        UserError: The folder does not exist or contains no run.
    """
    if not folder.is_dir():
        raise UserError(
            f"the folder of a report must exist, got {folder}: give a study's folder, or one with runs in it"
        )
    listed = [planned for planned in _list_runs(folder) if planned.get("status") != SKIPPED]
    read = [each for planned in listed for each in split_rounds(*read_run(folder, planned))]
    if not read:
        raise UserError(f"{folder} must contain folders of runs, got none: a run's folder has a run.json")
    runs = [run for run, _ in read]
    has_study = any((folder / name).is_file() for name in ("runs.json", "study.yaml"))
    runs = _unify_axes(add_versions(runs if has_study else add_experiments(runs)))
    if num_old := len({run.folder for run in runs if run.is_old}):
        warnings.warn(f"runs that version 0.1.0 wrote in {folder}: {num_old}", stacklevel=2)
    axes = tuple(dict.fromkeys(axis for run in sorted(runs, key=lambda run: -len(run.axes)) for axis in run.axes))
    runs = [replace(run, axes={axis: run.axes[axis] for axis in axes if axis in run.axes}) for run in runs]
    order = sorted(range(len(runs)), key=lambda number: _sort_key(runs[number], axes))
    names = sorted({name for _, metrics in read for name in metrics}, key=_key)
    columns = {name: number for number, name in enumerate(names)}
    values = np.full((len(runs), len(names)), np.nan)
    for row, number in enumerate(order):
        metrics = read[number][1]
        values[row, [columns[name] for name in metrics]] = list(metrics.values())
    return Results(axes, tuple(runs[number] for number in order), tuple(map(_key, names)), values)


def write_results(results: Results, folder: Path) -> None:
    """Write `results.parquet` and `results.csv`: a row per run, model, task, split and metric.

    Columns: `name`, `status`, `config_hash`, `commit`, `lit_prune` of the run, its axes, `model`, `task`, `split`,
    `metric`, `value`. A run without metrics has one row without a value. An axis with the name of another column
    becomes `axis_<name>`. The files depend on the runs alone.
    """
    table = tidy(results)
    write_atomically(folder / "results.parquet", lambda path: pa.parquet.write_table(table, path))
    plain = pa.schema(
        pa.field(each.name, each.type.value_type if pa.types.is_dictionary(each.type) else each.type)
        for each in table.schema
    )

    def write_csv(path: Path) -> None:
        with pa.csv.CSVWriter(path, plain, write_options=pa.csv.WriteOptions(quoting_style="needed")) as writer:
            for batch in table.to_batches(max_chunksize=100_000):
                writer.write_batch(batch.cast(plain))

    write_atomically(folder / "results.csv", write_csv)


def tidy(results: Results) -> pa.Table:
    """Return the results as the table that `write_results` writes."""
    filled = ~np.isnan(results.values)
    empty = np.flatnonzero(~filled.any(axis=1))
    run, key = (places.astype(np.int32) for places in filled.nonzero())
    place = np.searchsorted(run, empty)
    run, key = np.insert(run, place, empty), np.insert(key, place, -1)
    number = np.insert(results.values[filled], place, np.nan)
    columns = {name: _spread([getattr(each, name) for each in results.runs], run) for name in _RUN_COLUMNS}
    for axis in results.axes:
        if axis != "name":  # already a column
            columns[axis] = _spread([each.axes.get(axis) for each in results.runs], run)
    for part in Key._fields:
        columns[part] = _spread([getattr(each, part) or None for each in results.keys], key)
    return pa.table(columns | {"value": pa.array(number, mask=key < 0)})


def _spread(values: Sequence[Value | None], places: NDArray[np.int32]) -> pa.Array:
    """Return the values at indices, null for -1; strings are stored as a dictionary."""
    if any(isinstance(each, float) for each in values):
        values = [None if each is None else float(each) for each in values]  # pyarrow rejects large integers among them
    array = pa.array(values)
    if pa.types.is_null(array.type):
        array = array.cast(pa.string())
    if pa.types.is_string(array.type):
        array = array.dictionary_encode()
    return array.take(pa.array(places, mask=places < 0))


def _list_runs(folder: Path) -> list[dict[str, Any]]:
    """Return the entries of `runs.json`, or entries for all folders of runs; a damaged `runs.json` is a damaged run."""
    path = folder / "runs.json"
    damaged: list[dict[str, Any]] = []
    if path.is_file():
        try:
            return [_check_entry(each, number, folder) for number, each in enumerate(read_json(path, list))]
        except UserError as error:
            damaged = [{"name": path.name, "folder": path.name, "status": DAMAGED, "error": str(error)}]
    if (folder / "run.json").is_file():
        return [{"name": folder.resolve().name, "folder": "."}, *damaged]
    names = (Path(each).relative_to(folder).as_posix() for each in _folders(folder))
    return [*({"name": name, "folder": name} for name in sorted(names)), *damaged]


_ENTRY: dict[str, tuple[type, ...]] = {"folder": (str,), "status": (str,), "error": (str,), "axes": (dict,)}


def _check_entry(entry: Any, number: int, folder: Path) -> dict[str, Any]:
    """Return an entry of `runs.json`, or a damaged run if it does not name a folder within the study's folder."""
    if (
        isinstance(entry, dict)
        and _is_below(entry.get("name"), folder)
        and _is_below(entry.get("folder", entry["name"]), folder)
        and all(entry.get(key) is None or isinstance(entry[key], kinds) for key, kinds in _ENTRY.items())
    ):
        return {key: value for key, value in entry.items() if value is not None}
    name = f"runs.json[{number}]"
    error = "an entry must have a name and folder within the study: run the study again to rewrite the file"
    return {"name": name, "folder": name, "status": DAMAGED, "error": error}


def _is_below(name: Any, folder: Path) -> bool:
    """True if a relative path lies within a folder, after links are resolved."""
    if not isinstance(name, str) or not name or Path(name).is_absolute() or ".." in Path(name).parts:
        return False
    try:
        return (folder / name).resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # no path, such as one with an unpaired surrogate, or a loop of links
        return False


def _folders(folder: Path) -> Iterator[str]:
    for root, below, files in os.walk(folder):
        if "run.json" in files:
            below.clear()
            yield root


def _unify_axes(runs: Sequence[Run]) -> list[Run]:
    """Return the runs with unique axes, one type per axis, and no axis named like a column of the results."""
    columns = {"error", "value", *_RUN_COLUMNS, *Key._fields}
    renamed = [
        {f"axis_{axis}" if axis in columns else bounded_text(axis): _finite(each) for axis, each in run.axes.items()}
        for run in runs
    ]
    numeric = {axis for axes in renamed for axis in axes}
    for axes in renamed:
        numeric -= {axis for axis, value in axes.items() if value is not None and not _is_number(value)}
    uniform = [
        {axis: value if axis in numeric else as_text(value) for axis, value in axes.items() if value is not None}
        for axes in renamed
    ]
    if len({tuple(sorted(axes.items())) for axes in uniform}) < len(runs):
        uniform = [{"name": run.name, **axes} for run, axes in zip(runs, uniform, strict=True)]
    return [replace(run, axes=axes) for run, axes in zip(runs, uniform, strict=True)]


def as_text(value: Any) -> str:
    """Return the text of a value of a non-numeric axis, shortened: strings as they are, other values as JSON."""
    return bounded_text(value if isinstance(value, str) else json.dumps(value, sort_keys=True))


def _finite(value: Any) -> Any:
    """Return a number of an axis as one that tables store: None if it is not finite, a float beyond 64 bits."""
    if not _is_number(value) or (abs(value) < 2**63 and isinstance(value, int)):
        return value
    return float(value) if is_number(value) and value == value else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sort_key(run: Run, axes: Sequence[str]) -> tuple[Any, ...]:
    """Return the key that sorts runs by their axes, runs without an axis first."""
    return *((axis in run.axes, run.axes.get(axis)) for axis in axes), run.name


def _key(name: str) -> Key:
    """Return the key of a name in `metrics.json`."""
    parts = name.split("/")
    if parts[0] == "bias":
        return Key("bias", "/".join(parts[1:-1]), "train", parts[-1])
    model = parts.pop(0) if len(parts) in (2, 4) else "result"
    return Key(model, "/".join(parts[:-2]), parts[-2] if len(parts) > 1 else "", parts[-1])
