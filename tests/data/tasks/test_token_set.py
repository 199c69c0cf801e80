"""Documents put together from windows, and what is said of their words."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from datasets import Dataset
from seqeval.metrics import f1_score, precision_score, recall_score

from lit_prune.data.batch import NO_LABEL
from lit_prune.data.tasks.tags import bio_tags
from lit_prune.data.tasks.token_set import TokenSet

TYPES = ("x", "y")
TAGS = bio_tags(TYPES)  # O, B-x, I-x, B-y, I-y
# Document "a" is four words in two windows, its second word without a token; "b" one word.
ROWS = {
    "id": ["a", "a", "b"],
    "text_a": ["ab c de f", "ab c de f", "gh"],
    "group": ["g", "g", ""],
    "words": [[[0, 2], [3, 4]], [[5, 7], [8, 9]], [[0, 2]]],
    "tags": [[1, 0], [1, 2], [3]],
    "positions": [[1, -1], [2, 3], [1]],
    "label": [[NO_LABEL, 1, NO_LABEL], [NO_LABEL, NO_LABEL, 1, 2, NO_LABEL], [NO_LABEL, 3, NO_LABEL]],
    "input_ids": [[2, 5, 3], [2, 5, 6, 7, 3], [2, 8, 3]],
}


def make(types=TYPES, classes=TAGS, **changed):
    return TokenSet("ner", "id", Dataset.from_dict(ROWS | changed), classes=classes, types=types)


def logits(*said, tags=TAGS):
    """Logits by which each window's tokens are of the classes said, with probability 1/2."""
    result = torch.full((len(ROWS["id"]), 8, len(tags)), 0.0)
    for window, classes in enumerate(said):
        for position, number in classes.items():
            result[window, position, number] = math.log(len(tags) - 1)
    return result


RIGHT = logits({1: 1}, {2: 1, 3: 2}, {1: 3})


def test_logits_and_labels_have_the_length_of_a_batch():
    assert make().logits_shape == (3, 8, 5)
    labels = make().row_labels
    assert labels.shape == (3, 8)
    assert labels[1].tolist() == [NO_LABEL, NO_LABEL, 1, 2, *[NO_LABEL] * 4]


def test_words_of_a_document_come_from_their_windows():
    first, second = make().documents(RIGHT)
    assert (first.id, first.group, first.text) == ("a", "g", "ab c de f")
    assert first.words == [[0, 2], [3, 4], [5, 7], [8, 9]]
    assert first.right == first.predicted == ["B-x", "O", "B-x", "I-x"]
    assert first.losses == pytest.approx([math.log(2)] * 3)  # the word without a token has none
    assert [first.scores[place] for place in (0, 2, 3)] == pytest.approx([0.5] * 3)
    assert (second.id, second.predicted) == ("b", ["B-y"])


def test_metrics_of_what_is_right_and_wrong():
    assert make().metrics(RIGHT) == {
        **dict.fromkeys(("word_accuracy", "precision", "recall", "f1", "f1_x", "f1_y", "f1_macro", "f1_g"), 1.0),
        "loss": pytest.approx(math.log(2)),
    }
    # An entity over both windows has another end than those that are right.
    values = make().metrics(logits({1: 1}, {2: 1, 3: 0}, {1: 3}))
    assert values["word_accuracy"] == 4 / 5
    assert (values["precision"], values["recall"], values["f1_x"], values["f1_y"]) == (2 / 3, 2 / 3, 0.5, 1.0)


def test_a_word_without_a_token_is_outside():
    entity = {"tags": [[1, 2], [2, 0], [3]]}  # one entity over both windows
    broken = make(**entity).metrics(logits({1: 1}, {2: 2, 3: 0}, {1: 3}))
    assert (broken["word_accuracy"], broken["f1_x"]) == (4 / 5, 0.0)
    found = {"positions": [[1, 2], [2, 3], [1]]}
    whole = make(**entity, **found).metrics(logits({1: 1, 2: 2}, {2: 2, 3: 0}, {1: 3}))
    assert (whole["word_accuracy"], whole["f1_x"]) == (1.0, 1.0)


def test_metrics_that_are_the_same_for_all_models_are_named():
    assert make().undefined == ()
    assert make(tags=[[1, 0], [0, 0], [0]]).undefined == ("f1_y",)
    nothing = make(tags=[[0, 0], [0, 0], [0]]).undefined
    assert {"f1", "precision", "recall", "f1_macro", "f1_x", "f1_y"} <= set(nothing)


def test_a_row_is_written_for_each_entity():
    assert make().predictions(RIGHT, TAGS) == {
        "id": ["a", "a", "b"],
        "start": [0, 5, 0],
        "end": [2, 9, 2],
        "text": ["ab", "de f", "gh"],
        "label": ["x", "x", "y"],
        "score": pytest.approx([0.5] * 3),
    }
    one = make().predictions(logits({1: 1}, {2: 0, 3: 0}, {1: 0}), TAGS)
    assert one["id"] == ["a"]
    none = make().predictions(logits({1: 0}, {2: 0, 3: 0}, {1: 0}), TAGS)
    assert none == {name: [] for name in ("id", "start", "end", "text", "label", "score")}


def test_predictions_need_no_tags():
    unknown = make(tags=[[NO_LABEL] * len(each) for each in ROWS["tags"]])
    assert unknown.predictions(RIGHT, TAGS) == make().predictions(RIGHT, TAGS)


def test_a_run_records_the_tags_of_documents():
    columns = make().columns(logits({1: 1}, {2: 1, 3: 0}, {1: 3}))
    assert columns["id"] == ["a", "b"]
    assert columns["label"] == ["B-x\tO\tB-x\tI-x", "B-y"]
    assert columns["prediction"] == ["B-x\tO\tB-x\tO", "B-y"]
    assert columns["loss"][1] == pytest.approx(math.log(2))
    assert columns["loss"][0] == pytest.approx((2 * math.log(2) + math.log(8)) / 3)
    assert len(columns["logits"]) == 2


def test_plain_tags_have_an_accuracy_of_words_and_groups():
    tags = ("noun", "verb", "PRP-x")
    changed = {"tags": [[0, 1], [0, 1], [2]], "positions": [[1, -1], [2, 3], [1]]}
    plain = make((), tags, **changed)
    values = plain.metrics(logits({1: 0}, {2: 0, 3: 1}, {1: 2}, tags=tags))
    assert values == {"accuracy": 4 / 5, "accuracy_g": 3 / 4, "loss": pytest.approx(math.log(2))}
    assert plain.undefined == ()
    found = plain.predictions(logits({1: 0}, {2: 0, 3: 1}, {1: 2}, tags=tags), tags)
    assert found["label"] == ["noun", "noun", "verb", "PRP-x"]
    assert found["text"] == ["ab", "de", "f", "gh"]


def test_large_groups_of_plain_tags_may_be_the_worst():
    many = {name: [values[2]] * 10 for name, values in ROWS.items()} | {"group": ["g"] * 10, "tags": [[0]] * 10}
    many["id"] = [str(number) for number in range(10)]
    plain = TokenSet("pos", "id", Dataset.from_dict(many), classes=("noun", "verb"))
    said = torch.zeros(10, 8, 2)
    said[:4, 1, 1] = 1.0
    assert plain.metrics(said)["worst_group_accuracy"] == 0.6


@pytest.mark.parametrize("seed", range(200))
def test_documents_cut_into_windows_have_seqevals_metrics(seed):
    """Each document is cut at random places, also within entities; some words have no token."""
    rng = np.random.default_rng(seed)
    rows = {name: [] for name in ROWS}
    right, said, windows = [], [], []
    for document in range(int(rng.integers(1, 6))):
        num_words = int(rng.integers(1, 12))
        tags, found = rng.integers(0, 5, (2, num_words)) * (rng.random((2, num_words)) < rng.random())
        cuts = sorted({0, num_words, *rng.integers(0, num_words + 1, int(rng.integers(0, 3))).tolist()})
        has_token = rng.random(num_words) < 0.9
        for first, last in itertools.pairwise(cuts):
            positions = [place + 1 if has_token[first + place] else -1 for place in range(last - first)]
            rows["id"].append(str(document))
            rows["text_a"].append("w " * num_words)
            rows["group"].append("")
            rows["words"].append([[2 * word, 2 * word + 1] for word in range(first, last)])
            rows["tags"].append(tags[first:last].tolist())
            rows["positions"].append(positions)
            rows["label"].append([NO_LABEL] * (last - first + 2))
            rows["input_ids"].append([2] * (last - first + 2))
            windows.append({place: int(found[first + place - 1]) for place in positions if place > 0})
        right.append([TAGS[number] for number in tags])
        said.append([TAGS[number] if known else "O" for number, known in zip(found, has_token, strict=True)])
    documents = TokenSet("ner", "id", Dataset.from_dict(rows), classes=TAGS, types=TYPES)
    predicted = torch.zeros(documents.logits_shape)
    for number, window in enumerate(windows):
        for place, tag in window.items():
            predicted[number, place, tag] = 1.0
    values = documents.metrics(predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of seqeval about sets without entities
        expected = [metric(right, said) for metric in (precision_score, recall_score, f1_score)]
    assert [values[name] for name in ("precision", "recall", "f1")] == pytest.approx(expected)
