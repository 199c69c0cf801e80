"""What a run leaves behind for whoever reads it later, and what it does not when it is cut off."""

import hashlib
import json
import signal
from importlib.metadata import version
from itertools import count

import pyarrow.parquet
import pytest
import torch
import yaml
from sklearn.metrics import roc_auc_score

from lit_prune.callbacks import record
from lit_prune.losses import CrossEntropy
from lit_prune.paradigms import Paradigm, selection
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.runs.evaluations import read_evaluations
from lit_prune.sparsity.files import load_masks

BRIEF = ("--model.init_args.dense.steps", "2", "--model.init_args.mask.steps", "2", "--trainer.val_check_interval", "2")


def read(path):
    def refuse(constant):
        raise AssertionError(f"{path} holds {constant}, which is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


@pytest.fixture(scope="module")
def run(finished_run):
    return read(finished_run / "run.json")


@pytest.fixture(scope="module")
def metrics(finished_run):
    return read(finished_run / "metrics.json")


# ---- run.json ----------------------------------------------------------------------------------------------------


def test_how_the_run_was_made(run):
    assert run["experiment"] == "finished"
    assert run["axes"] == {"seed": 1}
    assert run["versions"]["torch"] == version("torch")
    assert run["hardware"]["device"]
    assert run["hardware"] | {"device": ""} == {
        "device": "",
        "num_devices": 1,
        "num_threads": torch.get_num_threads(),
        "precision": "32-true",
    }
    assert (run["commit"] is None) or len(run["commit"].removesuffix("+")) == 40
    assert (len(run["config_hash"]), bool(run["data_hash"])) == (64, True)


def test_supervision_is_that_of_each_model(run):
    assert run["supervision"] == {"dense": [], "result": ["bias model"]}


def test_every_evaluation_is_recorded(finished_run, metrics):
    evaluations = read_evaluations(finished_run)
    assert [(each.phase, each.step) for each in evaluations] == [
        ("dense" if step <= 120 else "mask", step) for step in range(10, 141, 10)
    ]
    seconds = [each.seconds for each in evaluations]
    assert sorted(seconds) == seconds
    assert 0 < seconds[0] < seconds[-1] <= metrics["wall_seconds"]
    by_step = {each.step: each for each in evaluations}
    selected = by_step[metrics["step"]]
    assert selected.eligible
    assert selected.metrics.items() <= metrics.items()
    assert selected.sparsity == metrics["sparsity"]
    assert by_step[metrics["dense/step"]].metrics["nli/ood/ece"] == metrics["dense/nli/ood/ece"]
    assert metrics["selection"] == max(
        each.metrics["nli/validation/accuracy"] for each in evaluations if each.phase == "mask" and each.eligible
    )


def test_how_the_run_stands(run, metrics):
    assert (run["status"], run["step"]) == ("completed", 140)
    assert 0 < metrics["wall_seconds"] <= run["seconds"] < 600
    assert run["started"] > 1.7e9


def test_hashes_tell_settings_and_data_apart_wherever_the_run_is_written(experiment, tmp_path):
    def hashes(*arguments, root=tmp_path / "runs"):
        assert experiment(*BRIEF, "--trainer.default_root_dir", str(root), *arguments)[0] == 0
        run = read(sorted(root.rglob("run.json"), key=lambda path: path.stat().st_mtime_ns)[-1])
        return run["config_hash"], run["data_hash"]

    config, data = hashes()
    assert hashes("--experiment=another", root=tmp_path / "elsewhere") == (config, data)
    other_rate = hashes("--model.init_args.mask.learning_rate", "2e-2")
    assert other_rate[0] != config
    assert other_rate[1] == data
    other_cut = hashes("--data.validation_fraction", "0.1")
    assert other_cut[0] != config
    assert other_cut[1] != data


def test_the_hash_is_that_of_the_settings_that_studies_compare(finished_run, run, resolve):
    """A setting that is None is none, wherever in the configuration it stands or does not."""
    resolved = record.decisive(resolve([f"--config={finished_run / 'config.yaml'}"]))
    assert "null" not in json.dumps(resolved)
    assert run["config_hash"] == hash_of(resolved)
    (task,) = resolved["data"]["tasks"]
    more = {"trainer": {"logger": True, **resolved["trainer"], "max_time": None}, "newer": None, "experiment": "b"}
    more["data"] = {**resolved["data"], "tasks": [{**task, "init_args": {**task["init_args"], "newer": None}}]}
    assert record.decisive({**resolved, **more}) == resolved


@pytest.mark.parametrize("native", ["bf16-mixed", "32-true"])
def test_a_precision_left_to_the_device_is_recorded_and_is_no_setting(experiment, monkeypatch, native):
    monkeypatch.setattr("lit_prune.fitting.cli.native_precision", lambda accelerator: native)
    code, folder = experiment("--trainer.precision=null", *BRIEF)
    assert code == 0
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert (config["trainer"]["precision"], config["chosen_precision"]) == (native, native)
    run = read(folder / "run.json")
    assert run["hardware"]["precision"] == native
    config["trainer"]["precision"] = config["chosen_precision"] = None
    assert run["config_hash"] == hash_of(record.decisive(config))
    config["trainer"]["precision"] = native
    assert run["config_hash"] != hash_of(record.decisive(config))


def hash_of(settings):
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def test_a_place_in_a_study_is_recorded_and_is_no_setting(experiment, tmp_path):
    _, plain = experiment(*BRIEF, name="plain")
    _, placed = experiment(*BRIEF, '--axes={"run": "mask", "sparsity": 0.5, "loss": "poe"}', name="placed")
    plain, placed = read(plain / "run.json"), read(placed / "run.json")
    assert placed["axes"] == {"seed": 1, "run": "mask", "sparsity": 0.5, "loss": "poe"}
    assert (plain["axes"], plain["config_hash"]) == ({"seed": 1}, placed["config_hash"])


# ---- metrics.json ------------------------------------------------------------------------------------------------


def test_metrics_are_a_flat_object_of_numbers(metrics):
    assert metrics.pop("denominator").startswith("4,400 weights of 14 matrices (query, key, ")
    assert all(isinstance(value, int | float) for value in metrics.values())


@pytest.mark.parametrize("prefix", ["", "dense/", "dense_shifted/"])
def test_every_model_has_its_metrics(metrics, prefix):
    splits = ["id", "ood"] + ["validation"] * (prefix != "dense_shifted/")
    classes = {"ood": ("entailment", "non_entailment")}
    for split in splits:
        names = ["accuracy", "auroc", "loss"]
        for each in classes.get(split, ("contradiction", "entailment", "neutral")):
            names += [f"accuracy_{each}", f"predicted_share_{each}"]
        assert {f"{prefix}nli/{split}/{name}" for name in names} <= metrics.keys()


def test_the_run_is_described_beside_its_metrics(metrics):
    assert (metrics["seed"], metrics["steps"]) == (1, 140)
    assert metrics["step"] == 140  # the only evaluation at the final sparsity
    assert metrics["dense/step"] in range(10, 121, 10)
    assert (metrics["sparsity"], metrics["density"]) == (0.5, 0.5)
    assert 0.8 < metrics["bias/nli/accuracy"] < 1
    assert 1 / 3 <= metrics["constant/nli/id/accuracy"] < 0.5 <= metrics["constant/nli/ood/accuracy"] < 0.7


def test_the_shifted_dense_model_predicts_as_many_positives_as_the_result(metrics):
    shares = [metrics[f"{prefix}nli/ood/predicted_share_entailment"] for prefix in ("", "dense_shifted/")]
    assert 0 < shares[0] == shares[1] < 1


def test_a_dense_run_is_its_own_result(finished_dense_run):
    metrics = read(finished_dense_run / "metrics.json")
    assert (metrics["sparsity"], metrics["denominator"], metrics["steps"]) == (0, "nothing is pruned", 20)
    assert not [name for name in metrics if name.startswith("dense")]
    assert (finished_dense_run / "predictions.parquet").is_file()
    assert not (finished_dense_run / "dense_predictions.parquet").exists()
    assert not (finished_dense_run / "masks.safetensors").exists()


def test_metrics_come_when_all_else_is_there(experiment, monkeypatch):
    there = {}

    def write_json(values, path, writer):
        if path.name == "metrics.json":
            there["status"] = read(path.parent / "run.json")["status"]
            there["files"] = {each.name for each in path.parent.rglob("*")}
        there["last"] = path.name
        path.write_text(json.dumps(values))

    monkeypatch.setattr(record, "write_json", write_json)
    code, _ = experiment(*BRIEF)
    assert code == 0
    assert (there["last"], there["status"]) == ("metrics.json", "completed")
    files = {"config.yaml", "run.json", "masks.safetensors", "predictions.parquet", "dense_predictions.parquet"}
    assert files | {"dense.ckpt", "best.ckpt", "last.ckpt"} <= there["files"]


# ---- runs that are cut off ---------------------------------------------------------------------------------------


@pytest.fixture
def cut_off(experiment, monkeypatch):
    """A function: an exception -> the folder of a run in whose mask phase it came up."""

    def run(error):
        step = Paradigm.training_step

        def training_step(self, batch, batch_idx):
            if self.phase == "mask" and self.trainer.global_step == 3:
                raise error
            return step(self, batch, batch_idx)

        monkeypatch.setattr(Paradigm, "training_step", training_step)
        before = signal.getsignal(signal.SIGINT)
        try:
            with pytest.raises((type(error), SystemExit)):
                experiment(*BRIEF, name="cut")
        finally:
            signal.signal(signal.SIGINT, before)  # Lightning ignores a second one

    return run


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("bug"), "failed"), (KeyboardInterrupt(), "interrupted")])
def test_a_run_that_is_cut_off_says_so_and_has_no_metrics(cut_off, tmp_path, error, status):
    cut_off(error)
    folder = tmp_path / "runs" / "cut" / "version_0"
    run = read(folder / "run.json")
    assert (run["status"], run["step"]) == (status, 3)
    assert (folder / "checkpoints" / "dense.ckpt").is_file()
    assert not (folder / "metrics.json").exists()


class Diverging(CrossEntropy):
    """Infinite after the first step of a phase."""

    def compute(self, logits, batch):
        return super().compute(logits, batch) / (batch.progress == 0)


def test_a_run_whose_loss_is_not_finite_has_failed(experiment, capsys):
    code, folder = experiment(*BRIEF, f"--model.init_args.loss={__name__}.Diverging", config="configs/srnet_ce.yaml")
    assert code == 2
    assert "the loss must be finite, got " in capsys.readouterr().err
    assert read(folder / "run.json")["status"] == "failed"
    assert not (folder / "metrics.json").exists()


# ---- masks and predictions ---------------------------------------------------------------------------------------


def test_masks_are_those_of_the_best_checkpoint(finished_run, metrics):
    masks = load_masks(finished_run / "masks.safetensors")
    state = read_checkpoint(finished_run / "checkpoints" / "best.ckpt")["state_dict"]
    layers = [name.removesuffix(".mask.scores") for name in state if name.endswith(".mask.scores")]
    assert list(masks) == [f"{layer}.weight" for layer in layers]
    for layer in layers:
        keep = state[f"{layer}.mask.scores"] >= state[f"{layer}.mask.threshold"]
        assert torch.equal(masks[f"{layer}.weight"], keep)
        assert keep.shape == state[f"{layer}.weight"].shape
    num_kept = sum(int(mask.sum()) for mask in masks.values())
    assert metrics["sparsity"] == 1 - num_kept / sum(mask.numel() for mask in masks.values())


@pytest.mark.parametrize(("file", "prefix"), [("predictions", ""), ("dense_predictions", "dense/")])
def test_predictions_reproduce_the_metrics(finished_run, metrics, file, prefix):
    table = pyarrow.parquet.read_table(finished_run / f"{file}.parquet").to_pandas()
    assert table.groupby(["task", "split"]).size().to_dict() == {
        ("nli", "validation"): 13,
        ("nli", "id"): 60,
        ("nli", "ood"): 60,
    }
    for (task, split), rows in table.groupby(["task", "split"]):
        right = rows["label"] == rows["prediction"]
        name = f"{prefix}{task}/{split}"
        scores = torch.tensor([*map(list, rows["logits"])], dtype=torch.float64).softmax(-1)[:, 1]
        assert metrics[f"{name}/accuracy"] == pytest.approx(right.mean())
        assert metrics[f"{name}/loss"] == pytest.approx(rows["loss"].mean(), rel=1e-5)
        assert metrics[f"{name}/auroc"] == pytest.approx(roc_auc_score(rows["label"] == "entailment", scores))
        for label in rows["label"].unique():
            assert metrics[f"{name}/accuracy_{label}"] == pytest.approx(right[rows["label"] == label].mean())
            assert metrics[f"{name}/predicted_share_{label}"] == pytest.approx((rows["prediction"] == label).mean())


def test_what_is_kept_is_of_the_best_model_not_of_the_last(experiment, monkeypatch):
    evaluations = count()
    monkeypatch.setattr(selection, "mean_selection", lambda values, tasks: -float(next(evaluations)))
    code, folder = experiment(*BRIEF, "--model.init_args.dense.steps", "4")
    metrics = read(folder / "metrics.json")
    assert (code, metrics["dense/step"], metrics["step"]) == (0, 2, 6)
    rows = pyarrow.parquet.read_table(folder / "dense_predictions.parquet").to_pandas()
    of_id = rows[rows["split"] == "id"]
    assert metrics["dense/nli/id/loss"] == pytest.approx(of_id["loss"].mean(), rel=1e-6)
