"""`model.json`: what a run's model is made of, as plain values from which it is rebuilt without code."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lit_prune.data.tasks.kinds import describe

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

MODEL = "model.json"


def describe_model(run: "Paradigm") -> dict[str, Any]:
    """Return a run's encoder, tasks and phases, under the keys that `config.yaml` has for them.

    Args:
        run: The run, which has begun.
    """
    preparation = run.data.preparation
    kind = type(run)
    return {
        "encoder": run.encoder.arguments,
        "data": {
            "tasks": [_task(describe(task)) for task in run.tasks.values()],
            "max_length": preparation.max_length,
            "root": preparation.root,
        },
        "model": {
            "class_path": f"{kind.__module__}.{kind.__qualname__}",
            "init_args": {
                "start_from": None if run.start.path is None else str(run.start.path),
                "phases": {name: _phase(run, name) for name in run.phases},
            },
        },
        "trainer": {"precision": str(run.trainer.precision)},
    }


def _task(described: dict[str, Any]) -> dict[str, Any]:
    kind = described.pop("kind")
    return {"class_path": described.pop("class_path", f"lit_prune.data.{kind}"), "init_args": described}


def _phase(run: "Paradigm", name: str) -> dict[str, Any]:
    phase = run.phases[name]
    start, end = run.phases.span(name)
    training = {key: value for key, value in asdict(phase.training).items() if isinstance(value, str | int | float)}
    loss = f"{type(phase.loss).__module__}.{type(phase.loss).__qualname__}"
    module = type(phase).__module__
    room = "lit_prune.phases" if module.startswith("lit_prune.phases.") else module
    return {"class_path": f"{room}.{type(phase).__qualname__}", "steps": end - start, "loss": loss, **training}
