"""What a run's `config.yaml` says of its tasks."""

from collections.abc import Mapping
from typing import Any


def configured_tasks(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of the tasks that a run has, by name.

    Raises:
        KeyError: there is no `data.tasks`, or one of them has no name.
    """
    every = {each["init_args"]["name"]: each["init_args"] for each in config["data"]["tasks"]}
    return {name: every[name] for name in config["data"].get("only") or every}
