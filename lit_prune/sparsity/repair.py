"""`repair`: least squares on the kept weights of a pruned network, layer by layer, without training.

The problem of each layer is that of Frantar & Alistarh 2022 (OBC) under a given mask, solved exactly row by row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lit_prune.errors import UserError


class Error(NamedTuple):
    """The squared error of a layer's outputs on the calibration batches, over the squares of its dense outputs."""

    before: float
    after: float


def _call(model: nn.Module, batch: Any) -> Any:
    return model(**batch) if isinstance(batch, Mapping) else model(batch)


@torch.no_grad()
def repair(
    model: nn.Module,
    dense: Mapping[str, Tensor],
    batches: Iterable[Any],
    *,
    call: Callable[[nn.Module, Any], Any] = _call,
    ridge: float = 1e-3,
) -> dict[str, Error]:
    """Move the kept weights of a pruned network so that its layers compute what the dense ones did, in place.

    Layers are repaired in the order in which the network calls them, each on inputs that the network pruned and
    repaired before it computes. A weight that is 0 stays so: single entries, units or heads may be pruned. Biases stay
    as they are. A padding token of a batch counts as any other.

        dense = {name: value.detach().clone() for name, value in model.state_dict().items()}
        prune(model, 0.5, skip=["classifier"])
        repair(model, dense, batches)

    Args:
        model: The network, pruned.
        dense: Its weights before it was pruned, by their names in the state dict; of linear layers those are used that
            have a 0 in the network now.
        batches: Calibration batches, read once for each layer and once more.
        call: Runs the network on a batch. If not given, a mapping becomes the keyword arguments.
        ridge: Weight of the squared distance to the weights as they are, relative to the mean square of an input.

    Returns:
        The reconstruction error of each repaired layer by name, never larger after than before.

    Raises:
        UserError: `ridge` is negative, the batches can be read only once, or there is no layer to repair.
    """
    if not ridge >= 0:
        raise UserError(f"ridge must be 0 or more, got {ridge}: 0.001 is the default")
    if isinstance(batches, Iterator):
        raise UserError(f"batches must be readable several times, got {type(batches).__name__}: make a list of them")
    layers = {
        name: layer
        for name, layer in model.named_modules()
        if isinstance(layer, nn.Linear) and f"{name}.weight" in dense and bool((layer.weight == 0).any())
    }
    if not layers:
        raise UserError("dense must have the weight of a pruned linear layer, got none: prune the network first")
    was_training = model.training
    model.eval()
    errors = {}
    for name in _order(model, layers, batches, call):
        weight = layers[name].weight
        target = dense[f"{name}.weight"].to(weight.device)
        gram = _gram(model, layers[name], batches, call)
        repaired = least_squares(weight, target, gram, ridge)
        whole = squared_error(target, torch.zeros_like(target), gram).sum().clamp_min(torch.finfo(gram.dtype).tiny)
        before, after = (float(squared_error(target, each, gram).sum() / whole) for each in (weight, repaired))
        errors[name] = Error(before, after)
        weight.copy_(repaired)
    model.train(was_training)
    return errors


def least_squares(weight: Tensor, target: Tensor, gram: Tensor, ridge: float) -> Tensor:
    """Return a pruned matrix whose kept entries reproduce the outputs of the dense one, row by row.

    With G the Gram matrix, a row's kept entries K move by d, (G_KK + r I) d = G_K (target - weight): the least squares
    of the outputs, with a ridge r centred on the weight. A row whose error would not fall, by rounding, stays as it is.

    Args:
        weight: (out_features, in_features); pruned entries are 0.
        target: The dense matrix, of its shape.
        gram: X^T X (in_features, in_features) of the inputs, float64.
        ridge: r over the mean of the diagonal of G.

    Returns:
        The matrix, of the weight's dtype; entries that are 0 stay so.
    """
    wanted = (target.double() - weight.double()) @ gram
    damped = gram + ridge * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    repaired = weight.detach().clone()
    patterns, pattern_of = torch.unique(weight != 0, dim=0, return_inverse=True)
    for number, keep in enumerate(patterns):
        rows, kept = (pattern_of == number).nonzero()[:, 0], keep.nonzero()[:, 0]
        factor, failed = torch.linalg.cholesky_ex(damped[kept][:, kept])
        if not len(kept) or failed:
            continue
        change = torch.cholesky_solve(wanted[rows][:, kept].mT, factor).mT
        repaired[rows[:, None], kept] += change.to(weight.dtype)
    is_better = squared_error(target, repaired, gram) < squared_error(target, weight, gram)
    return torch.where(is_better[:, None], repaired, weight)


def squared_error(target: Tensor, weight: Tensor, gram: Tensor) -> Tensor:
    """Return ||X target^T - X weight^T||^2 of each row (out_features), float64, of the Gram matrix of X."""
    difference = target.double() - weight.double()
    return ((difference @ gram) * difference).sum(1)


def _order(
    model: nn.Module, layers: Mapping[str, nn.Linear], batches: Iterable[Any], call: Callable[[nn.Module, Any], Any]
) -> list[str]:
    """Return the names of layers in the order in which the network first calls them; without those it never calls."""
    order: dict[str, None] = {}
    handles = [
        layer.register_forward_pre_hook(lambda _, __, name=name: order.setdefault(name))
        for name, layer in layers.items()
    ]
    for batch in batches:
        call(model, batch)
    for handle in handles:
        handle.remove()
    return list(order)


def _gram(model: nn.Module, layer: nn.Linear, batches: Iterable[Any], call: Callable[[nn.Module, Any], Any]) -> Tensor:
    """Return X^T X of the inputs X of a layer over batches, float64."""
    size = layer.in_features
    gram = torch.zeros(size, size, dtype=torch.float64, device=layer.weight.device)

    def add(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        rows = inputs[0].reshape(-1, size).double()
        gram.addmm_(rows.mT, rows)

    handle = layer.register_forward_pre_hook(add)
    for batch in batches:
        call(model, batch)
    handle.remove()
    return gram
