"""A dense model, the run's own or another's, as the teacher of a phase."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from datasets import Dataset
from lightning.pytorch import Callback
from run_helpers import assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Predicted
from lit_prune.heads import Classification
from lit_prune.losses import ConfidenceRegularisation
from lit_prune.paradigms import teacher as teaching
from lit_prune.paradigms.teacher import Teacher
from lit_prune.paradigms.teacher_model import TeacherModel
from lit_prune.runs.checkpoints import read_checkpoint

CONFIG = "configs/srnet_confidence.yaml"
LOSS = "--model.init_args.loss=lit_prune.losses.ConfidenceRegularisation"


class Witness(Callback):
    """Keeps hold of the last run's data."""

    data = None

    def on_fit_start(self, trainer, _):
        Witness.data = trainer.datamodule


class Watched(ConfidenceRegularisation):
    """Notes what it is given in training, under a bias model that has no clue of the label."""

    seen = []

    def compute(self, logits, batch):
        batch = replace(batch, bias=F.one_hot((batch.labels + 1) % 3, 3).float().log())
        value = super().compute(logits, batch)
        if logits.requires_grad:  # losses are computed once without gradients before a run, to check that they fit
            Watched.seen.append((batch.index, batch.teacher, logits.detach(), value.detach(), batch.progress))
        return value


def by_one(run, texts, backbone):
    """The log-probabilities that a run's dense model gives each pair of texts, alone and without padding."""
    state = read_checkpoint(run / "checkpoints" / "dense.ckpt")["state_dict"]
    encoder = PrunableEncoder(str(backbone)).eval()
    head = Classification(encoder.hidden_size, 3, encoder.hidden_dropout, encoder.has_pooler).eval()
    for part, prefix in ((encoder, "encoder."), (head, "heads.nli.")):
        part.load_state_dict({name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)})
    with torch.no_grad():
        rows = [head(*encoder(encoder.tokenizer(*pair, return_tensors="pt"))) for pair in texts]
    return torch.cat(rows).log_softmax(-1)


def test_every_step_of_the_mask_phase_distils_what_the_dense_model_says_of_its_rows(
    experiment, finished_run, tiny_backbone, capsys
):
    Watched.seen.clear()
    code, run = experiment(
        f"--model.init_args.start_from={finished_run}",
        f"--model.init_args.loss={__name__}.Watched",
        f"--trainer.callbacks+={__name__}.Witness",
        config=CONFIG,
    )
    assert code == 0
    rows = Witness.data.train["nli"]
    expected = by_one(run, list(zip(rows["text_a"], rows["text_b"], strict=True)), tiny_backbone)
    assert len(Watched.seen) == 20
    for index, teacher, logits, value, _ in Watched.seen:
        torch.testing.assert_close(teacher, expected[index], rtol=1e-4, atol=1e-5)
        distilled = -(expected[index].exp() * logits.log_softmax(-1)).sum(-1).mean()
        torch.testing.assert_close(value, distilled, rtol=1e-4, atol=1e-5)
    assert [progress for *_, progress in Watched.seen] == pytest.approx([step / 20 for step in range(20)])
    accuracy = float((expected.argmax(-1) == torch.tensor(rows["label"][:])).double().mean())
    assert json.loads((run / "metrics.json").read_text())["teacher/nli/train/accuracy"] == accuracy
    assert f"accuracy of the teacher: train {accuracy:.3f}, validation " in capsys.readouterr().out


def test_the_mask_that_a_teacher_trains_is_another(experiment, finished_run):
    scores = []
    for config in (CONFIG, "configs/srnet_ce.yaml"):
        _, run = experiment(f"--model.init_args.start_from={finished_run}", config=config, name=Path(config).stem)
        state = read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
        scores.append(torch.cat([each.flatten() for name, each in state.items() if name.endswith("mask.scores")]))
    assert not torch.equal(*scores)


# At an evaluation, amid the mask phase; after an evaluation of the second round, amid the fifth.
@pytest.mark.parametrize(
    ("config", "steps"), [(CONFIG, (6, 13)), pytest.param("configs/imp.yaml", (11, 24), marks=pytest.mark.slow)]
)
def test_a_run_cut_off_and_resumed_has_the_same_teacher(experiment, finished_run, config, steps):
    arguments = (f"--model.init_args.start_from={finished_run}", LOSS)
    _, reference = experiment(*arguments, config=config, name="reference")
    assert "teacher/nli/train/accuracy" in json.loads((reference / "metrics.json").read_text())
    for step in steps:
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            experiment(*arguments, cut_off_by("run_helpers.CutOff", step), config=config, name=f"cut_{step}")
        run = reference.parents[1] / f"cut_{step}" / "version_0"
        without_callbacks(run)
        assert main(["fit", "--resume", str(run)]) == 0
        assert_same(run, reference)


@pytest.mark.parametrize("tuning", ["lora", "adapter"])
def test_the_dense_model_teaches_what_tuning_adds_modules_to(experiment, tuning, any_teacher):
    dense = ("--model.init_args.dense={length: 4 steps}", "--model.init_args.loss=lit_prune.losses.Distillation")
    code, run = experiment(f"--config=configs/tuning/{tuning}.yaml", *dense, config="configs/sam.yaml")
    assert code == 0
    (metrics,) = run.parents[1].glob("*/version_0/metrics.json")  # the tuning names the experiment
    assert "teacher/nli/train/accuracy" in json.loads(metrics.read_text())


def test_a_poor_teacher_is_an_error_before_a_step(experiment, tiny_backbone, capsys):
    code, run = experiment(
        "--model.init_args.dense.steps=6", "--model.init_args.dense.learning_rate=1e-7", config=CONFIG
    )
    assert code == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert "the teacher of task 'nli' must be right on" in message
    assert "train it longer" in message
    assert json.loads((run / "run.json").read_text())["step"] == 6


@pytest.mark.parametrize(("num_right", "refused"), [(63, True), (64, False)])
def test_a_teacher_has_to_beat_the_largest_class_by_a_tenth_of_the_rest(num_right, refused):
    labels = torch.arange(100).ge(60).long()  # 60 and 40 rows
    said = torch.where(torch.arange(100) < num_right, labels, 1 - labels)
    rows = Dataset.from_dict({"label": labels.tolist()})
    of = EvaluationSet("nli", "train", rows, labels=("no", "yes"), class_map=(0, 1))
    predicted = Predicted(of, F.one_hot(said, 2) * math.log(3))
    if refused:
        with pytest.raises(UserError, match=r"must be right on 0\.640 of its training rows, got 0\.630"):
            Teacher([predicted])
        return
    teacher = Teacher([predicted])
    assert teacher.accuracy == {"nli/train/accuracy": 0.64}
    batch = SimpleNamespace(task="nli", labels=labels[[2, 98]], index=torch.tensor([2, 98]))
    torch.testing.assert_close(teacher(batch, torch.zeros(2, 2)), torch.tensor([[0.75, 0.25], [0.75, 0.25]]).log())


DENSE_LOSS = LOSS.replace("loss=", "dense_loss=")


def refusal(capsys, code, run):
    assert code == 2
    assert not run.exists()
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_the_dense_phase_cannot_have_the_teacher_that_it_trains(experiment, capsys):
    code, run = experiment(DENSE_LOSS, config="configs/dense.yaml")
    assert "name a dense run, or a fine-tuned model's folder, as model.init_args.teacher" in refusal(capsys, code, run)


def test_a_dense_model_is_taught_by_that_of_another_run(experiment, finished_run):
    teacher = f"--model.init_args.teacher={finished_run}"
    values, states = {}, {}
    for name, arguments in {"taught": (DENSE_LOSS, teacher), "alone": ()}.items():
        code, run = experiment(*arguments, config="configs/dense.yaml", name=name)
        assert code == 0
        values[name] = json.loads((run / "metrics.json").read_text())
        states[name] = read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
    origin = json.loads((finished_run / "metrics.json").read_text())
    found = {name: value for name, value in values["taught"].items() if name.startswith("teacher/")}
    assert set(found) == {f"teacher/nli/{split}/accuracy" for split in ("train", "validation", "id", "ood")}
    for split in ("validation", "id", "ood"):
        assert found[f"teacher/nli/{split}/accuracy"] == pytest.approx(origin[f"dense/nli/{split}/accuracy"])
    assert not any(
        torch.equal(value, states["alone"][name]) for name, value in states["taught"].items() if "query.weight" in name
    )


def test_a_foreign_teacher_is_an_error_that_names_both(
    experiment, finished_run, finished_roberta_run, tmp_path, capsys
):
    code, run = experiment(DENSE_LOSS, f"--model.init_args.teacher={finished_roberta_run}", config="configs/dense.yaml")
    assert f"{finished_roberta_run}/checkpoints/dense.ckpt must have this model's architecture" in refusal(
        capsys, code, run
    )
    other = tmp_path / "version_0"
    shutil.copytree(finished_run, other, ignore=shutil.ignore_patterns("checksums.json"))
    config = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(
        config.replace("- contradiction\n      - entailment", "- entailment\n      - contradiction")
    )
    assert (other / "config.yaml").read_text() != config
    ours, theirs = (
        "{'nli': ['contradiction', 'entailment', 'neutral']}",
        "{'nli': ['entailment', 'contradiction', 'neutral']}",
    )
    for setting, loss, config in (("teacher", DENSE_LOSS, "configs/dense.yaml"), ("start_from", LOSS, CONFIG)):
        code, run = experiment(loss, f"--model.init_args.{setting}={other}", config=config)
        assert (
            f"{other}/checkpoints/dense.ckpt must have the tasks and classes {ours} of a teacher, got {theirs}"
            in refusal(capsys, code, run)
        )


def test_a_teacher_that_is_not_there_or_not_needed_is_an_error(experiment, finished_run, tmp_path, capsys):
    code, run = experiment(DENSE_LOSS, f"--model.init_args.teacher={tmp_path}/none", config="configs/dense.yaml")
    assert f"teacher must be a run's folder or a checkpoint file, got '{tmp_path}/none'" in refusal(capsys, code, run)
    code, run = experiment(f"--model.init_args.teacher={finished_run}", config="configs/dense.yaml")
    assert code == 2
    assert "the loss of a phase must use the teacher " in capsys.readouterr().err


@pytest.mark.parametrize("config", ["configs/mask_only.yaml", "configs/ticket.yaml"])
def test_without_a_trained_dense_model_there_is_no_teacher(experiment, capsys, config):
    code, run = experiment(LOSS, config=config)
    assert code == 2
    assert "the run must have a trained dense model" in capsys.readouterr().err
    assert not run.exists()


DISTILLED = "--model.init_args.loss={class_path: lit_prune.losses.Distillation, init_args: {%s}}"
NO_BIAS = "--data.tasks=" + json.dumps(
    [
        {
            "class_path": "lit_prune.data.Task",
            "init_args": {
                "name": "nli",
                "labels": ["contradiction", "entailment", "neutral"],
                "source": {
                    "class_path": "lit_prune.data.WithUnlabelled",
                    "init_args": {
                        "source": {
                            "class_path": "lit_prune.data.GeneratedNli",
                            "init_args": {"version": 1, "num_train": 253, "num_eval": 60},
                        },
                        "unlabelled": {"paths": ["texts.csv"], "columns": {"text_a": "first", "text_b": "second"}},
                    },
                },
            },
        }
    ]
)


@pytest.fixture
def any_teacher(monkeypatch):
    """Few steps train no good one."""
    monkeypatch.setattr("lit_prune.paradigms.teacher.MARGIN", -1.0)


@pytest.mark.usefixtures("any_teacher")
def test_the_folder_of_a_model_teaches_what_its_run_does(experiment, finished_dense_run, export):
    folder = export(finished_dense_run, "dense")
    values = {}
    for name, teacher in {"run": finished_dense_run, "folder": folder}.items():
        arguments = (DISTILLED % "hardness: 1.0", f"--model.init_args.teacher={teacher}")
        code, run = experiment(*arguments, config="configs/magnitude.yaml", name=name)
        assert code == 0
        values[name] = json.loads((run / "metrics.json").read_text())
    assert values["run"].keys() == values["folder"].keys()
    for name in ("teacher/nli/train/accuracy", "teacher/nli/ood/accuracy", "nli/id/loss", "nli/ood/loss"):
        assert values["folder"][name] == pytest.approx(values["run"][name], rel=1e-4)


@pytest.mark.usefixtures("any_teacher")
def test_a_run_that_compares_hidden_states_resumes_with_them(experiment, finished_run):
    arguments = (f"--model.init_args.start_from={finished_run}", DISTILLED % "hardness: 0.5, hidden_weight: 1.0")
    _, reference = experiment(*arguments, config="configs/srnet_ce.yaml", name="reference")
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*arguments, cut_off_by("run_helpers.CutOff", 13), config="configs/srnet_ce.yaml", name="cut")
    run = reference.parents[1] / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, reference)


@pytest.mark.usefixtures("any_teacher")
def test_texts_without_labels_are_trained_on_by_a_loss_that_reads_none(experiment, finished_run, tmp_path, capsys):
    (tmp_path / "texts.csv").write_text("first,second\na boy slept .,a boy slept .\n" * 8)
    arguments = (f"--model.init_args.start_from={finished_run}", NO_BIAS, f"--data.root={tmp_path}")
    code, _ = experiment(*arguments, DISTILLED % "hardness: 0.5", config="configs/srnet_ce.yaml", name="labels")
    assert code == 2
    assert "must do without labels, as task 'nli' has unlabelled rows, got Distillation" in capsys.readouterr().err
    steps = (DISTILLED % "hardness: 1.0", f"--trainer.callbacks+={__name__}.Seen")
    code, run = experiment(*arguments, *steps, config="configs/srnet_ce.yaml")
    assert code == 0
    assert -1 in Seen.labels
    assert 0 < json.loads((run / "metrics.json").read_text())["teacher/nli/train/accuracy"] < 1


class Seen(Callback):
    """Notes the labels of training batches."""

    labels = set()

    def on_train_batch_end(self, trainer, module, outputs, batch, *_):
        Seen.labels.update(batch.labels.tolist())


@pytest.mark.parametrize("config", ["srnet_ce", "imp", "mask_only", "movement", "sam", "ticket", "dense"])
def test_every_paradigm_takes_a_teacher(config, experiment, tmp_path, capsys):
    code, run = experiment(f"--model.init_args.teacher={tmp_path}/none", config=f"configs/{config}.yaml")
    assert f"teacher must be a run's folder or a checkpoint file, got '{tmp_path}/none'" in refusal(capsys, code, run)


def test_predictions_are_computed_once_and_again_if_their_file_is_damaged(experiment, finished_run, monkeypatch):
    num_computed = []
    forward = TeacherModel.forward
    monkeypatch.setattr(TeacherModel, "forward", lambda self, batch: num_computed.append(1) or forward(self, batch))
    files = []
    write = teaching.write_logits
    monkeypatch.setattr(teaching, "write_logits", lambda path, logits: files.append(path) or write(path, logits))
    arguments = (DENSE_LOSS, f"--model.init_args.teacher={finished_run}", "--data.max_length=12")
    accuracies = []
    for name in ("first", "second", "third"):
        num_computed.clear()
        code, run = experiment(*arguments, config="configs/dense.yaml", name=name)
        assert code == 0
        accuracies.append(json.loads((run / "metrics.json").read_text())["teacher/nli/train/accuracy"])
        assert bool(num_computed) == (name != "second")
        if name == "second":
            files[0].write_bytes(files[0].read_bytes()[:-1])
    assert len(set(accuracies)) == 1
