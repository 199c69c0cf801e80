"""A callback prunes modules that know nothing of this package."""

import copy
import subprocess
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EMAWeightAveraging, StochasticWeightAveraging
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import nn
from torch.amp import GradScaler
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, TensorDataset

from lit_prune.callbacks import Prune
from lit_prune.errors import UserError
from lit_prune.sparsity.allocations import ScoreBudget
from lit_prune.sparsity.criteria import GradualMagnitude, SoftMovement
from lit_prune.sparsity.schedules import Constant, Rounds

SIZE = 1 * 4 * 9 + 2 * (3 * 8 * 8 + 8 * 8 + 2 * 8 * 16)  # entries that can be pruned without the classifier


class Classifier(nn.Linear):
    """A subclass whose forward pass is its own."""

    def forward(self, pooled):
        return F.linear(pooled, self.weight * 1.0, self.bias)


class Foreign(LightningModule):
    """A convolution, a Transformer whose layers read weights themselves, a classifier."""

    def __init__(self, manual=False, num_optimizers=1, checkpoints=False):
        super().__init__()
        self.automatic_optimization = not manual
        self.num_optimizers = num_optimizers
        self.checkpoints = checkpoints
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.make_layers()

    def make_layers(self):
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.classifier = Classifier(8, 3)

    def encode(self, images):
        return self.encoder(self.conv(images).flatten(2).mT @ torch.eye(4, 8)).mean(1)

    def forward(self, images):
        encoded = checkpoint(self.encode, images, use_reentrant=False) if self.checkpoints else self.encode(images)
        return self.classifier(encoded)

    def training_step(self, batch, batch_idx):
        loss = F.cross_entropy(self(batch[0]), batch[1])
        self.log("loss", loss)
        if not self.automatic_optimization:
            optimizer = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return loss

    def validation_step(self, batch, batch_idx):
        zeros = sum(int((value == 0).sum()) for name, value in self.named_parameters() if pruned(name, value))
        self.log("zeros", float(zeros), reduce_fx="max")

    def configure_optimizers(self):
        if self.num_optimizers == 2:
            return [torch.optim.AdamW(each.parameters(), lr=1e-2) for each in (self.encoder, self.classifier)]
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-2, weight_decay=0.1)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)]


class Late(Foreign):
    """Its encoder and classifier are made in `configure_model`."""

    def make_layers(self):
        self.encoder = None

    def configure_model(self):
        if self.encoder is None:
            super().make_layers()


def pruned(name, value):
    return value.ndim > 1 and not name.startswith("classifier")


def num_zeros(state):
    return sum(int((value == 0).sum()) for name, value in state.items() if pruned(name, value))


def loaders():
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(64, 1, 4, 4, generator=generator)
    rows = TensorDataset(images, images.mean((1, 2, 3)).gt(0).long())
    return DataLoader(rows, batch_size=8), DataLoader(rows, batch_size=32)


@pytest.fixture
def fit(tmp_path):
    """A function: callbacks, a maker of modules, further arguments -> Trainer and module, fitted for 32 steps."""

    def run(*callbacks, make=Foreign, ckpt_path=None, **settings):
        seed_everything(1)
        module = make()
        options = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False, "max_epochs": 4, "logger": False}
        options |= {"default_root_dir": tmp_path, "enable_model_summary": False, "log_every_n_steps": 1}
        trainer = Trainer(callbacks=list(callbacks), **options | settings)
        trainer.fit(module, *loaders(), ckpt_path=ckpt_path, weights_only=False if ckpt_path else None)
        return trainer, module

    return run


SETTINGS = {
    "magnitude": {},
    "movement": {"criterion": "movement"},
    "once": {"schedule": Constant(0.9)},
    "rounds": {"schedule": Rounds(3, 0.9), "rewinds": True},
    "seldom": {"every_n_steps": 3},
    "local": {"scope": "local"},
    "gradual": {"criterion": GradualMagnitude()},
    "budget": {"criterion": SoftMovement(1.0), "scope": ScoreBudget(is_global=True), "every_n_steps": 3},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_foreign_module_ends_at_the_sparsity_exactly(fit, setting):
    trainer, module = fit(Prune(0.9, skip=["classifier"], **SETTINGS[setting]))
    zeros = num_zeros(module.state_dict())
    if setting == "local":
        assert all(
            (value == 0).float().mean() > 0.85 for name, value in module.named_parameters() if pruned(name, value)
        )
    else:
        assert zeros == int(0.9 * SIZE)
        assert float(trainer.callback_metrics["prune/sparsity"]) == pytest.approx(0.9, abs=1e-3)
    num_all = sum(each.numel() for each in module.parameters())
    assert float(trainer.callback_metrics["prune/model_sparsity"]) == pytest.approx(zeros / num_all)
    assert trainer.callback_metrics["zeros"] == zeros
    assert type(module.encoder.layers[0].self_attn) is nn.MultiheadAttention


def test_the_zeros_are_in_the_users_own_checkpoint_read_by_plain_torch(fit):
    trainer, _ = fit(Prune(0.9, skip=["classifier"]))
    path = trainer.checkpoint_callback.best_model_path
    code = (
        "import sys, torch; state = torch.load(sys.argv[1], weights_only=False)['state_dict'];"
        "print(sum(int((v == 0).sum()) for k, v in state.items() if v.ndim > 1 and not k.startswith('classifier')));"
        "assert not any(name.startswith('lit_prune') for name in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True, text=True).stdout
    assert int(found) == int(0.9 * SIZE)
    loaded = Foreign.load_from_checkpoint(path, strict=True)
    assert num_zeros(loaded.state_dict()) == int(0.9 * SIZE)


class Stop(Callback):
    def on_train_epoch_end(self, trainer, *_):
        if trainer.current_epoch == 1:
            trainer.save_checkpoint(Path(trainer.default_root_dir) / "cut.ckpt")
            trainer.should_stop = True


@pytest.mark.parametrize(
    ("setting", "kind"), [*((setting, Foreign) for setting in SETTINGS), ("movement", Late), ("rounds", Late)]
)
def test_a_run_that_is_cut_off_resumes_bit_for_bit(fit, tmp_path, setting, kind):
    def prune():
        return Prune(0.9, skip=["classifier"], **copy.deepcopy(SETTINGS[setting]))

    _, whole = fit(prune(), make=kind)
    assert setting == "local" or num_zeros(whole.state_dict()) == int(0.9 * SIZE)
    fit(prune(), Stop(), make=kind)
    _, resumed = fit(prune(), make=kind, ckpt_path=tmp_path / "cut.ckpt")
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def test_a_training_that_ends_early_warns_of_its_sparsity(fit):
    with pytest.warns(UserWarning, match=r"training ended after 16 of 32 optimizer steps, at a sparsity of 0\.\d"):
        fit(Prune(0.9, skip=["classifier"]), Stop())


def test_a_training_without_pruning_is_not_resumed_with_it(fit, tmp_path):
    fit(Stop())
    with pytest.raises(UserError, match="ckpt_path must be a checkpoint with the state of Prune, got one without"):
        fit(Prune(0.9), ckpt_path=tmp_path / "cut.ckpt")


@pytest.mark.parametrize(
    "settings",
    [
        {"accumulate_grad_batches": 2},
        {"gradient_clip_val": 0.1},
        {"gradient_clip_val": 0.1, "gradient_clip_algorithm": "value"},
        {"precision": "bf16-mixed"},
    ],
)
@pytest.mark.parametrize("criterion", ["magnitude", "movement"])
def test_settings_of_the_trainer_are_honoured(fit, settings, criterion):
    _, module = fit(Prune(0.9, skip=["classifier"], criterion=criterion), **settings)
    assert num_zeros(module.state_dict()) == int(0.9 * SIZE)


@pytest.mark.parametrize("criterion", ["magnitude", "movement"])
def test_gradient_checkpointing_changes_neither_weights_nor_masks(fit, criterion):
    states = []
    for checkpoints in (False, True):
        make = partial(Foreign, checkpoints=checkpoints)
        _, module = fit(Prune(0.9, skip=["classifier"], criterion=criterion), make=make)
        states.append(module.state_dict())
    assert num_zeros(states[1]) == int(0.9 * SIZE)
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


class Scaled(MixedPrecision):
    """The loss scaling of float16 around a forward pass in float32."""

    def autocast_context_manager(self):
        return nullcontext()


@pytest.mark.parametrize("clip", [None, 0.1])
def test_the_scaling_of_a_loss_changes_neither_scores_nor_masks(fit, clip):
    found = []
    for plugins in ([], [Scaled("16-mixed", "cpu", GradScaler("cpu", init_scale=2.0**10))]):
        prune = Prune(0.9, skip=["classifier"], criterion="movement", finalize=False)
        _, module = fit(prune, plugins=plugins, gradient_clip_val=clip)
        found.append((prune.training.pruner, module.state_dict()))
    (plain, state), (scaled, scaled_state) = found
    assert all(torch.equal(keep, scaled.masks()[name]) for name, keep in plain.masks().items())
    for name, scores in plain.score_parameters().items():
        torch.testing.assert_close(scaled.score_parameters()[name], scores, rtol=0, atol=1e-6)
    assert num_zeros(scaled_state) == num_zeros(state) == int(0.9 * SIZE)


def test_in_float16_it_ends_at_the_sparsity_exactly_though_steps_overflow(fit):
    scaler = GradScaler("cpu", init_scale=2.0**30)
    prune = Prune(0.9, skip=["classifier"], criterion="movement", finalize=False)
    _, module = fit(prune, plugins=[MixedPrecision("16-mixed", "cpu", scaler)], max_epochs=16)
    assert prune.training.engine.num_steps < 128
    assert num_zeros(module.state_dict()) == int(0.9 * SIZE)


def test_manual_optimization_with_one_optimizer_is_pruned_too(fit):
    _, module = fit(Prune(0.9, skip=["classifier"]), make=partial(Foreign, manual=True))
    assert num_zeros(module.state_dict()) == int(0.9 * SIZE)


@pytest.mark.parametrize(
    "average", [EMAWeightAveraging(decay=0.9), StochasticWeightAveraging(swa_lrs=1e-2, swa_epoch_start=1)]
)
@pytest.mark.parametrize("first", [True, False])
def test_averages_of_weights_are_masked_in_evaluation_checkpoints_and_result(fit, average, first):
    prune = Prune(0.9, skip=["classifier"], schedule=Constant(0.9))
    callbacks = [prune, copy.deepcopy(average)] if first else [copy.deepcopy(average), prune]
    trainer, module = fit(*callbacks)
    assert float(trainer.callback_metrics["zeros"]) >= int(0.9 * SIZE)
    assert num_zeros(module.state_dict()) >= int(0.9 * SIZE)
    state = torch.load(trainer.checkpoint_callback.best_model_path, weights_only=False)["state_dict"]
    assert num_zeros(state) >= int(0.9 * SIZE)


def test_without_finalize_a_second_fit_continues_under_the_masks(fit):
    prune = Prune(0.9, skip=["classifier"], finalize=False)
    _, module = fit(prune)
    assert prune.training.pruner.sparsity() == pytest.approx(0.9, abs=1e-3)
    assert num_zeros(module.state_dict()) == int(0.9 * SIZE)


def test_compiled_layers_keep_one_graph(fit):
    module, graphs = Foreign(), []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    module.classifier.compile(backend=backend)
    fit(Prune(0.9), make=lambda: module, limit_val_batches=0)
    assert len(graphs) == 1


@pytest.mark.parametrize(
    ("arguments", "make", "settings", "message"),
    [
        ({"every_n_steps": 0}, Foreign, {}, "every_n_steps must be positive, got 0"),
        ({"skip": ["pooler"]}, Foreign, {}, "skip must name parameters that can be pruned, got 'pooler'"),
        ({}, partial(Foreign, manual=True, num_optimizers=2), {}, "one optimizer must train the weights .*, got 2"),
        ({}, Foreign, {"max_epochs": -1}, "the training must have an end to prune by, got none"),
    ],
)
def test_what_cannot_be_pruned_is_an_error(fit, arguments, make, settings, message):
    with pytest.raises(UserError, match=message):
        fit(Prune(0.9, **arguments), make=make, **settings)


def test_a_strategy_that_shards_weights_is_an_error():
    trainer = SimpleNamespace(strategy=ModelParallelStrategy())
    with pytest.raises(UserError, match="strategy must be ddp or that of one device, got ModelParallelStrategy"):
        Prune(0.9).setup(trainer, Foreign(), "fit")


def test_a_run_of_phases_which_prunes_itself_is_an_error(experiment, capsys):
    code, _ = experiment("--trainer.callbacks=[{class_path: lit_prune.Prune, init_args: {sparsity: 0.5}}]")
    assert code == 2
    assert "trainer.callbacks must leave weights and phases to the run, got Prune: remove it" in capsys.readouterr().err


SCRIPT = """
import os, sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from callbacks.test_prune import SETTINGS, Foreign, loaders
from lightning.pytorch import Trainer, seed_everything
from lit_prune import Prune

seed_everything(1 + int(os.environ.get("LOCAL_RANK", 0)))  # first weights, scores and random masks that differ
settings = SETTINGS.get(sys.argv[3], {"criterion": sys.argv[3]})
prune = Prune(0.9, skip=["classifier"], finalize=False, **settings)
options = {"accelerator": "cpu", "devices": 2, "strategy": "ddp", "max_epochs": 2, "logger": False}
options |= {"enable_checkpointing": False, "enable_progress_bar": False}
trainer = Trainer(callbacks=[prune], **options)
trainer.fit(module := Foreign(), *loaders())
torch.save((prune.training.pruner.masks(), module.state_dict()), Path(sys.argv[2]) / f"{trainer.global_rank}.pt")
"""


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["movement", "budget", "rounds", "random"])
def test_two_processes_have_the_same_masks_and_weights(tmp_path, setting):
    tests = Path(__file__).parent.parent
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, str(tmp_path / "script.py"), str(tests), str(tmp_path), setting]
    subprocess.run(command, check=True, timeout=600)
    (masks, state), (other_masks, other_state) = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    assert sum(int((~keep).sum()) for keep in masks.values()) == int(0.9 * SIZE)
    assert all(torch.equal(keep, other_masks[name]) for name, keep in masks.items())
    assert all(torch.equal(value, other_state[name]) for name, value in state.items())
