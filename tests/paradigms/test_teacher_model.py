"""Teachers in folders of transformers, against plain transformers, for every kind of task."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from lit_prune.data import (
    EmbeddingTask,
    GeneratedEntities,
    GeneratedNli,
    GeneratedReading,
    GeneratedSimilarity,
    GeneratedTopics,
    MultiLabelTask,
    MultitaskDataModule,
    SpanTask,
    Task,
    TokenTask,
)
from lit_prune.data.tasks.regression import RegressionTask
from lit_prune.data.tasks.tags import bio_tags
from lit_prune.data.tasks.windows import Windows
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.losses import CosineSquaredError, Distillation
from lit_prune.paradigms import teacher
from lit_prune.paradigms.teacher import check_teacher, teach
from lit_prune.paradigms.teacher_model import Origin
from lit_prune.phases import FineTune
from lit_prune.phases.training import Training

LABELS = ["contradiction", "entailment", "neutral"]
TYPES = ["person", "place", "organisation"]
SIZES = {"num_train": 48, "num_eval": 12}


@pytest.fixture
def fine_tuned(tiny_family, tmp_path):
    """A function: a class of transformers, a family, names of classes -> the folder of a model with random weights."""

    def make(auto, model_type, *labels, **settings):
        folder = tmp_path / f"teacher_{model_type}"
        names = {"id2label": dict(enumerate(labels)), "label2id": {name: n for n, name in enumerate(labels)}}
        config = AutoConfig.from_pretrained(tiny_family(model_type), **(names if labels else {}), **settings)
        torch.manual_seed(3)
        model = auto.from_config(config)
        for value in model.parameters():
            nn.init.normal_(value, std=0.2)
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(tiny_family(model_type)).save_pretrained(folder)
        return folder

    return make


@pytest.fixture
def run_of(tiny_backbone, monkeypatch):
    """A function: a task, a teacher -> what of a run its teacher needs, on one process."""
    monkeypatch.setattr(teacher, "MARGIN", -1.0)

    def make(task, folder, loss=None, max_length=32):
        encoder = PrunableEncoder(str(tiny_backbone))
        data = MultitaskDataModule(
            [task], encoder.tokenizer, encoder.word_embeddings, max_length=max_length, validation_fraction=0.25
        )
        data.setup("fit")
        trainer = SimpleNamespace(
            precision="32-true",
            world_size=1,
            is_global_zero=True,
            strategy=SimpleNamespace(batch_to_device=lambda batch, device: batch),
        )
        run = SimpleNamespace(
            encoder=encoder,
            tasks=data.tasks,
            heads=nn.ModuleDict({task.name: task.make_head(encoder)}),
            data=data,
            trainer=trainer,
            device=torch.device("cpu"),
            sum_processes=lambda own: own,
            phases={"dense": FineTune(Training(steps=1), loss or Distillation(1.0))},
            taught_by=Origin(str(folder)),
        )
        run.taught_by.check(run)
        check_teacher(run, [phase.loss.for_task(task.loss) for phase in run.phases.values()])
        return run

    return make


def task_of(kind):
    """A task, the class of transformers of its teacher, and the names of the teacher's classes."""
    if kind == "classes":
        return Task("own", LABELS, GeneratedNli(**SIZES)), AutoModelForSequenceClassification, LABELS
    if kind == "labels":
        names = ["sport", "politics", "science", "music", "food", "travel"]
        return MultiLabelTask("own", names, GeneratedTopics(**SIZES)), AutoModelForSequenceClassification, names
    if kind == "numbers":
        return RegressionTask("own", GeneratedSimilarity(**SIZES)), AutoModelForSequenceClassification, ["LABEL_0"]
    if kind == "spans":
        windows = Windows(max_length=48, stride=8, max_question_length=16)
        return SpanTask("own", GeneratedReading(**SIZES), windows), AutoModelForQuestionAnswering, []
    return TokenTask("own", TYPES, GeneratedEntities(**SIZES)), AutoModelForTokenClassification, bio_tags(TYPES)


def plain_outputs(folder, auto, inputs):
    with torch.no_grad():
        output = auto.from_pretrained(folder).eval()(**inputs)
    if auto is AutoModelForQuestionAnswering:
        return torch.stack([output.start_logits, output.end_logits], -1)
    return output.logits


@pytest.mark.parametrize("kind", ["classes", "labels", "numbers", "spans", "tokens"])
def test_a_folders_predictions_are_those_of_plain_transformers(kind, fine_tuned, run_of):
    task, auto, labels = task_of(kind)
    options = {"problem_type": "multi_label_classification"} if kind == "labels" else {}
    folder = fine_tuned(auto, "bert", *labels, **options)
    run = run_of(task, folder)
    taught = teach(run, run.taught_by)
    batch = run.data.batch_of("own", range(5))
    expected = plain_outputs(folder, auto, batch.inputs)
    attended = batch.inputs["attention_mask"].bool()
    if kind in ("classes", "tokens"):
        expected = expected.log_softmax(-1)
    if kind == "spans":
        expected = expected.masked_fill(~attended[..., None], -torch.inf).log_softmax(1)
    found = taught(batch, expected)
    loss = run.phases["dense"].loss.for_task(task.loss)
    assert float(loss(found.clamp(min=-1e4), batch.examples(0.0, None, found))) == pytest.approx(0, abs=1e-6)
    assert float(loss(torch.zeros_like(found), batch.examples(0.0, None, found))) > 1e-3
    if kind == "tokens":
        found, expected = found[attended], expected[attended]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_embeddings_are_those_of_the_folder_itself(fine_tuned, run_of, tiny_family):
    task = EmbeddingTask("own", GeneratedSimilarity(**SIZES), max_score=5, loss=CosineSquaredError())
    run = run_of(task, tiny_family("bert"))
    batch = run.data.batch_of("own", range(4))
    taught = teach(run, run.taught_by)
    with torch.no_grad():
        own = run.heads["own"](*run.encoder.eval()(batch.inputs), **batch.head_inputs)
    torch.testing.assert_close(taught(batch, own), own, rtol=1e-4, atol=1e-5)


def test_a_wider_teacher_with_another_tokenizer_reads_the_texts_itself(fine_tuned, run_of):
    task, auto, _ = task_of("classes")
    order = [LABELS[number] for number in (2, 0, 1)]
    folder = fine_tuned(auto, "roberta", *order, hidden_size=32)
    run = run_of(task, folder)
    taught = teach(run, run.taught_by)
    batch = run.data.batch_of("own", range(5))
    rows = run.data.train["own"][:5]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(rows["text_a"], rows["text_b"], padding=True, return_tensors="pt")
    expected = plain_outputs(folder, auto, inputs)[:, [order.index(label) for label in LABELS]].log_softmax(-1)
    torch.testing.assert_close(taught(batch, expected), expected, rtol=1e-4, atol=1e-5)
    assert {f"own/{split}/accuracy" for split in ("train", "validation", "id", "ood")} <= taught.accuracy.keys()


def test_hidden_states_are_those_of_a_model_beside(fine_tuned, run_of):
    task, auto, labels = task_of("classes")
    folder = fine_tuned(auto, "bert", *labels)
    run = run_of(task, folder, Distillation(0.5, hidden_weight=1.0))
    taught = teach(run, run.taught_by)
    batch = run.data.batch_of("own", range(5))
    layers = []
    run.encoder(batch.inputs, layers)
    states = taught.hidden(batch, layers)
    with torch.no_grad():
        output = auto.from_pretrained(folder).eval()(**batch.inputs, output_hidden_states=True)
    assert len(states.own) == len(states.teacher) == 2
    for found, expected in zip(states.teacher, output.hidden_states[1:], strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not states.teacher[0].requires_grad
    assert states.own[0].requires_grad


@pytest.mark.parametrize(
    ("kind", "model_type", "labels", "settings", "message"),
    [
        ("classes", "bert", ["yes", "no"], {}, "head for contradiction, entailment, neutral, got Bert.* of yes, no"),
        ("numbers", "bert", LABELS, {}, "must have a head for a RegressionTask, got Bert"),
        (
            "tokens",
            "roberta",
            bio_tags(["person", "place", "organisation"]),
            {},
            "must have the tokenizer of encoder.backbone",
        ),
        ("spans", "roberta", [], {}, "must have the tokenizer of encoder.backbone"),
    ],
)
def test_a_teacher_of_another_task_or_other_tokens_is_an_error(
    kind, model_type, labels, settings, message, fine_tuned, run_of
):
    task, auto, _ = task_of(kind)
    folder = fine_tuned(auto, model_type, *labels, **settings)
    with pytest.raises(UserError, match=message):
        run_of(task, folder)


def test_hidden_states_of_another_width_or_other_tokens_are_errors(fine_tuned, run_of):
    task, auto, labels = task_of("classes")
    hidden = Distillation(0.5, hidden_weight=1.0)
    with pytest.raises(UserError, match=r"the number of layers of encoder.backbone, \(16, 2\), got \(32, 2\)"):
        run_of(task, fine_tuned(auto, "bert", *labels, hidden_size=32), hidden)
    with pytest.raises(UserError, match="hidden states of tokens are compared"):
        run_of(task, fine_tuned(auto, "roberta", *labels), hidden)


def test_rows_that_are_too_long_for_the_teacher_are_an_error(fine_tuned, run_of):
    task, auto, labels = task_of("classes")
    folder = fine_tuned(auto, "bert", *labels, max_position_embeddings=24)
    with pytest.raises(UserError, match=r"teacher .*: data.max_length must be at most 24, got 32"):
        run_of(task, folder)


def test_a_folder_without_a_head_and_a_path_to_nothing_are_errors(run_of, tiny_family, tmp_path):
    task, *_ = task_of("classes")
    with pytest.raises(UserError, match=r"must have a head for .*, got no head"):
        run_of(task, tiny_family("bert"))
    with pytest.raises(UserError, match="teacher must be a run's folder"):
        Origin(str(tmp_path / "none"))
