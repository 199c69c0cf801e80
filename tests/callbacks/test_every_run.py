"""A run of a bare `lightning.Trainer`: all phases, its folder, resume, and the commands that read it."""

import json

import pytest
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from run_helpers import assert_same

from lit_prune.cli import main
from lit_prune.data import GeneratedNli, MultitaskDataModule, OverlapBias, Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import ProductOfExperts
from lit_prune.paradigms import PruneAfterFinetune
from lit_prune.phases import Training
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.schedules import Cubic


class Stop(Callback):
    """Ends a script in the middle of the second phase."""

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == 27:
            raise SystemExit(1)


@pytest.fixture
def script(tiny_backbone, tmp_path):
    """A function: arguments of a Trainer, a checkpoint to resume from -> the paradigm that was trained."""

    def run(*callbacks, ckpt_path=None, **trainer):
        seed_everything(1)
        encoder = PrunableEncoder(str(tiny_backbone))
        labels = ["contradiction", "entailment", "neutral"]
        source = GeneratedNli(bias_rate=0.9, num_train=253, num_eval=60, version=1)
        task = Task(name="nli", labels=labels, source=source, positive="entailment", bias=OverlapBias())
        data = MultitaskDataModule([task], encoder.tokenizer, encoder.word_embeddings, max_length=48)
        model = PruneAfterFinetune(
            encoder,
            data.tasks,
            dense=Training("20 steps", learning_rate=1e-3),
            mask=Training("20 steps", learning_rate=1e-2),
            loss=ProductOfExperts(),
            initial_scores=Magnitude(),
            schedule=Cubic(0.1, 0.5),
        )
        options = {"accelerator": "cpu", "enable_progress_bar": False, "default_root_dir": tmp_path, "devices": 1}
        trainer = Trainer(callbacks=list(callbacks), **options | trainer)
        trainer.fit(model, datamodule=data, ckpt_path=ckpt_path, weights_only=True if ckpt_path else None)
        return model

    return run


def test_ten_lines_train_all_phases_and_leave_a_run_that_commands_read(script, tmp_path, capsys):
    model = script(val_check_interval=4, check_val_every_n_epoch=None)
    run = model.folder
    assert run == tmp_path / "lightning_logs" / "version_0"
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"dense.ckpt", "best.ckpt", "last.ckpt"}
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["steps"], metrics["seed"]) == (40, 1)
    assert metrics["sparsity"] == pytest.approx(0.5, abs=0.01)
    assert not (run / "config.yaml").exists()
    described = json.loads((run / "model.json").read_text())
    assert list(described["model"]["init_args"]["phases"]) == ["dense", "mask"]
    out = tmp_path / "dense"
    assert main(["export", str(run), "--format", "dense", "--out", str(out)]) == 0
    (tmp_path / "rows.csv").write_text("premise,hypothesis,gold\na b,c,entailment\nd,e f,neutral\n")
    columns = ["--columns.text_a=premise", "--columns.text_b=hypothesis", "--columns.label=gold"]
    assert main(["test", str(run), "--files", f"own={tmp_path / 'rows.csv'}", *columns]) == 0
    out = str(tmp_path / "predicted.jsonl")
    assert main(["predict", str(run), "--file", str(tmp_path / "rows.csv"), *columns[:-1], "--out", out]) == 0
    out = tmp_path / "split.jsonl"
    assert main(["predict", str(run), "--split", "id", "--out", str(out)]) == 0
    assert len(out.read_text().splitlines()) == 60
    assert main(["report", str(tmp_path / "lightning_logs")]) == 0


@pytest.mark.parametrize("logger", ["tensorboard", "none", "csv"])
def test_a_script_that_is_stopped_resumes_bit_for_bit(script, tmp_path, logger):
    loggers = {"tensorboard": True, "none": False, "csv": CSVLogger(tmp_path / "csv")}
    options = {"val_check_interval": 5, "check_val_every_n_epoch": None}
    whole = script(logger=False, **options).folder
    with pytest.raises(SystemExit):
        script(Stop(), logger=loggers[logger], **options)
    (run,) = {path.parent for path in tmp_path.rglob("run.json")} - {whole}
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    model = script(logger=False, ckpt_path=run / "checkpoints" / "last.ckpt", **options)
    assert model.folder == run
    assert_same(run, whole)


def test_evaluation_by_epochs_as_a_trainer_has_it_works_too(script):
    run = script().folder
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["steps"], metrics["dense/step"] <= 20) == (40, True)


def test_lightnings_own_checkpoints_add_no_second_set_but_a_users_stay(script, tmp_path):
    own = ModelCheckpoint(dirpath=tmp_path / "own", monitor="selection", mode="max")
    script(own, val_check_interval=10, check_val_every_n_epoch=None)
    assert len(list((tmp_path / "own").iterdir())) == 1
    assert not list((tmp_path / "lightning_logs").rglob("epoch=*"))


def test_a_users_checkpoints_stay_whatever_they_set(script):
    own = ModelCheckpoint(every_n_train_steps=15, save_weights_only=True)
    script(own, val_check_interval=10, check_val_every_n_epoch=None)
    assert own.best_model_path


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"barebones": True}, r"trainer\.barebones must be False, got True"),
        ({"check_val_every_n_epoch": 2}, r"trainer\.check_val_every_n_epoch must be 1 or None, got 2"),
        ({"min_steps": 60}, r"trainer\.min_steps must be None or 0, got 60: a run ends with its last phase"),
        ({"min_epochs": 6}, r"trainer\.min_epochs must be None or 0 or 1, got 6"),
        ({"precision": "bf16-true"}, r"trainer\.precision must be 32-true or .*, got bf16-true"),
        ({"precision": "64-true"}, r"trainer\.precision must be 32-true or .*, got 64-true"),
        ({"limit_val_batches": 1}, r"trainer\.limit_val_batches must be 1\.0, got 1: metrics are of whole sets"),
        ({"fast_dev_run": 3}, r"trainer\.fast_dev_run must be False, got 3"),
        ({"max_epochs": 2}, r"trainer\.max_epochs must be -1 or at least 5, got 2"),
    ],
)
def test_a_trainer_that_would_not_train_the_whole_run_is_one_error(script, settings, message):
    with pytest.raises(UserError, match=message):
        script(**settings)


def test_two_runs_do_not_share_a_folder(script, tmp_path):
    logger = CSVLogger(tmp_path, name="same", version=0)
    script(logger=logger, val_check_interval=20, check_val_every_n_epoch=None)
    with pytest.raises(UserError, match="the logger's folder must be of no other run"):
        script(logger=CSVLogger(tmp_path, name="same", version=0))
    assert (tmp_path / "same/version_0/metrics.json").is_file()


def test_a_paradigm_trains_once_and_is_evaluated_by_commands(script):
    model = script(val_check_interval=20, check_val_every_n_epoch=None)
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    with pytest.raises(UserError, match="must be trained once, got it again"):
        trainer.fit(model, datamodule=model.trainer.datamodule)
    with pytest.raises(UserError, match=r"must be trained by Trainer\.fit, got validate"):
        trainer.validate(model, datamodule=model.trainer.datamodule)
