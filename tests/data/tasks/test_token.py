"""Tasks of tagged words: rows and batches, runs on generated data and on files, and what is made of their models."""

import json
from pathlib import Path
from types import SimpleNamespace

import pandas
import pyarrow.parquet as parquet
import pytest
import torch
import yaml
from datasets import Dataset
from rows import Rows
from run_helpers import assert_same, cut_off_by, without_callbacks
from seqeval.metrics import f1_score
from transformers import AutoModelForTokenClassification, pipeline

import lit_prune
from lit_prune.cli import main
from lit_prune.data import ConllFiles, GeneratedEntities, MultitaskDataModule, SpanFiles, TokenTask
from lit_prune.data.batch import NO_LABEL
from lit_prune.data.preparation import Preparation, prepare_task, read_split
from lit_prune.data.sources.words import join_words
from lit_prune.data.tasks.tags import bio_tags, find_entities
from lit_prune.errors import UserError
from lit_prune.export.trained import read_run
from lit_prune.heads import Tokens
from lit_prune.losses import TokenCrossEntropy

TYPES = ["person", "place", "organisation"]
SOURCE = GeneratedEntities(num_train=60, num_eval=20)


def task(source=SOURCE, labels=TYPES, **settings):
    return TokenTask("ner", labels, source, **settings)


@pytest.fixture
def how(tokenizer):
    return Preparation(tokenizer, None, 32, 0.1, seed=3)


# ---- rows ----------------------------------------------------------------------------------------------------------


def test_a_split_becomes_windows_of_numbered_tags(how):
    rows = {row["id"]: row for row in SOURCE.rows("train", None)}
    windows = read_split(task(max_length=10), "train", how)
    assert len(windows) > len(rows)
    found = {}
    for window in windows:
        found.setdefault(window["id"], []).extend(window["tags"])
        for tag, position in zip(window["tags"], window["positions"], strict=True):
            assert window["label"][position] == tag
    tags = bio_tags(TYPES)
    assert {name: [tags[number] for number in numbers] for name, numbers in found.items()} == {
        name: row["tags"] for name, row in rows.items()
    }
    assert max(map(len, windows["input_ids"][:])) == 10


def test_texts_are_cut_off_whole(how):
    train, sets = prepare_task(task(max_length=10), how, torch.zeros(0, 0))
    assert [each.name for each in sets] == ["ner/validation", "ner/id", "ner/ood"]
    parts = [set(rows["id"]) for rows in (train, sets[0].rows)]
    assert [len(part) for part in parts] == [54, 6]
    assert len(set.union(*parts)) == 60


def test_batches_have_the_tags_of_first_tokens(tokenizer):
    data = MultitaskDataModule([task()], tokenizer, torch.zeros(0, 0), batch_size=8, max_length=48)
    data.setup("fit")
    for batch in data.train_dataloader():
        assert batch.labels.shape == batch.inputs["input_ids"].shape
        for row, labels in zip(batch.index.tolist(), batch.labels, strict=True):
            tags = data.train["ner"][row]["tags"]
            assert labels[labels != NO_LABEL].tolist() == tags


@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        ([], {}, "labels of task 'ner' must be different names, got"),
        (["a", "a"], {}, "labels of task 'ner' must be different names"),
        (["O", "B-a", "I-a"], {}, "must be types of entities, not O or macro, without prefixes such as B-, got 'O'"),
        (["B-a", "I-a"], {}, "got 'B-a': rename it, or set `entities: false` for plain tags"),
        (["macro"], {}, "must be types of entities, not O or macro"),
        (["a/b"], {}, "the name of a class must be a text without /"),
        (["a"], {"window_overlap": 1.0}, r"window_overlap of task 'ner' must be in \[0, 1\), got 1.0"),
        (["a"], {"selection": "loss"}, "unknown selection 'loss' of task 'ner': choose from f1, precision"),
        (["a", "b"], {"entities": False, "selection": "f1"}, "choose from accuracy, worst_group_accuracy"),
    ],
)
def test_settings_that_do_not_fit_are_errors(labels, settings, message):
    with pytest.raises(UserError, match=message):
        task(labels=labels, **settings)


class Tagged(Rows):
    """A text of given tags, in a group."""

    def __init__(self, *tags, group=""):
        super().__init__(labels=tags)
        self.group = group

    def rows(self, split, root):
        text, words = join_words(["a"] * len(self.labels))
        yield {
            "id": "7",
            "text_a": text,
            "text_b": "",
            "label": "",
            "group": self.group,
            "words": words,
            "tags": [*self.labels],
        }


@pytest.mark.parametrize(
    ("source", "labels", "settings", "message"),
    [
        (
            Rows(),
            TYPES,
            {},
            r"tags of row 'train-0' in split 'train' must be those of words, got a label: .* ConllFiles",
        ),
        (
            Tagged("O", "B-thing"),
            TYPES,
            {},
            "unknown tag 'B-thing' of row '7' in split 'train': choose from O, B-person",
        ),
        (
            Tagged("noun", "verb"),
            ["noun"],
            {"entities": False},
            "unknown tag 'verb' of row '7' in split 'train': choose from noun",
        ),
        (Tagged("O", group="macro"), TYPES, {}, "group of row '7' in split 'train' must not be macro"),
    ],
)
def test_rows_that_do_not_fit_are_errors(how, source, labels, settings, message):
    with pytest.raises(UserError, match=message):
        read_split(task(source, labels, **settings), "train", how)


def test_a_group_called_as_a_type_is_an_error(tokenizer):
    how = Preparation(tokenizer, None, 32, validation_fraction=0, seed=0)
    with pytest.raises(UserError, match="the name of a group must have no / and differ from those of classes"):
        prepare_task(task(Tagged("B-person", *["O"] * 7, group="person"), ["person"]), how, torch.zeros(0, 0))


@pytest.mark.parametrize("texts", [("a", "b", "c"), ("a", "a", "b")])
def test_texts_of_one_id_are_an_error(texts):
    rows = Dataset.from_dict({"id": ["1", "1", "2"], "text_a": list(texts)})
    if len(set(texts[:2])) > 1:
        with pytest.raises(UserError, match="ids of the rows of ner/id must differ, got '1' twice"):
            task().evaluation_set("id", rows)
    else:  # windows of one text
        assert len(task().evaluation_set("id", rows).rows) == 3


def test_types_without_a_training_row_are_named():
    train = Dataset.from_dict({"tags": [[0, 1], [2, 0]]})
    assert task(labels=["a", "b"]).absent_labels(train) == ["b"]
    plain = Dataset.from_dict({"tags": [[0], [2]]})
    assert task(labels=["a", "-b-", "c"], entities=False).absent_labels(plain) == ["-b-"]


def test_words_of_texts_to_predict_are_found():
    convert = task().converter("predict", labelled=False)
    row = convert({"id": "1", "text_a": "Ada's.", "text_b": "", "label": "", "group": ""})
    assert row["words"] == [[0, 3], [3, 4], [4, 5], [5, 6]]
    assert row["tags"] == [NO_LABEL] * 4


def test_head_loss_and_configuration():
    own = task()
    head = own.make_head(SimpleNamespace(hidden_size=16, hidden_dropout=0.3, token_transform=None))
    assert isinstance(head, Tokens)
    assert (head.classifier.weight.shape, head.dropout.p) == ((7, 16), 0.3)
    assert isinstance(own.loss, TokenCrossEntropy)
    assert own.transformers_settings["id2label"] == dict(enumerate(own.classes))
    assert task(labels=["a", "b"], entities=False).classes == ("a", "b")


# ---- runs ----------------------------------------------------------------------------------------------------------


def write_conll(path, rows):
    sentences = []
    for row in rows:
        words = [row["text_a"][start:end] for start, end in row["words"]]
        sentences.append("".join(f"{word} {tag}\n" for word, tag in zip(words, row["tags"], strict=True)))
    path.write_text("\n".join(sentences))


def write_spans(path, rows):
    lines = []
    for row in rows:
        found = find_entities(row["tags"])
        spans = [{"start": row["words"][a][0], "end": row["words"][b][1], "label": kind} for kind, a, b in found]
        lines.append(json.dumps({"text": row["text_a"], "spans": spans, "id": row["id"], "group": row["group"]}))
    path.write_text("\n".join(lines))


GENERATED = {"class_path": "lit_prune.data.GeneratedEntities", "init_args": {"num_train": 200, "num_eval": 60}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same rows as CoNLL's files and as spans, and configurations of the task on each and on the generated rows."""
    folder = tmp_path_factory.mktemp("tokens")
    source = GeneratedEntities(num_train=200, num_eval=60)
    files = {"train": "train", "id": "id", "ood": "ood"}
    for split in files:
        rows = list(source.rows(split, None))
        write_conll(folder / f"{split}.txt", rows)
        write_spans(folder / f"{split}.jsonl", rows)
        texts = pandas.DataFrame(rows)[["id", "text_a"]]
        texts.to_csv(folder / f"{split}.csv", index=False)
    for name, suffix in (("ConllFiles", "txt"), ("SpanFiles", "jsonl"), ("GeneratedEntities", None)):
        paths = {split: [f"{file}.{suffix}"] for split, file in files.items()}
        own = {"class_path": f"lit_prune.data.{name}", "init_args": {"splits": paths}} if suffix else GENERATED
        settings = {"name": "ner", "labels": TYPES, "source": own, "max_length": 12}  # several windows a text
        tasks = [{"class_path": "lit_prune.data.TokenTask", "init_args": settings}]
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"data": {"tasks": tasks, "root": str(folder)}}))
    return folder


LEARNS = ("--model.init_args.prune.steps=150", "--model.init_args.prune.learning_rate=1e-2")
LEARNS += ("--trainer.val_check_interval=75", "--model.init_args.refresh_every=40")


@pytest.fixture(scope="module")
def run(folder, finished):
    """The folder of a run on files of spans that prunes while it trains."""
    return finished(f"--config={folder}/SpanFiles.yaml", *LEARNS, config="configs/prune.yaml", name="spans")


def metrics(run):
    return json.loads((run / "metrics.json").read_text())


def test_rows_are_the_same_from_each_source(folder, how):
    def windows(source):
        rows = read_split(task(source, max_length=12), "train", Preparation(how.tokenizer, str(folder), 32, 0, 0))
        return rows.select_columns(["text_a", "words", "tags", "input_ids", "label"])

    generated = windows(GeneratedEntities(num_train=200, num_eval=60))
    assert windows(SpanFiles({"train": ["train.jsonl"]})).to_list() == generated.to_list()
    lines = windows(ConllFiles({"train": ["train.txt"]}))  # of other texts: a space before a full stop
    assert all(lines[name][:] == generated[name][:] for name in ("tags", "input_ids", "label"))


def test_a_run_measures_types_and_groups(run):
    found = metrics(run)
    assert found["ner/id/f1"] > 0
    assert {"ner/id/f1_aligned", "ner/id/f1_opposed", "ner/id/worst_group_f1", "ner/ood/f1_person"} <= found.keys()


def test_recorded_tags_give_the_runs_f1(run):
    rows = [row for row in parquet.read_table(run / "predictions.parquet").to_pylist() if row["split"] == "id"]
    right, predicted = ([row[name].split("\t") for row in rows] for name in ("label", "prediction"))
    assert len(rows) == 60
    assert metrics(run)["ner/id/f1"] == pytest.approx(f1_score(right, predicted))


def test_a_run_on_conll_files_resumes_bit_for_bit(folder, experiment, tmp_path):
    arguments = (f"--config={folder}/ConllFiles.yaml",)
    code, whole = experiment(*arguments, config="configs/prune.yaml", name="whole")
    assert code == 0
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*arguments, cut_off_by("run_helpers.CutOff", 13), config="configs/prune.yaml", name="cut")
    cut = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(cut)
    assert main(["fit", "--resume", str(cut)]) == 0
    assert_same(cut, whole)


@pytest.mark.parametrize("suffix", ["jsonl", "txt"])
def test_a_runs_own_files_give_its_own_metrics(run, folder, tmp_path, suffix):
    files = [f"{split}={folder}/{split}.{suffix}" for split in ("id", "ood")]
    assert main(["test", str(run), "--files", *files, "--out", str(tmp_path / "out")]) == 0
    own, tested = metrics(run), metrics(tmp_path / "out")
    assert tested == pytest.approx({name: own[name] for name in tested}, abs=1e-5)
    assert {"ner/id/f1", "ner/ood/f1", "ner/id/loss"} <= tested.keys()


def test_predictions_of_texts_and_of_the_runs_rows_are_its_spans(run, folder, tmp_path):
    expected = []
    source = {row["id"]: row for row in GeneratedEntities(num_eval=60).rows("id", None)}
    for row in parquet.read_table(run / "predictions.parquet").to_pylist():
        if row["split"] == "id":
            text, words = source[row["id"]]["text_a"], source[row["id"]]["words"]
            for kind, first, last in find_entities(row["prediction"].split("\t")):
                start, end = words[first][0], words[last][1]
                expected.append((row["id"], start, end, text[start:end], kind))
    for number, which in enumerate((["--file", f"{folder}/id.csv"], ["--split", "id", "--root", str(folder)])):
        out = tmp_path / f"{number}.parquet"
        assert main(["predict", str(run), *which, "--out", str(out)]) == 0
        found = pandas.read_parquet(out)
        assert [*found[["id", "start", "end", "text", "label"]].itertuples(index=False, name=None)] == expected
        assert found["score"].between(0, 1).all()
    assert expected


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_texts_without_a_span_give_an_empty_table(run, tmp_path, suffix):
    (tmp_path / "new.jsonl").write_text(json.dumps({"text": "\u200b"}) + "\n")
    out = tmp_path / f"out.{suffix}"
    arguments = ["--file", str(tmp_path / "new.jsonl"), "--columns", "{text_a: text}", "--out", str(out)]
    assert main(["predict", str(run), *arguments]) == 0
    assert out.is_file()
    if suffix == "parquet":
        assert list(pandas.read_parquet(out)) == ["id", "start", "end", "text", "label", "score"]


@pytest.mark.parametrize("form", ["dense", "packed"])
def test_an_export_computes_the_runs_logits(run, tmp_path, form):
    assert main(["export", str(run), "--format", form, "--out", str(tmp_path / form)]) == 0
    trained = read_run(run, None).model
    inputs = trained.encoder.tokenizer(["shares of b fell .", "it rained in c"], return_tensors="pt", padding=True)
    loaded = lit_prune.load(tmp_path / form)
    assert loaded.labels == bio_tags(TYPES)
    with torch.inference_mode():
        expected = trained(**inputs).logits
        torch.testing.assert_close(loaded(**inputs).logits, expected, atol=1e-5, rtol=1e-5)
        assert expected.shape == (2, inputs["input_ids"].shape[1], 7)
        if form == "dense":
            plain, told = AutoModelForTokenClassification.from_pretrained(tmp_path / form, output_loading_info=True)
            assert not any(told[kind] for kind in ("missing_keys", "mismatched_keys"))
            torch.testing.assert_close(plain.eval()(**inputs).logits, expected, atol=1e-5, rtol=1e-5)
            assert tuple(plain.config.id2label.values()) == bio_tags(TYPES)
            pipeline("token-classification", model=str(tmp_path / form))("it rained in c")
    card = (tmp_path / form / "README.md").read_text()
    assert "pipeline_tag: token-classification" in card
    told = card.split("```python\n")[1].split("```")[0].replace("FOLDER", repr(str(tmp_path / form)))
    exec(told, names := {})
    assert set(names["predictions"]) <= set(bio_tags(TYPES))


def test_plain_tags_are_trained_on_by_accuracy(folder, experiment):
    config = yaml.safe_load((folder / "ConllFiles.yaml").read_text())
    config["data"]["tasks"][0]["init_args"] |= {"entities": False, "labels": [*bio_tags(TYPES)]}
    (folder / "plain.yaml").write_text(yaml.safe_dump(config))
    code, run = experiment(f"--config={folder}/plain.yaml", config="configs/dense.yaml")
    assert code == 0
    found = metrics(run)
    assert found["ner/id/accuracy"] > 0.5
    assert "ner/id/f1" not in found


def test_tokens_are_trained_beside_other_kinds(folder, experiment, four_kinds, tmp_path):
    config, tokens = (
        yaml.safe_load(path.read_text()) for path in (Path(four_kinds), folder / "GeneratedEntities.yaml")
    )
    config["data"]["tasks"] = [config["data"]["tasks"][2], *tokens["data"]["tasks"]]
    (tmp_path / "kinds.yaml").write_text(yaml.safe_dump(config))
    separate = ("--model.init_args.task_masks=separate",)
    code, run = experiment(f"--config={tmp_path}/kinds.yaml", *separate, config="configs/movement.yaml")
    assert code == 0
    assert {"ner/id/f1", "reading/id/f1", "macro"} <= metrics(run).keys()


def test_groups_of_training_examples_are_for_other_kinds(folder, experiment, capsys):
    grouped = (f"--config={folder}/GeneratedEntities.yaml", "--data.groups=group")
    assert experiment(*grouped, config="configs/dense.yaml")[0] == 2
    message = "data.groups must be known for the examples of task 'ner', got 'group': leave it out"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("source", [ConllFiles, SpanFiles])
def test_sources_of_files_need_their_folder(source):
    suffix = "jsonl" if source is SpanFiles else "txt"
    with pytest.raises(UserError, match=r"--data\.root must be the folder"):
        source({"train": [f"train.{suffix}"]}).available(None)
