"""Two processes on the CPU (gloo): the same steps, masks and metrics as one; a lost process ends the run."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks
from lit_prune.tuning.names import parts_in

REPOSITORY = Path(__file__).parents[1]
TWO = ("--trainer.devices=2", "--trainer.strategy=ddp")
EMBEDDED = "--data.tasks=" + json.dumps(
    [
        {
            "class_path": "lit_prune.data.EmbeddingTask",
            "init_args": {
                "name": "pairs",
                "loss": "lit_prune.losses.EmbeddingDistillation",
                "selection": "ndcg_at_10",
                "source": {
                    "class_path": "lit_prune.data.GeneratedRestatements",
                    "init_args": {"num_train": 200, "num_eval": 60},
                },
            },
        }
    ]
)
NO_DROPOUT = "--encoder.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}"


class KillOne(Callback):
    """Ends the second process in the middle of a step, with nothing run after it."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, *_):
        if trainer.global_step == self.step and trainer.global_rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def lit_prune(*arguments, path=""):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(path), str(Path(__file__).parent)])}
    command = [sys.executable, "-m", "lit_prune", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)


def metrics(run):
    return json.loads((run / "metrics.json").read_text())


@pytest.fixture
def two_processes(command, tmp_path):
    """A function that runs a configuration made small on two processes: the folder it leaves behind."""

    def run(*arguments, name, **config):
        done = lit_prune(*command(*TWO, *arguments, name=name, **config))
        assert done.returncode == 0, done.stderr[-3000:]
        return tmp_path / "runs" / name / "version_0"

    return run


def test_two_processes_give_what_one_gives(two_processes, experiment):
    """The last batch of a pass is short and odd (241 rows in batches of 32), and so is a set of 60 rows in 64s."""
    pair = two_processes(NO_DROPOUT, name="pair")
    code, single = experiment(NO_DROPOUT, name="single")
    assert code == 0
    masks, expected = (load_masks(run / "masks.safetensors") for run in (pair, single))
    num_equal = sum(int((masks[name] == keep).sum()) for name, keep in expected.items())
    assert num_equal >= 0.9999 * sum(keep.numel() for keep in expected.values()) - 1  # of 4,400 entries one may differ
    found, expected = metrics(pair), metrics(single)
    assert found.keys() == expected.keys()
    assert found["steps"] == expected["steps"] == 40
    for name in ("dense/nli/id/accuracy", "nli/validation/accuracy", "nli/id/accuracy", "nli/ood/accuracy"):
        assert found[name] == pytest.approx(expected[name], abs=0.005 + 1 / 60)
    assert found["nli/id/loss"] == pytest.approx(expected["nli/id/loss"], rel=1e-3)
    assert len(json.loads((pair / "run.json").read_text())["hardware"]) == 4


def test_two_processes_share_the_work_of_a_teacher(two_processes, experiment, finished_run):
    taught = ("--model.init_args.loss=lit_prune.losses.ConfidenceRegularisation", NO_DROPOUT)
    taught += (f"--model.init_args.start_from={finished_run}",)
    pair = two_processes(*taught, name="pair")
    code, single = experiment(*taught, name="single")
    assert code == 0
    assert metrics(pair)["teacher/nli/train/accuracy"] == metrics(single)["teacher/nli/train/accuracy"]
    assert metrics(pair)["nli/id/loss"] == pytest.approx(metrics(single)["nli/id/loss"], rel=1e-3)


@pytest.mark.slow
def test_two_processes_distil_hidden_states_as_one_does(two_processes, experiment, finished_run):
    """The pair computes the predictions, of rows shorter than those of other tests, and the single run reads them."""
    loss = "{class_path: lit_prune.losses.Distillation, init_args: {hardness: 0.5, hidden_weight: 1.0}}"
    distilled = (f"--model.init_args.loss={loss}", NO_DROPOUT, f"--model.init_args.start_from={finished_run}")
    pair = two_processes(*distilled, "--data.max_length=13", config="configs/srnet_ce.yaml", name="pair")
    code, single = experiment(*distilled, "--data.max_length=13", config="configs/srnet_ce.yaml", name="single")
    assert code == 0
    assert metrics(pair)["teacher/nli/train/accuracy"] == metrics(single)["teacher/nli/train/accuracy"]
    assert metrics(pair)["nli/id/loss"] == pytest.approx(metrics(single)["nli/id/loss"], rel=1e-3)


@pytest.mark.slow
def test_two_processes_distil_embeddings_as_one_does(two_processes, experiment):
    pair = two_processes(NO_DROPOUT, EMBEDDED, config="configs/embeddings.yaml", name="pair")
    code, single = experiment(NO_DROPOUT, EMBEDDED, config="configs/embeddings.yaml", name="single")
    assert code == 0
    assert metrics(pair)["pairs/id/loss"] == pytest.approx(metrics(single)["pairs/id/loss"], rel=1e-3)


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("dense", "imp_rewind", "ticket", "rank_magnitude")]


@pytest.mark.parametrize("name", ["imp", "mask_only", *SLOW])
def test_every_paradigm_runs_on_two_processes(command, tmp_path, name):
    done = lit_prune(*command(*TWO, config=f"configs/{name}.yaml", name=name))
    assert done.returncode == 0, done.stderr[-3000:]
    assert "nli/ood/auroc" in metrics(tmp_path / "runs" / name / "version_0")


@pytest.mark.slow
def test_two_processes_choose_the_ranks_that_one_does(two_processes, experiment):
    """Their statistics add up; the run itself compares the masks of its processes, and would stop."""
    recipe = {"config": "configs/recipes/factorise.yaml"}
    brief = [f"--model.init_args.phases.{each}.init_args.training.length=8 steps" for each in ("dense", "retrain")]
    whitening = "--model.init_args.phases.factorise.init_args.structure.init_args.whitening"
    brief += [f"{whitening}=lit_prune.sparsity.whitenings.Kronecker", "--trainer.val_check_interval=4", NO_DROPOUT]
    pair = two_processes(*brief, name="pair", **recipe)
    code, single = experiment(*brief, name="single", **recipe)
    assert code == 0
    found, expected = (read_checkpoint(run / "checkpoints" / "best.ckpt")["state_dict"] for run in (pair, single))
    assert {name: value.shape for name, value in found.items()} == {name: each.shape for name, each in expected.items()}
    assert metrics(pair)["factorise/nli/id/loss"] == pytest.approx(metrics(single)["factorise/nli/id/loss"], rel=1e-3)


def test_two_processes_tune_the_entries_that_one_does(two_processes, experiment):
    pair = two_processes(NO_DROPOUT, config="configs/sam.yaml", name="pair")
    code, single = experiment(NO_DROPOUT, config="configs/sam.yaml", name="single")
    assert code == 0
    found, expected = (
        parts_in(torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"])
        for run in (pair, single)
    )
    assert found.keys() == expected.keys()
    num = sum(len(parts["index"]) for parts in expected.values())
    num_common = sum(int(torch.isin(found[name]["index"], parts["index"]).sum()) for name, parts in expected.items())
    assert num_common >= 0.99 * num
    assert metrics(pair)["nli/id/loss"] == pytest.approx(metrics(single)["nli/id/loss"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adapter", "diffpruning", "lora"])
def test_two_processes_tune_in_other_ways(command, tmp_path, name):
    """The run itself compares which entries its processes tune, and would stop."""
    overlay = (f"--config={REPOSITORY / f'configs/tuning/{name}.yaml'}", "--model.init_args.tune.steps=12")
    if name == "diffpruning":
        overlay += ("--model.init_args.search.steps=12", "--model.init_args.method.init_args.every=4")
    done = lit_prune(*command(*TWO, *overlay, config="configs/sam.yaml", name=name))
    assert done.returncode == 0, done.stderr[-3000:]
    run = tmp_path / "runs" / name / "version_0"
    assert "nli/ood/auroc" in metrics(run)
    if name == "diffpruning":
        base, tuned = (read_checkpoint(run / f"checkpoints/{each}.ckpt")["state_dict"] for each in ("dense", "best"))
        for tensor, value in base.items():
            assert tensor.startswith("heads.") or (tuned[tensor] != value).sum() <= int(0.005 * value.numel())


def test_two_tasks_are_drawn_alike_by_two_processes_which_learn_the_same_masks(command, two_tasks, tmp_path):
    """The run itself compares the masks of its processes at every refresh, and would stop."""

    def run(name, strategy):
        arguments = ("--config", two_tasks, "--trainer.devices=2", f"--trainer.strategy={strategy}")
        arguments += ("--model.init_args.task_masks=hybrid",)
        return lit_prune(*command(*arguments, config="configs/movement.yaml", name=name))

    refused = run("refused", "ddp")
    assert refused.returncode != 0
    assert "--trainer.strategy ddp_find_unused_parameters_true" in refused.stderr
    done = run("two", "ddp_find_unused_parameters_true")
    assert done.returncode == 0, done.stderr[-3000:]
    folder = tmp_path / "runs" / "two" / "version_0"
    assert {"nli/id/accuracy", "paraphrase/id/accuracy", "macro"} <= metrics(folder).keys()
    one, other = (load_masks(folder / f"{task}_masks.safetensors") for task in ("nli", "paraphrase"))
    assert any(not torch.equal(one[name], keep) for name, keep in other.items())


def test_a_lost_process_ends_the_run_which_resumes_bit_for_bit(two_processes, command, tmp_path):
    whole = two_processes(name="whole")
    (tmp_path / "cut_off.py").write_text(Path(__file__).read_text())
    lost = lit_prune(*command(*TWO, cut_off_by("cut_off.KillOne", 27), name="lost"), path=tmp_path)
    assert lost.returncode != 0
    run = tmp_path / "runs" / "lost" / "version_0"
    assert not (run / "metrics.json").exists()
    assert read_checkpoint(run / "checkpoints" / "last.ckpt")["global_step"] == 24
    without_callbacks(run)
    resumed = lit_prune("fit", "--resume", str(run))
    assert resumed.returncode == 0, resumed.stderr[-3000:]
    assert_same(run, whole)


@pytest.mark.slow
def test_two_processes_learn_one_trust_in_the_bias_model(two_processes, experiment):
    learned = ("--model.init_args.loss=lit_prune.losses.LearnedMixin", NO_DROPOUT)
    pair = two_processes(*learned, name="pair")
    code, single = experiment(*learned, name="single")
    assert code == 0
    found, expected = (
        read_checkpoint(run / "checkpoints" / "last.ckpt")["lit_prune"]["loss"] for run in (pair, single)
    )
    assert found.keys() == expected.keys() == {"loss.gate.weight", "loss.gate.bias"}
    for name, value in expected.items():
        assert float(value.abs().max()) > 0
        torch.testing.assert_close(found[name], value, rtol=1e-2, atol=1e-3)


@pytest.mark.slow
def test_two_processes_weight_groups_as_one(two_processes, experiment):
    weighted = ("--data.groups=overlap", "--model.init_args.loss=lit_prune.losses.GroupDro", NO_DROPOUT)
    pair = two_processes(*weighted, name="pair")
    code, single = experiment(*weighted, name="single")
    assert code == 0
    found, expected = (
        read_checkpoint(run / "checkpoints" / "last.ckpt")["lit_prune"]["loss"]["loss.weights"]
        for run in (pair, single)
    )
    assert float(expected.std()) > 1e-4
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=0)


def test_a_script_with_a_trainer_of_its_own_trains_on_two_processes(tiny_backbone, tmp_path):
    script = [sys.executable, str(Path(__file__).parent / "bare_trainer.py"), str(tiny_backbone), str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    run = tmp_path / "lightning_logs" / "version_0"
    assert metrics(run)["steps"] == 16
    assert json.loads((run / "run.json").read_text())["hardware"]["num_devices"] == 2
    assert {path.name for path in (run / "checkpoints").iterdir()} == {"dense.ckpt", "best.ckpt", "last.ckpt"}
