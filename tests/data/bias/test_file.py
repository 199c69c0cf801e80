"""Predictions of a bias model that come from a file."""

import json
import math
import os

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import torch

from lit_prune.data import BiasFile, GeneratedNli, Task
from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.errors import UserError

NAMES = ["contradiction", "entailment", "neutral"]
IDS = ["a", "b", "c"]
PROBABILITIES = np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8], [0.0, 1.0, 0.0]])
FLOOR = math.log(np.finfo(np.float32).tiny)


def predict(path, ids=IDS, names=NAMES):
    texts = [f"text {each}" for each in ids]
    return BiasFile(str(path)).fit_predict(texts, texts, np.zeros(len(ids), int), names, None, ids)


def columns(values, names=NAMES):
    return dict(zip(names, np.asarray(values).T.tolist(), strict=True))


WRITERS = {
    "csv": pa.csv.write_csv,
    "parquet": pa.parquet.write_table,
    "jsonl": lambda table, path: path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist())),
}


def write(path, values, ids=IDS):
    WRITERS[path.suffix[1:]](pa.table({"id": list(ids), **values}), path)
    return path


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("given", ["probabilities", "log-probabilities", "as predict writes them"])
def test_rows_are_joined_by_id_and_classes_by_name(tmp_path, kind, given):
    order = [2, 0, 1]
    values = PROBABILITIES if given != "log-probabilities" else np.maximum(np.log(PROBABILITIES + 1e-300), -600)
    names = [f"probability_{name}" for name in NAMES] if given == "as predict writes them" else NAMES
    turned = dict(reversed(columns(values[order], names).items()))  # the file's order of the classes is its own
    path = write(tmp_path / f"bias.{kind}", turned | {"split": ["train"] * 3}, [IDS[number] for number in order])
    found = predict(path)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.exp(found), PROBABILITIES, atol=1e-6)
    assert found.min() == pytest.approx(FLOOR)  # finite where a class is ruled out


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_logits_are_normalised(tmp_path, kind):
    logits = [[1000.0, 998.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 1.0, 2.0]]
    found = predict(write(tmp_path / f"bias.{kind}", {"logits": logits}))
    np.testing.assert_allclose(found, np.maximum(torch.tensor(logits).log_softmax(-1).numpy(), FLOOR), rtol=1e-5)


def test_rows_beyond_those_asked_for_are_left_alone_and_one_id_may_come_twice(tmp_path):
    path = write(tmp_path / "bias.csv", columns(PROBABILITIES))
    np.testing.assert_allclose(np.exp(predict(path, ["b", "b"])), PROBABILITIES[[1, 1]], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "ids", "message"),
    [
        (columns(PROBABILITIES), ["a", "x", "y"], r"for all 3 training rows, got none for 2, first for id 'b'"),
        (
            {"entailment": [1.0] * 3, "neutral": [0.0] * 3},
            IDS,
            r":\d: unknown column 'contradiction': ",
        ),
        (
            columns(PROBABILITIES[:, :2], NAMES[:2]),
            IDS,
            r":\d: unknown column 'neutral': choose from id",
        ),
        (columns([[0.5, 0.5, 0.5]] * 3), IDS, r"must be probabilities .* got \[0.5, 0.5, 0.5\] for id 'a'"),
        (columns([[1.5, -0.3, -0.2]] * 3), IDS, r"must be probabilities of the classes .* for id 'a'"),
        (columns([[-0.1, -0.1, -0.1]] * 3), IDS, r"must be probabilities of the classes .* for id 'a'"),
        (columns([["x", "y", "z"]] * 3), IDS, r":\d: columns contradiction, entailment, neutral must be numb"),
        (columns(PROBABILITIES), ["a", "b", "a"], r":\d: an id must have one prediction, got a second of 'a'"),
        ({"logits": [[1.0, 2.0]] * 3}, IDS, r":\d: logits must be a list of 3 numbers.*, got \[1.0, 2.0\]"),
    ],
)
def test_what_is_not_there_or_cannot_be_is_named(tmp_path, values, ids, message):
    with pytest.raises(UserError, match=message):
        predict(write(tmp_path / "bias.parquet", values, ids))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (dict.fromkeys(NAMES, 10**400), r"bias.jsonl:1: columns .* must be numbers"),
        ({"logits": [10**400, 0, 0]}, r"bias.jsonl:1: logits must be a list of 3 numbers.*, got \[1000.*, 0, 0\]"),
        ({"logits": [math.nan, 0, 0]}, r"bias.jsonl:1: logits must be a list of 3 numbers.*, got \[nan, 0, 0\]"),
    ],
)
def test_numbers_beyond_all_floats_are_named_with_their_line(tmp_path, record, message):
    path = tmp_path / "bias.jsonl"
    path.write_text(json.dumps({"id": "a", **record}))
    with pytest.raises(UserError, match=message):
        predict(path)


def test_a_file_that_is_not_there_or_of_another_kind_is_named(tmp_path):
    with pytest.raises(UserError, match="path of BiasFile must be a file"):
        predict(tmp_path / "none.csv")
    with pytest.raises(UserError, match="must end in one of"):
        BiasFile("bias.npy")


def test_an_id_of_rows_with_different_texts_is_refused(tmp_path):
    bias = BiasFile(str(write(tmp_path / "bias.csv", columns(PROBABILITIES))))
    with pytest.raises(UserError, match="must be unique for a BiasFile, got 'a' for different texts"):
        bias.fit_predict(["one", "two"], ["", ""], np.zeros(2, int), NAMES, None, ["a", "a"])


def test_a_changed_file_is_another_fingerprint(tmp_path):
    path = write(tmp_path / "bias.csv", columns(PROBABILITIES))
    before = BiasFile(str(path)).fingerprint()
    os.utime(path, ns=(0, 0))
    assert BiasFile(str(path)).fingerprint() != before


def test_a_tasks_rows_get_what_the_file_has_for_them(tmp_path, tokenizer):
    how = Preparation(tokenizer, root=None, max_length=64, validation_fraction=0.1, seed=3)
    source = GeneratedNli(num_train=40, num_eval=20)
    ids = [row["id"] for row in source.rows("train", None)]
    values = np.random.default_rng(0).dirichlet([1, 1, 1], len(ids))
    path = write(tmp_path / "bias.parquet", columns(values), ids)
    task = Task("nli", NAMES, source, bias=BiasFile(str(path)))
    train, _ = prepare_task(task, how, torch.ones(len(tokenizer), 2))
    expected = dict(zip(ids, values, strict=True))
    np.testing.assert_allclose(np.exp(train["bias"][:]), [expected[each] for each in train["id"]], rtol=1e-5)
    report = task.bias.report(np.array(train["bias"][:]), np.array(train["label"][:]), NAMES)
    assert report["confidence"] == pytest.approx(np.max([expected[each] for each in train["id"]], axis=1).mean())
