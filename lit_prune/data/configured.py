"""What a run's `config.yaml` says of its tasks."""

from collections.abc import Mapping
from typing import Any

from lit_prune.data.kinds import kind_of


def configured_tasks(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The settings of the tasks that a run has, by name, and the `kind` of each (`lit_prune.data.kinds`).

    Raises:
        KeyError: there is no `data.tasks`, or one of them has no name.
    """
    every = {
        each["init_args"]["name"]: {"kind": kind_of(each.get("class_path", "")), **each["init_args"]}
        for each in config["data"]["tasks"]
    }
    return {name: every[name] for name in config["data"].get("only") or every}
