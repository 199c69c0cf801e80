"""`lit_prune prune`: one command from a fine-tuned model and files to a pruned folder and a table."""

import json
import shutil

import pyarrow.parquet as parquet
import pytest
import torch
from numpy.linalg import norm
from sentence_transformers import SentenceTransformer
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)

from lit_prune import load
from lit_prune.cli import main
from lit_prune.data import GeneratedNli
from lit_prune.data.tasks.tags import bio_tags

LABELS = ["neutral", "entailment", "contradiction"]  # in another order than anywhere else
MODULES = {"": "Transformer", "1_Pooling": "Pooling"}
BRIEF = """
encoder: {config: {_attn_implementation: eager}}
model: {init_args: {prune: {length: 8 steps, learning_rate: 1.0e-3}, refresh_every: 2}}
trainer: {precision: 32-true, enable_progress_bar: false}
"""
RANKS = """
model.init_args.structure:
  class_path: lit_prune.sparsity.structures.Rank
  init_args: {whitening: {class_path: lit_prune.sparsity.whitenings.Activations, init_args: {num_batches: 2}}}
"""


@pytest.fixture
def classifier(tiny_backbone, tmp_path):
    """A function: settings -> the folder of a fine-tuned model."""

    def make(auto=AutoModelForSequenceClassification, **settings):
        names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: number for number, name in enumerate(LABELS)}}
        torch.manual_seed(1)
        model = auto.from_config(AutoConfig.from_pretrained(tiny_backbone, **(settings or names)))
        torch.nn.init.normal_(model.get_parameter("classifier.weight"), std=1.0)
        model.save_pretrained(tmp_path / "model")
        AutoTokenizer.from_pretrained(tiny_backbone).save_pretrained(tmp_path / "model")
        return tmp_path / "model"

    return make


@pytest.fixture
def files(tmp_path):
    """A function: what a label becomes -> arguments for files of examples and a short recipe."""

    def write(label=lambda name: name):
        source = GeneratedNli(bias_rate=0.5, num_train=200, num_eval=60)
        for split in ("train", "id"):
            rows = [
                {"premise": row["text_a"], "hypothesis": row["text_b"], "label": label(row["label"])}
                for row in source.rows(split, None)
            ]
            (tmp_path / f"{split}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        (tmp_path / "brief.yaml").write_text(BRIEF)
        return [
            *("--train", str(tmp_path / "train.jsonl"), "--test", str(tmp_path / "id.jsonl")),
            *("--config", str(tmp_path / "brief.yaml"), "--root", str(tmp_path / "runs")),
        ]

    return write


def plain(folder, tmp_path):
    """Logits of plain transformers for the test file."""
    rows = [json.loads(line) for line in (tmp_path / "id.jsonl").read_text().splitlines()]
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    texts = [[row[name] for row in rows] for name in ("premise", "hypothesis")]
    with torch.inference_mode():
        return (
            model,
            model(**AutoTokenizer.from_pretrained(folder)(*texts, padding=True, return_tensors="pt")).logits,
            rows,
        )


def test_ranks_are_pruned_by_the_inputs_of_layers(classifier, files, tmp_path):
    arguments, out = files(), tmp_path / "pruned"
    with open(tmp_path / "brief.yaml", "a") as file:
        file.write(RANKS)
    assert main(["prune", "--model", str(classifier()), *arguments, "--sparsity", "0.5", "--out", str(out)]) == 0
    model, _, _ = plain(out, tmp_path)
    layers = [value for name, value in model.named_parameters() if ".layer." in name and name.endswith("weight")]
    layers = [value for value in layers if value.ndim == 2]
    ranks = [int(torch.linalg.matrix_rank(value, rtol=1e-4)) for value in layers]
    assert all(rank < min(value.shape) for rank, value in zip(ranks, layers, strict=True))


@pytest.mark.parametrize("label", [lambda name: name, LABELS.index], ids=["names", "numbers"])
def test_a_classifier_is_pruned_and_compared_with_the_original(classifier, files, tmp_path, capsys, label):
    folder, out = classifier(), tmp_path / "pruned"
    arguments = files(label)
    assert main(["prune", "--model", str(folder), *arguments, "--sparsity", "0.8", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    *_, run, last = printed.splitlines()
    assert last == str(out)
    values = json.loads((tmp_path / "runs" / "prune" / "version_0" / "metrics.json").read_text())
    assert run == f"run: {tmp_path / 'runs' / 'prune' / 'version_0'}"
    assert values["sparsity"] == pytest.approx(0.8, abs=1e-3)

    _, logits, rows = plain(folder, tmp_path)
    names = [row["label"] if isinstance(row["label"], str) else LABELS[row["label"]] for row in rows]
    right = torch.tensor([LABELS.index(name) for name in names])
    assert values["dense/task/id/accuracy"] == pytest.approx(float((logits.argmax(1) == right).float().mean()))
    model, logits, _ = plain(out, tmp_path)
    assert values["task/id/accuracy"] == pytest.approx(float((logits.argmax(1) == right).float().mean()))
    assert [model.config.id2label[number] for number in range(3)] == LABELS
    layers = [value for name, value in model.named_parameters() if ".layer." in name and name.endswith("weight")]
    zeros = sum(int((value == 0).sum()) for value in layers if value.ndim == 2)
    assert zeros / sum(value.numel() for value in layers if value.ndim == 2) == pytest.approx(0.8, abs=1e-3)
    for row in ("test accuracy", "weights as files, MB", "latency in fp32, 1 text, ms", "latency in int8, 8 texts, ms"):
        assert row in printed


def test_a_regression_is_pruned(classifier, files, tmp_path, capsys):
    folder = classifier(id2label={0: "score"}, label2id={"score": 0}, problem_type="regression")
    arguments = files(lambda name: float(LABELS.index(name)))
    out = tmp_path / "pruned"
    assert main(["prune", "--model", str(folder), *arguments, "--sparsity", "0.5", "--out", str(out)]) == 0
    assert "test Pearson" in capsys.readouterr().out
    assert json.loads((out / "config.json").read_text())["problem_type"] == "regression"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--sparsity", "1"], "sparsity must be above 0 and below 1, got 1"),
        (["--sparsity", "0"], "sparsity must be above 0 and below 1, got 0"),
        (["--test", "nothing.csv"], "nothing.csv must be a file, got none"),
        (["--labels", "{'0': maybe}"], r"unknown classes ['maybe'] in --labels: choose from neutral, entailment"),
        (["--out", "."], "must be"),
        (["--model", "nobody/nothing"], "encoder.backbone must be a model that can be loaded, got 'nobody/nothing'"),
        (["--columns", "{text_a: nothing, label: label}"], "unknown column 'nothing'"),
        (["--config", "nothing.yaml"], "unknown config nothing.yaml"),
    ],
)
def test_what_is_wrong_is_said_before_time_is_spent(classifier, files, tmp_path, capsys, change, message):
    arguments = ["prune", "--model", str(classifier()), *files(), "--sparsity", "0.8", "--out", str(tmp_path / "out")]
    assert main([*arguments, *change]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("separated", [True, False], ids=["texts", "lists"])
def test_a_model_of_several_labels_is_pruned(classifier, files, tmp_path, capsys, separated):
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {name: number for number, name in enumerate(LABELS)}}
    folder = classifier(**names, problem_type="multi_label_classification")
    sets = {"neutral": [], "entailment": ["entailment"], "contradiction": ["contradiction", "neutral"]}
    arguments = files(lambda name: ";".join(sets[name]) if separated else [LABELS.index(each) for each in sets[name]])
    out = tmp_path / "pruned"
    assert main(["prune", "--model", str(folder), *arguments, "--sparsity", "0.5", "--out", str(out)]) == 0
    assert "test F1, micro" in capsys.readouterr().out
    assert json.loads((out / "config.json").read_text())["problem_type"] == "multi_label_classification"
    model, logits, rows = plain(out, tmp_path)
    thresholds = load(out).tasks["task"].thresholds
    assert [model.config.id2label[number] for number in range(3)] == LABELS
    right = torch.tensor([[name in sets_of(row["label"]) for name in LABELS] for row in rows])
    exact = ((logits.double().sigmoid() >= torch.tensor(thresholds).double()) == right).all(1).double().mean()
    values = json.loads((tmp_path / "runs" / "prune" / "version_0" / "metrics.json").read_text())
    assert values["task/id/exact_match"] == pytest.approx(float(exact))


def sets_of(label):
    return label.split(";") if isinstance(label, str) else [LABELS[number] for number in label]


def test_a_model_without_a_head_or_of_several_numbers_is_an_error(classifier, files, tiny_backbone, tmp_path, capsys):
    arguments = [*files(), "--out", str(tmp_path / "out")]
    assert main(["prune", "--model", str(tiny_backbone), *arguments]) == 2
    assert (
        "must have a head for classification of texts or tokens, regression or question answering"
        in capsys.readouterr().err
    )
    numbers = classifier(num_labels=3, problem_type="regression")
    assert main(["prune", "--model", str(numbers), *arguments]) == 2
    assert "must have one output if its problem_type is regression, got 3" in capsys.readouterr().err


def test_a_file_whose_columns_have_other_names_is_an_error_that_names_the_remedy(classifier, files, tmp_path, capsys):
    arguments = ["prune", "--model", str(classifier()), *files(), "--out", str(tmp_path / "out")]
    (tmp_path / "other.csv").write_text("words,class\na b,neutral\n")
    assert main([*arguments, "--train", str(tmp_path / "other.csv")]) == 2
    assert "got words, class: name them by --columns '{text_a: COLUMN, label: COLUMN}'" in capsys.readouterr().err
    (tmp_path / "other.csv").write_text("text,sentence,label\na b,c,neutral\n")
    assert main([*arguments, "--train", str(tmp_path / "other.csv")]) == 2
    assert "got text, sentence, label: name them by --columns" in capsys.readouterr().err


def test_an_embedding_model_is_pruned_as_what_it_is(tiny_backbone, files, tmp_path, capsys):
    folder = shutil.copytree(tiny_backbone, tmp_path / "embedder")
    modules = [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in MODULES.items()]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode": "cls", "word_embedding_dimension": 16}')
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 20}')
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "the "}}')
    arguments = files({"neutral": 2.5, "entailment": 4, "contradiction": 0}.get)
    out = tmp_path / "pruned"
    assert main(["prune", "--model", str(folder), *arguments, "--out", str(out)]) == 0
    assert "test Spearman" in capsys.readouterr().out
    rows = [json.loads(line) for line in (tmp_path / "id.jsonl").read_text().splitlines()]
    pruned = SentenceTransformer(str(out), device="cpu")
    first, second = (pruned.encode([row[name] for row in rows]) for name in ("premise", "hypothesis"))
    predicted = parquet.read_table(tmp_path / "runs" / "prune" / "version_0" / "predictions.parquet").to_pylist()
    cosines = [row["logits"][0] for row in predicted if row["split"] == "id"]
    lengths = norm(first, axis=1) * norm(second, axis=1)
    assert cosines == pytest.approx(((first * second).sum(1) / lengths).tolist(), abs=1e-5)
    assert (pruned.max_seq_length, pruned.prompts["query"], len(pruned)) == (20, "the ", 2)


def test_a_reader_is_pruned(random_bert, tmp_path, capsys):
    folder = tmp_path / "reader"
    torch.manual_seed(1)
    AutoModelForQuestionAnswering.from_config(AutoConfig.from_pretrained(random_bert(384))).save_pretrained(folder)
    AutoTokenizer.from_pretrained(random_bert(384)).save_pretrained(folder)
    text = "the doctor saw the judge . a boy slept ."
    questions = [
        {
            "id": str(number),
            "question": "who slept ?",
            "answers": [{"text": "a boy", "answer_start": text.index("a boy")}],
        }
        for number in range(60)
    ]
    content = json.dumps({"data": [{"paragraphs": [{"context": text, "qas": questions}]}]})
    for name in ("train.json", "test.json"):
        (tmp_path / name).write_text(content)
    (tmp_path / "brief.yaml").write_text(BRIEF)
    arguments = ["--train", str(tmp_path / "train.json"), "--test", str(tmp_path / "test.json")]
    arguments += ["--config", str(tmp_path / "brief.yaml"), "--root", str(tmp_path / "runs")]
    assert main(["prune", "--model", str(folder), *arguments, "--out", str(tmp_path / "out")]) == 0
    assert "test exact match" in capsys.readouterr().out
    AutoModelForQuestionAnswering.from_pretrained(tmp_path / "out")


@pytest.mark.parametrize("suffix", ["txt", "jsonl"])
def test_a_tagger_is_pruned(classifier, tmp_path, capsys, suffix):
    tags = ["B-x", "I-x", "O"]
    names = {"id2label": dict(enumerate(tags)), "label2id": {tag: number for number, tag in enumerate(tags)}}
    folder = classifier(AutoModelForTokenClassification, **names)
    rows = {
        "txt": "a B-x\nb I-x\nc O\n\n",
        "jsonl": '{"text": "a b c", "spans": [{"start": 0, "end": 3, "label": "x"}]}\n',
    }
    (tmp_path / f"train.{suffix}").write_text(rows[suffix] * 60)
    (tmp_path / f"test.{suffix}").write_text(rows[suffix] * 20)
    (tmp_path / "brief.yaml").write_text(BRIEF)
    arguments = ["--train", str(tmp_path / f"train.{suffix}"), "--test", str(tmp_path / f"test.{suffix}")]
    arguments += ["--config", str(tmp_path / "brief.yaml"), "--root", str(tmp_path / "runs")]
    assert main(["prune", "--model", str(folder), *arguments, "--out", str(tmp_path / "out")]) == 0
    assert "test precision" in capsys.readouterr().out
    values = json.loads((tmp_path / "runs" / "prune" / "version_0" / "metrics.json").read_text())
    before, after = (
        AutoModelForTokenClassification.from_pretrained(each).eval() for each in (folder, tmp_path / "out")
    )
    assert tuple(after.config.id2label.values()) == bio_tags(["x"])
    inputs = AutoTokenizer.from_pretrained(folder)("a b c", return_tensors="pt")
    with torch.inference_mode():
        found = before(**inputs).logits[0, 1:4].argmax(-1).tolist()
    right = sum(tags[number] == tag for number, tag in zip(found, ("B-x", "I-x", "O"), strict=True))
    assert values["dense/task/id/word_accuracy"] == pytest.approx(right / 3)
