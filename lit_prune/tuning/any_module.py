"""`tune_entries`: sparse tuning of any network (Fu et al. 2023)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.criteria import Criterion, Magnitude, Random
from lit_prune.sparsity.targets import named_by
from lit_prune.tuning.entries import tune
from lit_prune.tuning.gradients import GradientCriterion
from lit_prune.tuning.select import check_share, select_entries

Batch = TypeVar("Batch")

CRITERIA: dict[str, Callable[[], Criterion]] = {
    "sam": GradientCriterion,
    "fisher": lambda: GradientCriterion(of="square"),
    "magnitude": Magnitude,
    "random": Random,
}


def tune_entries(
    model: nn.Module,
    share: float,
    *,
    criterion: str | Criterion = "sam",
    batches: Iterable[Batch] | None = None,
    loss: Callable[[nn.Module, Batch], Tensor] | None = None,
    scope: str = "tensor",
    targets: Sequence[str] | None = None,
) -> nn.Module:
    """Leave a share of a network's entries trainable, freeze the rest of their tensors, in place, and return it.

    Optimizers made after it train the chosen entries alone; `fold_tuned` puts plain tensors back.

        tune_entries(model, 0.005, batches=loader, loss=lambda model, batch: model(**batch).loss, targets=["bert.*"])

    Args:
        model: The network.
        share: Trainable fraction, from 0 to 1.
        criterion: `sam` (largest gradients), `fisher`, `magnitude`, `random`, or a `Criterion`.
        batches: Training batches, for criteria of gradients; taken again from the start if there are too few.
        loss: Returns the loss of the network on a batch, for criteria of gradients.
        scope: `tensor`: the fraction of each tensor; `global`: of all entries together.
        targets: Name patterns of the tensors. If None, all that are trained; others stay as they are.

    Raises:
        UserError: a setting is wrong, or a criterion of gradients has no batches or loss.
    """
    check_share(share, scope)
    if isinstance(criterion, str):
        if criterion not in CRITERIA:
            raise UserError(f"unknown criterion {criterion!r}: choose from {', '.join(CRITERIA)}")
        criterion = CRITERIA[criterion]()
    trained = [name for name, value in model.named_parameters() if value.requires_grad]
    parameters = {name: model.get_parameter(name) for name in named_by(targets, trained, "targets")}
    if isinstance(criterion, GradientCriterion):
        if batches is None or loss is None:
            raise UserError(
                f"batches and loss must be given for {type(criterion).__name__}, got none: they make gradients"
            )
        again = _endless(batches)
        scores = criterion.scores(parameters, lambda number: _losses(model, islice(again, number), loss), _alone)
    else:
        with torch.no_grad():
            scores = {name: criterion(value, 1 - share) for name, value in parameters.items()}
    tune(model, select_entries(scores, share, scope))
    return model


def _losses(model: nn.Module, batches: Iterable[Batch], loss: Callable[[nn.Module, Batch], Tensor]) -> Iterator[Tensor]:
    for batch in batches:
        yield loss(model, batch)


def _endless(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield batches, again from the start after the last.

    Raises:
        UserError: there is none, or the batches cannot be read again.
    """
    while True:
        batch = None
        for batch in batches:
            yield batch
        if batch is None:
            raise UserError(
                "batches must be a list or a loader with at least one batch, got no more of them: an iterator cannot "
                "be read again"
            )


def _alone(tensor: Tensor) -> Tensor:
    """Return the sum over all processes where there is one."""
    return tensor
