"""Over what pool: the matrices that share a sparsity, and so a threshold."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from torch import Tensor

from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import Allocation
from lit_prune.sparsity.targets import layers_in

Scope: TypeAlias = Allocation | str | list[list[str]]


def pools(scope: Scope, matched: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the pools of matrices that a sparsity is of.

    Args:
        scope: "local": each matrix is one; "global": all are; lists of targets, each of which is one; or
            an `Allocation`.
        matched: Names of the matrices of every target, as `targets.match` returns them.

    Raises:
        UserError: The scope is another word, or its lists do not hold each target once.
    """
    if isinstance(scope, Allocation):
        return scope.pools(matched)
    every = layers_in(matched)
    if scope == "local":
        return [[name] for name in every]
    if scope == "global":
        return [every]
    if isinstance(scope, str):
        raise UserError(
            f"unknown scope {scope!r}: choose from local (the sparsity of each matrix), global (of all together), "
            "lists of targets that share one, or a class of lit_prune.sparsity.allocations"
        )
    named = [target for group in scope for target in group]
    if sorted(named) != sorted(matched) or not all(scope):
        raise UserError(f"scope must contain each of {sorted(matched)} once, got {scope}: correct its lists")
    return [[name for target in group for name in matched[target]] for group in scope]


def allot(scope: Scope, scores: Mapping[str, Tensor], sparsity: float) -> list[tuple[list[str], float]]:
    """Return the matrices of a pool that share a threshold, with their sparsity: all of them, or each by itself.

    Args:
        scope: The scope of the pool.
        scores: Scores of its matrices by name (float32).
        sparsity: What the schedule sets.
    """
    if isinstance(scope, Allocation):
        return [([name], own) for name, own in scope.sparsities(scores, sparsity).items()]
    return [(list(scores), sparsity)]
