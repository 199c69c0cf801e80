"""Metrics of entities, by nervaluate: an entity is right if its type, its first and its last word are."""

from collections.abc import Sequence

from torch import Tensor

from lit_prune.data.tasks.tags import Entity
from lit_prune.metrics import of_groups


def entity_metrics(
    predicted: Sequence[Sequence[Entity]],
    right: Sequence[Sequence[Entity]],
    types: Sequence[str],
    groups: Sequence[str],
) -> dict[str, float]:
    """Compute the metrics of conlleval and seqeval over whole documents.

    Args:
        predicted: The entities predicted in each document.
        right: The entities of each document.
        types: The entity types.
        groups: The group of each document ("" is none).

    Returns:
        `precision`, `recall` and `f1` over all entities, each 0 if nothing is predicted or there is nothing to find;
        `f1_<type>`, and `f1_macro`, the mean over the types that occur or are predicted; `f1_<group>` and
        `worst_group_f1` (see `of_groups`), of groups with an entity.
    """
    result, by_type = _evaluate(predicted, right, types)
    result |= {f"f1_{kind}": by_type.get(kind, 0.0) for kind in types}
    result["f1_macro"] = sum(by_type.values()) / max(1, len(by_type))

    def f1(documents: Tensor) -> float | None:
        numbers = documents.nonzero().flatten().tolist()
        of_group = [right[number] for number in numbers]
        if not any(of_group):
            return None
        return _evaluate([predicted[number] for number in numbers], of_group, types)[0]["f1"]

    return result | of_groups("f1", groups, f1)


def _evaluate(
    predicted: Sequence[Sequence[Entity]], right: Sequence[Sequence[Entity]], types: Sequence[str]
) -> tuple[dict[str, float], dict[str, float]]:
    """Compute precision, recall and F1 over all types, and the F1 of each type that occurs or is predicted."""
    from nervaluate import Evaluator  # not above: a served model has no metrics

    found = Evaluator(_plain(right), _plain(predicted), tags=[*types], loader="dict").evaluate()
    overall = found["overall"]["strict"]
    by_type = {kind: float(results["strict"].f1) for kind, results in found["entities"].items()}
    return {name: float(getattr(overall, name)) for name in ("precision", "recall", "f1")}, by_type


def _plain(documents: Sequence[Sequence[Entity]]) -> list[list[dict[str, str | int]]]:
    return [[{"label": kind, "start": first, "end": last} for kind, first, last in each] for each in documents]
