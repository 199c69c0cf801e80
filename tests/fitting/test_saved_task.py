"""The task of a fine-tuned model: its kind, columns, labels and files."""

from types import SimpleNamespace

import pytest

from lit_prune.encoders.counterpart import counterpart_of
from lit_prune.encoders.saved_head import SavedHead
from lit_prune.encoders.sentence_modules import SentenceModules
from lit_prune.errors import UserError
from lit_prune.fitting.saved_task import saved_task, usual_columns


def task_of(head, paths, columns, labels):
    return saved_task(SimpleNamespace(saved_head=head), paths, columns, labels)


def embedding_task(path, columns=None):
    encoder = SimpleNamespace(saved_head=None, sentence_modules=SentenceModules("first", True))
    return saved_task(encoder, {"train": path, "id": path}, columns, None)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("sentence,label", {"text_a": "sentence", "label": "label"}),
        ("question,sentence,label,id", {"text_a": "question", "text_b": "sentence", "label": "label"}),
        ("sentence1,sentence2,score", {"text_a": "sentence1", "text_b": "sentence2", "label": "score"}),
    ],
)
def test_usual_names_of_columns_are_found(tmp_path, header, columns):
    (tmp_path / "rows.csv").write_text(f"{header}\n{','.join('abcd'[: header.count(',') + 1])}\n")
    assert usual_columns(tmp_path / "rows.csv") == columns


def test_numbers_of_classes_are_labels_unless_a_class_is_called_by_one(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,0\n")

    def labels(*names):
        head = SavedHead(counterpart_of("bert", "SequenceClassification"), names, None, {})
        task = task_of(head, {"train": path, "id": path}, None, None)
        return task["init_args"]["source"]["init_args"]["splits"]["train"]["labels"]

    assert labels("no", "yes") == {"no": "no", "yes": "yes", "0": "no", "1": "yes"}
    assert labels("1", "2") == {"1": "1", "2": "2"}


def test_labels_that_are_mapped_leave_the_others_as_they_are(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\na,0\n")
    head = SavedHead(counterpart_of("bert", "SequenceClassification"), ("no", "yes"), None, {})
    task = task_of(head, {"train": path, "id": path}, None, {"never": "no", "": ""})
    labels = task["init_args"]["source"]["init_args"]["splits"]["train"]["labels"]
    assert labels == {"no": "no", "yes": "yes", "0": "no", "1": "yes", "never": "no", "": ""}


def test_tags_of_a_model_are_bio_or_plain(tmp_path):
    def made(*tags, **columns):
        head = SavedHead(counterpart_of("bert", "TokenClassification"), tags, None, {})
        task = task_of(head, {"train": tmp_path / "train.txt", "id": tmp_path / "id.txt"}, columns or None, None)
        return {name: task["init_args"].get(name) for name in ("labels", "entities")}

    assert made("I-y", "B-y", "O", "B-x", "I-x") == {"labels": ["y", "x"], "entities": None}
    assert made("NOUN", "VERB") == {"labels": ["NOUN", "VERB"], "entities": False}
    with pytest.raises(UserError, match="must be O, B- and I- of each type, or tags without O, got O, I-x"):
        made("O", "I-x")
    with pytest.raises(UserError, match="--columns and --labels must be left out for a BertForTokenClassification"):
        made("O", "B-x", "I-x", text_a="text")


def test_pairs_with_scores_are_embedded_on_their_scale(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("sentence1,sentence2,score\na,b,2.5\nc,d,4.8\n")
    task = embedding_task(path)
    settings = task["init_args"]
    assert task["class_path"] == "lit_prune.data.EmbeddingTask"
    assert (settings["pooling"], settings["max_score"], settings["selection"]) == ("first", 4.8, "spearman")
    assert settings["source"]["class_path"] == "lit_prune.data.Files"


def test_pairs_without_scores_belong_together(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("question,answer\na,b\n")
    settings = embedding_task(path)["init_args"]
    assert (settings["selection"], settings["source"]["class_path"]) == ("ndcg_at_10", "lit_prune.data.PairFiles")
    assert "max_score" not in settings
    path.write_text("text,label\na,b\n")
    with pytest.raises(UserError, match="must have pairs of texts, as --model is one of sentence embeddings"):
        embedding_task(path)
