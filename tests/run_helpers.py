"""Runs that are cut off, and runs that are compared bit for bit."""

import json
import shutil
from pathlib import Path

import torch
import yaml
from lightning.pytorch import Callback

from lit_prune.errors import UserError
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks

# What a checkpoint of a run contains, as small as it can be.
WHOLE = {
    "state_dict": {"weight": torch.ones(2, 3)},
    "lit_prune": {
        "run_id": None,
        "phase": "mask",
        "ends": {"dense": 1, "mask": 2},
        "selected": {"dense": {"selection": 0.5, "step": 1, "sparsity": 0.0, "metrics": {"nli/id/accuracy": 0.5}}},
        "random_states": [{"torch": torch.zeros(1)}],
        "conditions": {"num_processes": 1},
        "loss": {"loss.weight": torch.ones(1)},
        "base_hash": "a",
        "left_out": ["heads"],
    },
    "optimizer_states": [],
    "lr_schedulers": [],
    "loops": {},
    "callbacks": {},
    "global_step": 2,
    "pytorch-lightning_version": "2.6.6",
}


def copy_runs(folder, to):
    """A copy of a run, or of a folder of runs, to be changed as if it had been written so: it has no checksums."""
    return Path(shutil.copytree(folder, to, ignore=shutil.ignore_patterns("checksums.json")))


def edit_record(path, change):
    """Change a JSON file of a run in place as if it had been written so."""
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    path.with_name("checksums.json").unlink(missing_ok=True)


def result(run):
    values = json.loads((run / "metrics.json").read_text())
    return {name: value for name, value in values.items() if name != "wall_seconds"}


class CutOff(Callback):
    """Ends the run as an interrupt would, before a step."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step:
            raise KeyboardInterrupt


def cut_off_by(name, step):
    return f"--trainer.callbacks+={{class_path: {name}, init_args: {{step: {step}}}}}"


def without_callbacks(run):
    """The configuration of a run as if nothing had been going to cut it off."""
    path = run / "config.yaml"
    config = yaml.safe_load(path.read_text())
    callbacks = config["trainer"]["callbacks"]
    config["trainer"]["callbacks"] = [each for each in callbacks if each["class_path"].startswith("lit_prune.")] or None
    path.write_text(yaml.safe_dump(config, sort_keys=False))  # the phases have an order
    checksums = json.loads((run / "checksums.json").read_text())
    (run / "checksums.json").write_text(
        json.dumps({name: sums for name, sums in checksums.items() if name != path.name})
    )


def assert_same(run, reference):
    assert result(run) == result(reference)
    if (reference / "masks.safetensors").is_file():
        masks, expected = (load_masks(each / "masks.safetensors") for each in (run, reference))
        assert all(torch.equal(masks[name], keep) for name, keep in expected.items())
    state, expected = (read_checkpoint(each / "checkpoints" / "last.ckpt") for each in (run, reference))
    assert all(torch.equal(state["state_dict"][name], value) for name, value in expected["state_dict"].items())
    assert state["global_step"] == expected["global_step"]
    assert (run / "predictions.parquet").read_bytes() == (reference / "predictions.parquet").read_bytes()


TRAINED: dict[str, tuple[set[str], set[str]]] = {}


class Trained(Callback):
    """Notes by phase, in `TRAINED`, the names of what its optimizer has, and those that `trained_names` gave before."""

    def on_train_start(self, trainer, module):
        self.before = {name: set(module.phases[name].trained_names(module)) for name in module.phases}

    def on_train_batch_end(self, trainer, module, *_):
        names = {id(value): name for name, value in module.named_parameters()}
        groups = trainer.optimizers[0].param_groups
        own = {names[id(value)] for group in groups for value in group["params"]}
        TRAINED[module.phase] = own, self.before[module.phase]


LISTED: dict[str, str] = {}


class Listed(Callback):
    """Notes the kinds of a run's phases in `LISTED`, and ends it."""

    def on_fit_start(self, trainer, module):
        LISTED.update({name: type(module.phases[name]).__name__ for name in module.phases})
        raise UserError("seen")


LABELS: dict[str, set[int]] = {}


class Labels(Callback):
    """Notes by phase, in `LABELS`, the labels that it trains on."""

    def on_train_batch_end(self, trainer, module, outputs, batch, *_):
        LABELS.setdefault(module.phase, set()).update(batch.labels.tolist())
