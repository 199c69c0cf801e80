"""Which tensors of any network can be pruned: the weights of its linear and convolutional layers, and of attention."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import nn

from lit_prune.errors import UserError

_KINDS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_WEIGHTS = ("weight", "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")


def prunable(root: nn.Module, targets: Sequence[str] | None = None, skip: Sequence[str] = ()) -> list[str]:
    """Return the names of the parameters to prune, in the order of the network's modules.

    Args:
        root: The network.
        targets: Patterns of parameters or of the modules that they belong to, as `encoder.*` or `*.query`; `*` stands
            for any text. If None, the weights of linear and convolutional layers, and the projections of
            `nn.MultiheadAttention`.
        skip: Patterns of those to leave out, as `classifier`.

    Returns:
        Names of parameters; one that has several names under its first.

    Raises:
        UserError: a pattern names none, or all are left out.
    """
    every = _named(root)
    given = {
        setting: [each] if isinstance(each, str) else each for setting, each in (("targets", targets), ("skip", skip))
    }
    for setting, patterns in given.items():
        for pattern in patterns or ():
            if not any(_is_named(names, pattern) for names in every):
                example = f"they are like {every[0][0]}" if every else "the network has none"
                raise UserError(f"{setting} must name parameters that can be pruned, got {pattern!r}: {example}")
    chosen = [
        names[0]
        for names in every
        if (given["targets"] is None or any(_is_named(names, each) for each in given["targets"]))
        and not any(_is_named(names, each) for each in given["skip"] or ())
    ]
    if not chosen:
        remedy = "name other targets and skip less" if every else "it has no linear or convolutional layer"
        raise UserError(f"the network must have a parameter to prune, got none: {remedy}")
    return chosen


def _named(root: nn.Module) -> list[list[str]]:
    """Return the parameters that can be pruned, each with all of its names."""
    names: dict[int, list[str]] = {}
    for module_name, module in root.named_modules():
        is_kind = isinstance(module, (*_KINDS, nn.MultiheadAttention)) or type(module).__name__ == "Conv1D"
        for own in _WEIGHTS if is_kind else ():
            parameter = getattr(module, own, None)
            if isinstance(parameter, nn.Parameter):
                names.setdefault(id(parameter), []).append(f"{module_name}.{own}".removeprefix("."))
    return list(names.values())


def _is_named(names: Sequence[str], pattern: str) -> bool:
    return any(fnmatchcase(each, pattern) for name in names for each in (name, name.rpartition(".")[0]))
