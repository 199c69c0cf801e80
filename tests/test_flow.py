"""How much of the package a run passes through: a reader of one run has that much to read."""

import sys
from collections import OrderedDict
from pathlib import Path

from lightning.pytorch import Callback

import lit_prune

PACKAGE = Path(lit_prune.__file__).parent
RUN: set[str] = set()
STEP: set[str] = set()


class Traced(Callback):
    """Notes the files of the package outside of `data/` in which a function runs, from the second step to the end."""

    def __init__(self):
        self.step = None

    def _trace(self, frame, event, _):
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(f"{PACKAGE}/") and not path.startswith(f"{PACKAGE}/data/"):
            RUN.add(path.removeprefix(f"{PACKAGE}/"))
            if self.step is not None:
                STEP.add(path.removeprefix(f"{PACKAGE}/"))

    def on_train_batch_start(self, trainer, module, *_):
        if trainer.global_step == 1:
            sys.setprofile(self._trace)
        self.step = 25 if trainer.global_step == 25 else None  # a mask step with neither refresh nor evaluation

    def on_train_batch_end(self, *_):
        self.step = None


def test_a_run_and_a_step_pass_through_few_files(experiment, monkeypatch):
    for when in ("pre", "post"):  # those of pruning by tensors, if other tests of this process have used it
        monkeypatch.setattr(sys.modules["torch.optim.optimizer"], f"_global_optimizer_{when}_hooks", OrderedDict())
    traced = "--trainer.callbacks+=test_flow.Traced"
    try:
        code, _ = experiment(traced, "--model.init_args.refresh_every=50", "--trainer.val_check_interval=10")
    finally:
        sys.setprofile(None)
    assert code == 0
    module = sys.modules["test_flow"]  # as the command line imported it
    assert 5 < len(module.STEP) <= 14, sorted(module.STEP)
    assert len(module.STEP) < len(module.RUN) <= 63, sorted(module.RUN)
