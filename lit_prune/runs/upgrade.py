"""Configurations of version 0.1.0 in their present form: moved classes, renamed keys, changed defaults.

Further versions extend the tables by a line each. A run without an id in its `run.json` is of version 0.1.0.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lit_prune.files import read_json, read_yaml
from lit_prune.runs.aliases import resolve_aliases
from lit_prune.runs.recorded import config_file, read_record

# Module or class -> its present place; a module's classes move with it.
MOVED = {
    "lit_prune.callbacks.stability": "lit_prune.callbacks.seeds",
    "lit_prune.data.task": "lit_prune.data.tasks.task",
    "lit_prune.data.choices": "lit_prune.data.tasks.choice",
    "lit_prune.data.mentions": "lit_prune.data.tasks.mention",
    "lit_prune.data.similarity": "lit_prune.data.tasks.similarity",
    "lit_prune.data.spans": "lit_prune.data.tasks.span",
    "lit_prune.data.windows": "lit_prune.data.tasks.windows",
    "lit_prune.paradigms.from_dense": "lit_prune.paradigms.fine_tune",
}

# Name of a class and its old argument -> the present name, where the value stays as it is.
RENAMED: dict[tuple[str, str], str] = {}

# Name of a class -> the arguments that spell out defaults of version 0.1.0 that are others now.
DEFAULTS: dict[str, dict[str, Any]] = {"GeneratedNli": {"version": 1}, "Lora": {"targets": ["*"]}}


def upgrade_config(config: Mapping[str, Any], with_defaults: bool = False) -> dict[str, Any]:
    """Return a configuration in the present form; one that has it already is returned as it is.

    Args:
        config: The configuration, or a part that overrides another.
        with_defaults: True for a complete configuration of version 0.1.0, whose unset arguments have its defaults.
    """
    upgraded: dict[str, Any] = resolve_aliases(_upgrade(config, with_defaults))
    return upgraded


def is_old(record: Mapping[str, Any]) -> bool:
    """True if the `run.json` of a run was written by version 0.1.0."""
    return bool(record) and record.get("id") is None


def upgrade_run(config: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a run's folder in the present form.

    Args:
        config: The content of its `config.yaml`.
        record: The content of its `run.json`.
    """
    return upgrade_config(config, with_defaults=is_old(record))


def read_config(run: Path) -> dict[str, Any]:
    """Return the verified configuration of a run in the present form.

    Raises:
        UserError: There is none, or it or `run.json` is damaged.
    """
    path = config_file(run)
    config = read_yaml(path) if path.suffix == ".yaml" else read_json(path, dict)
    return upgrade_run(config, read_record(run))


def warn_if_old(run: Path, record: Mapping[str, Any]) -> None:
    """Warn that a run was written by version 0.1.0.

    Args:
        run: The run's folder.
        record: The content of its `run.json`.
    """
    if is_old(record):
        from lightning.pytorch.utilities import rank_zero_warn  # not above: a report takes no time to import it

        rank_zero_warn(f"{run} was written by version 0.1.0 and has no run id: its checkpoints may be of another run")


def _upgrade(value: Any, with_defaults: bool) -> Any:
    if isinstance(value, list):
        return [_upgrade(each, with_defaults) for each in value]
    if not isinstance(value, Mapping):
        return value
    upgraded = {key: _upgrade(each, with_defaults) for key, each in value.items()}
    path, settings = upgraded.get("class_path"), upgraded.get("init_args")
    if isinstance(path, str):
        upgraded["class_path"] = path = _moved(path)
        name = path.rpartition(".")[2] if path.startswith("lit_prune.") else ""
        defaults = DEFAULTS.get(name, {}) if with_defaults else {}
        if isinstance(settings, dict) or defaults:
            settings = {RENAMED.get((name, key), key): each for key, each in (settings or {}).items()}
            settings |= {key: each for key, each in defaults.items() if settings.get(key) is None}
            upgraded["init_args"] = settings
    return upgraded


def _moved(path: str) -> str:
    old = next((each for each in MOVED if f"{path}.".startswith(f"{each}.")), None)
    return path if old is None else MOVED[old] + path.removeprefix(old)
