"""Private attributes of Lightning about several processes: it has no public way to what a run of phases needs.

Which parameters are trained changes from phase to phase: the network has to be wrapped again, and some phases leave
parameters without a gradient.
"""

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.strategies import DDPStrategy, Strategy


def wrap_again(strategy: Strategy, module: LightningModule) -> None:
    """Wrap the network anew under DDP: the old wrapper would leave newly trained parameters out of step."""
    if isinstance(strategy, DDPStrategy):
        strategy.model = module
        strategy.configure_ddp()


def allow_unused(strategy: Strategy) -> None:
    """Allow steps that leave trained parameters without a gradient, from the next wrapping on."""
    if isinstance(strategy, DDPStrategy):
        strategy._ddp_kwargs["find_unused_parameters"] = True


def replaces_samplers(trainer: Trainer) -> bool:
    """True if a Trainer would put a sampler of its own into loaders, as on several processes by default."""
    return trainer.world_size > 1 and trainer._accelerator_connector.use_distributed_sampler


def allows_unused(strategy: Strategy) -> bool:
    """True if a step may leave trained parameters without a gradient."""
    return not isinstance(strategy, DDPStrategy) or bool(strategy._ddp_kwargs.get("find_unused_parameters"))
