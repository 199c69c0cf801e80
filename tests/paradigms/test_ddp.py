"""What a run needs of Lightning's DDP strategy; two processes are in tests/test_distributed.py."""

from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from lit_prune.paradigms.ddp import allow_unused, allows_unused, replaces_samplers, wrap_again


def test_unused_parameters_are_allowed_from_then_on():
    strategy = DDPStrategy()
    assert not allows_unused(strategy)
    allow_unused(strategy)
    assert allows_unused(strategy)
    assert allows_unused(DDPStrategy(find_unused_parameters=True))


def test_a_single_device_needs_nothing():
    strategy = SingleDeviceStrategy("cpu")
    allow_unused(strategy)
    wrap_again(strategy, None)
    assert allows_unused(strategy)


def test_lightnings_own_sampler_is_noticed_on_several_processes_alone():
    options = {"accelerator": "cpu", "strategy": "ddp", "logger": False, "enable_checkpointing": False}
    assert replaces_samplers(Trainer(devices=2, **options))
    assert not replaces_samplers(Trainer(devices=2, use_distributed_sampler=False, **options))
    assert not replaces_samplers(Trainer(devices=1, **options))
