"""`Pruner` and `prune`: prune any network in a training loop, or at once."""

from collections.abc import Sequence
from typing import Any, Self

from torch import Tensor, nn

from lit_prune.errors import UserError
from lit_prune.sparsity.by_tensors import TensorEngine
from lit_prune.sparsity.criteria import Criterion, HardMagnitude, Magnitude, Movement, Random, RelativeMagnitude
from lit_prune.sparsity.criteria.criterion import Losses
from lit_prune.sparsity.mask_kinds import Fixed, MaskKind
from lit_prune.sparsity.pools import Scope
from lit_prune.sparsity.prunable import prunable
from lit_prune.sparsity.schedules import Constant, Cubic, Schedule

CRITERIA: dict[str, type[Criterion]] = {
    "magnitude": Magnitude,
    "relative_magnitude": RelativeMagnitude,
    "movement": Movement,
    "hard_magnitude": HardMagnitude,
    "random": Random,
}


def named_criterion(criterion: str | Criterion) -> Criterion:
    """Return a criterion by its name.

    Raises:
        UserError: the name is unknown.
    """
    if isinstance(criterion, Criterion):
        return criterion
    if criterion not in CRITERIA:
        raise UserError(f"unknown criterion {criterion!r}: choose from {', '.join(CRITERIA)}")
    return CRITERIA[criterion]()


class Pruner:
    """Masks on the weights of any network, in any training loop.

    From its construction on, the network's own optimizers train it under masks, which keep everything until the first
    `step`. Forward passes, hooks and state dict are the network's own; pruned entries are 0 in them. At each step of an
    optimizer the criterion observes the gradients of what it trains, and those of its penalty are added to them.

        pruner = Pruner(model, 0.9)
        for step, batch in enumerate(batches, start=1):
            loss(model(batch)).backward()
            optimizer.step()
            optimizer.zero_grad()
            pruner.step(step, len(batches))
        pruner.finalize()

    As a context manager it undoes itself: at the end of `with` the network has its dense values, as trained.

    Args:
        model: The network.
        sparsity: Fraction of the entries to remove in the end, in [0, 1).
        criterion: `magnitude`, `relative_magnitude`, `movement`, `hard_magnitude`, `random`, or a `Criterion`. The
            scores of `movement` are parameters (`score_parameters`) to train by an optimizer.
        schedule: Sparsity over training, whose end has to be `sparsity`. If None, from 0, cubic until 80% of training
            (Zhu & Gupta 2018).
        scope: `global`: the sparsity of all weights together; `local`: of each; or an `Allocation`, of which
            `ScoreThreshold` has thresholds in place of sparsities.
        targets: Patterns of parameters or modules to prune. If None, see `prunable`.
        skip: Patterns of those to leave out, as `classifier`.

    Raises:
        UserError: a setting is wrong, or nothing can be pruned.
    """

    def __init__(
        self,
        model: nn.Module,
        sparsity: float,
        *,
        criterion: str | Criterion = "magnitude",
        schedule: Schedule | None = None,
        scope: Scope = "global",
        targets: Sequence[str] | None = None,
        skip: Sequence[str] = (),
        masks: MaskKind | None = None,
    ) -> None:
        schedule = schedule or Cubic(0.0, sparsity)
        if schedule.final != sparsity:
            raise UserError(f"schedule must end at sparsity={sparsity}, got one that ends at {schedule.final}")
        names = {name: [name] for name in prunable(model, targets, skip)}
        self.engine = TensorEngine(names, named_criterion(criterion), schedule, scope=scope, masks=masks)
        self.engine.attach(model)

    def step(self, optimizer_step: int, total_steps: int) -> float:
        """Bring the masks to the scheduled sparsity, after a step of the optimizer.

        Args:
            optimizer_step: Steps taken so far.
            total_steps: Steps of the whole training.

        Returns:
            The share of entries that changed between kept and pruned.

        Raises:
            UserError: `total_steps` is not positive.
        """
        if total_steps < 1:
            raise UserError(f"total_steps must be positive, got {total_steps}: it counts all optimizer steps")
        return self.engine.update(min(1.0, optimizer_step / total_steps))

    def masks(self) -> dict[str, Tensor]:
        """Return the mask (bool, True for kept) of each pruned parameter, by its name; also after `finalize`."""
        return self.engine.masks()

    def sparsity(self) -> float:
        """Return the fraction of the prunable entries that is pruned now."""
        return self.engine.sparsity()

    def score_parameters(self) -> dict[str, nn.Parameter]:
        """Return the scores of learned masks by name, to be trained; empty for criteria without."""
        return self.engine.score_parameters()

    def state_dict(self) -> dict[str, Any]:
        """Return what training needs to go on, beside the network's own state dict."""
        return self.engine.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set what `state_dict` returned, after the network's own state dict is loaded.

        Raises:
            UserError: the state is of another network, or of other settings.
        """
        try:
            self.engine.load_state_dict(state)
        except (KeyError, RuntimeError) as error:
            raise UserError(f"state must be of a pruner of this network, got {error!s:.200}: load its own") from error

    def finalize(self) -> nn.Module:
        """Set pruned entries to 0 for good, let go of the network, and return it."""
        return self.engine.finalize()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self.engine.root is not None:
            self.engine.undo()


def prune(
    model: nn.Module,
    sparsity: float,
    *,
    criterion: str | Criterion = "magnitude",
    scope: Scope = "global",
    targets: Sequence[str] | None = None,
    skip: Sequence[str] = (),
    losses: Losses | None = None,
) -> nn.Module:
    """Set the least important weights of a network to 0, at once and in place, and return it.

    The arguments are those of `Pruner`, and `losses` for a criterion that needs gradients, such as `BlockFisher`: a
    function that yields the network's losses on a number of batches.

        prune(model, 0.5, skip=["classifier"])
    """
    pruner = Pruner(
        model,
        sparsity,
        criterion=criterion,
        schedule=Constant(sparsity),
        scope=scope,
        targets=targets,
        skip=skip,
        masks=Fixed(),
    )
    if losses is not None:
        pruner.engine.use_losses(losses, lambda tensor: tensor)
    pruner.step(1, 1)
    return pruner.finalize()
