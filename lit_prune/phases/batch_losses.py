"""`batch_losses`: losses of training batches outside the steps of training, for methods that need gradients."""

from collections.abc import Iterator
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm


def batch_losses(run: "Paradigm", num_batches: int) -> Iterator[Tensor]:
    """Yield the losses of the first batches of training, again and again if there are fewer; as in a training step."""
    shown = track(
        range(num_batches),
        description="gradients of batches",
        console=Console(stderr=True),
        transient=True,
        disable=not run.trainer.is_global_zero,
    )
    batches: Iterator[Any] = chain.from_iterable(repeat(run.data.train_dataloader()))
    for _, batch in zip(shown, batches, strict=False):
        placed = run.trainer.strategy.batch_to_device(batch)
        with torch.enable_grad(), run.trainer.precision_plugin.forward_context():
            loss = run.batch_loss(placed)
        yield loss
