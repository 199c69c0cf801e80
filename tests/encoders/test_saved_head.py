"""Heads of fine-tuned models of transformers, kept bit for bit."""

import pytest
import torch
from run_helpers import result
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from lit_prune.data.sources.source import NoRows
from lit_prune.data.tasks.kinds import rebuild
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.encoders.families import FAMILIES
from lit_prune.paradigms.start import Start

TEXTS = ["the doctor saw the judge .", "a boy slept ."]
CLASSIFIERS = [model_type for model_type, family in FAMILIES.items() if family.classifier]
TAGGERS = [model_type for model_type, family in FAMILIES.items() if family.tokens and model_type != "mt5"]
READERS = [model_type for model_type, family in FAMILIES.items() if family.spans]


@pytest.fixture
def fine_tuned(tiny_family, tmp_path):
    """A function: a class of transformers, a family, settings -> the folder of a model whose head is not 0."""

    def make(auto, model_type, **settings):
        folder = tmp_path / "fine_tuned"
        config = AutoConfig.from_pretrained(tiny_family(model_type), **settings)
        torch.manual_seed(3)
        model = auto.from_config(config)
        for value in model.parameters():
            nn.init.normal_(value, std=0.2)
        model.save_pretrained(folder)
        AutoTokenizer.from_pretrained(tiny_family(model_type)).save_pretrained(folder)
        return folder

    return make


def named(*labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}


def task(kind="Task", **settings):
    return rebuild({"kind": kind, "name": "own", **settings}, NoRows())


@torch.inference_mode()
def logits(folder, own):
    """Logits of the package and of plain transformers."""
    encoder = PrunableEncoder(str(folder)).eval()
    head = Start(None).heads(encoder, {"own": own})["own"].eval()
    inputs = encoder.tokenizer(TEXTS, padding=True, return_tensors="pt")
    auto = {
        "QuestionAnswering": AutoModelForQuestionAnswering,
        "TokenClassification": AutoModelForTokenClassification,
    }.get(own.architecture, AutoModelForSequenceClassification)
    plain = auto.from_pretrained(folder).eval()(**inputs)
    return head(*encoder(inputs)), plain


@pytest.mark.parametrize("model_type", CLASSIFIERS)
def test_a_classifier_computes_the_same_bits(fine_tuned, model_type):
    options = {"classifier_pooling": "mean"} if model_type == "eurobert" else {}
    folder = fine_tuned(AutoModelForSequenceClassification, model_type, **named("c", "a", "b"), **options)
    ours, plain = logits(folder, task(labels=["c", "a", "b"]))
    assert torch.equal(ours, plain.logits)


@pytest.mark.parametrize("model_type", ["bert", "roberta", "modernbert"])
def test_classes_in_another_order_take_their_logits_along(fine_tuned, model_type):
    folder = fine_tuned(AutoModelForSequenceClassification, model_type, **named("Positive", "Neutral", "Negative"))
    ours, plain = logits(folder, task(labels=["negative", "neutral", "positive"]))
    torch.testing.assert_close(ours, plain.logits[:, [2, 1, 0]])


def test_classes_without_names_are_taken_in_their_order(fine_tuned):
    folder = fine_tuned(AutoModelForSequenceClassification, "bert", num_labels=3)
    ours, plain = logits(folder, task(labels=["x", "y", "z"]))
    assert torch.equal(ours, plain.logits)


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_modernbert_pools_as_its_configuration_sets(fine_tuned, pooling):
    settings = {**named("a", "b"), "classifier_pooling": pooling, "norm_bias": True, "classifier_bias": True}
    folder = fine_tuned(AutoModelForSequenceClassification, "modernbert", **settings)
    ours, plain = logits(folder, task(labels=["a", "b"]))
    assert torch.equal(ours, plain.logits)


@pytest.mark.parametrize("model_type", ["bert", "distilbert"])
def test_a_regression_keeps_its_output(fine_tuned, model_type):
    folder = fine_tuned(AutoModelForSequenceClassification, model_type, num_labels=1, problem_type="regression")
    ours, plain = logits(folder, task("Similarity"))
    # Some CPUs round a product with one column by the place of its operands in memory.
    torch.testing.assert_close(ours, plain.logits, rtol=1e-6, atol=1e-7)
    assert PrunableEncoder(str(folder)).saved_head.problem_type == "regression"


@pytest.mark.parametrize("model_type", READERS)
def test_a_reader_keeps_its_outputs(fine_tuned, model_type):
    folder = fine_tuned(AutoModelForQuestionAnswering, model_type)
    ours, plain = logits(folder, task("SpanTask"))
    assert torch.equal(ours, torch.stack([plain.start_logits, plain.end_logits], -1))


@pytest.mark.parametrize("model_type", TAGGERS)
def test_a_tagger_keeps_its_tags_in_any_order(fine_tuned, model_type, recwarn):
    folder = fine_tuned(AutoModelForTokenClassification, model_type, **named("B-x", "I-x", "O", "B-y", "I-y"))
    ours, plain = logits(folder, task("TokenTask", labels=["y", "x"]))
    torch.testing.assert_close(ours, plain.logits[:, :, [2, 3, 4, 0, 1]])
    assert not [each for each in recwarn if "does not contain" in str(each.message)]  # a pooler that no head reads


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (task(labels=["a", "z"]), r"BertForSequenceClassification: a, b\) does not fit task 'own' \(a, z\)"),
        (task(labels=["a", "b", "c"]), r"does not fit task 'own' \(a, b, c\): initialised at random"),
        (task("Similarity"), r"does not fit task 'own' \(Similarity\)"),
        (task("SpanTask"), r"does not fit task 'own' \(SpanTask\)"),
        (task("ChoiceTask"), r"does not fit task 'own' \(1, 2\)"),
        (task("TokenTask", labels=["a"]), r"does not fit task 'own' \(O, B-a, I-a\)"),
    ],
)
def test_a_head_of_other_classes_is_drawn_and_named(fine_tuned, own, message):
    encoder = PrunableEncoder(str(fine_tuned(AutoModelForSequenceClassification, "bert", **named("a", "b"))))
    torch.manual_seed(0)
    with pytest.warns(UserWarning, match=message):
        head = Start(None).heads(encoder, {"own": own})["own"]
    torch.manual_seed(0)
    drawn = own.make_head(encoder)
    assert all(torch.equal(value, head.state_dict()[name]) for name, value in drawn.state_dict().items())


def test_names_that_differ_by_case_alone_are_other_classes(fine_tuned):
    folder = fine_tuned(AutoModelForSequenceClassification, "bert", **named("Yes", "yes"))
    ours, plain = logits(folder, task(labels=["yes", "Yes"]))
    torch.testing.assert_close(ours, plain.logits[:, [1, 0]])


def test_a_head_that_cannot_be_kept_is_named(fine_tuned):
    folder = fine_tuned(AutoModelForQuestionAnswering, "qwen3")
    with pytest.warns(UserWarning, match=r"a head that can be kept \(Qwen3ForQuestionAnswering\): initialised"):
        assert PrunableEncoder(str(folder), pooling="last").saved_head is None


def test_eurobert_that_averages_logits_has_no_head_here(fine_tuned):
    folder = fine_tuned(AutoModelForSequenceClassification, "eurobert", **named("a", "b"), classifier_pooling="late")
    with pytest.warns(UserWarning, match=r"a head that can be kept \(EuroBertForSequenceClassification\)"):
        assert PrunableEncoder(str(folder)).saved_head is None


def test_a_model_without_a_head_has_none(tiny_backbone):
    assert PrunableEncoder(str(tiny_backbone)).saved_head is None


def test_a_run_begins_with_the_classifier_and_measures_it_as_the_dense_model(fine_tuned, experiment):
    folder = fine_tuned(AutoModelForSequenceClassification, "bert", **named("neutral", "entailment", "contradiction"))
    code, run = experiment(
        f"--encoder.backbone={folder}",
        "--model.init_args.schedule.init_args.final=0.3",
        config="configs/magnitude.yaml",
    )
    assert code == 0
    values = result(run)
    assert values["dense/sparsity"] == 0
    assert values["dense/step"] == 0
    assert 0 <= values["dense/nli/id/accuracy"] <= 1
