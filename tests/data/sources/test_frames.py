"""Tables in memory: pandas DataFrames and `datasets.Dataset`s."""

import pickle

import numpy
import pandas
import pytest
from datasets import ClassLabel, Dataset, Features, Value
from datasets.fingerprint import Hasher

from lit_prune.callbacks.model import plain
from lit_prune.data.sources import Frames
from lit_prune.errors import UserError

FRAME = pandas.DataFrame({"text_a": ["A.", "B.", "C."], "label": ["no", "yes", "no"]})


def read(table, field="label", **options):
    """A field of the training rows."""
    return [row[field] for row in Frames({"train": table}, **options).rows("train", None)]


@pytest.mark.parametrize("kind", [lambda frame: frame, Dataset.from_pandas], ids=["DataFrame", "Dataset"])
def test_columns_have_our_names_unless_they_are_mapped(kind):
    frame = pandas.DataFrame({"premise": ["A."], "text_b": ["B."], "label": ["no"], "idx": [7], "more": [[1.0]]})
    source = Frames({"train": kind(frame)}, ["yes", "no"], {"text_a": "premise", "id": "idx"})
    assert list(source.rows("train", None)) == [{"id": "7", "text_a": "A.", "text_b": "B.", "label": "no", "group": ""}]
    columns = {"text_a": "premise", "label": "label", "text_b": "text_b", "id": "idx"}
    assert plain(source) == {
        "class_path": "lit_prune.data.sources.Frames",
        "init_args": {"labels": ["yes", "no"], "columns": columns},
    }


def test_a_row_goes_by_its_place_whatever_the_index():
    assert read(FRAME.set_index(pandas.Index([5, 5, 6])), "id") == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("values", "labels", "expected"),
    [
        ([1, 0, 1], ["no", "yes"], ["yes", "no", "yes"]),
        ([1.0, 0.0, 1.0], ["no", "yes"], ["yes", "no", "yes"]),  # pandas' integers where one was missing
        ([True, False, True], ["no", "yes"], ["yes", "no", "yes"]),
        (["yes", "no", "no"], ["no", "yes"], ["yes", "no", "no"]),
        ([1, 2, 3], ["1", "2", "3"], ["1", "2", "3"]),
        (["yes", "no", "no"], None, ["yes", "no", "no"]),
        ([10, 9, 9], None, ["10", "9", "9"]),
        (pandas.Categorical(["b", "a", "b"], ["b", "a"]), None, ["b", "a", "b"]),
        (pandas.Series([1, 0, 1], dtype="Int64"), ["no", "yes"], ["yes", "no", "yes"]),
    ],
)
def test_labels_are_names_or_the_numbers_of_names(values, labels, expected):
    assert read(FRAME.assign(label=values), labels=labels) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["no", "yes", "no"], ["no", "yes"]),
        ([10, 9, 9], ["9", "10"]),
        (pandas.Categorical(["b", "b", "a"], ["b", "a", "c"]), ["b", "a", "c"]),
        ([0.5, 2.0, 1.0], None),
    ],
)
def test_class_names_are_those_of_the_training_labels(values, expected):
    assert Frames({"train": FRAME.assign(label=values)}).labels == expected


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([["b", "a"], [], ["b"]], None),
        ([("b", "a"), (), ("b",)], ["b", "a"]),
        ([numpy.array(["b", "a"]), numpy.array([], dtype=str), numpy.array(["b"])], None),
        ([[1, 0], [], [1]], ["a", "b"]),
        ([numpy.array([1, 0]), numpy.array([], dtype=int), numpy.array([1])], ["a", "b"]),
    ],
)
@pytest.mark.parametrize("kind", [lambda frame: frame, Dataset.from_pandas], ids=["DataFrame", "Dataset"])
def test_lists_are_several_labels(kind, values, labels):
    source = Frames({"train": kind(FRAME.assign(label=values))}, labels)
    assert source.has_lists
    assert source.labels == (labels or ["a", "b"])
    rows = pickle.loads(pickle.dumps(source)).rows("train", None)
    assert [(row["label"], row["labels"]) for row in rows] == [("", ["b", "a"]), ("", []), ("", ["b"])]


def test_a_class_label_has_its_names():
    features = Features({"text_a": Value("string"), "label": ClassLabel(names=["no", "yes", "maybe"])})
    rows = Dataset.from_dict({"text_a": ["A.", "B.", "C."], "label": [1, 0, -1]}, features=features)
    assert Frames({"train": rows.select([1])}).labels == ["no", "yes", "maybe"]
    assert read(rows.select([1, 0]).with_format("torch")) == ["no", "yes"]
    assert read(rows.select([1, 0]), labels=["yes", "no"]) == ["no", "yes"]
    with pytest.raises(UserError, match=r"train set, row 2: column 'label' must hold a label, got none"):
        read(rows)


@pytest.mark.parametrize("missing", [None, float("nan"), pandas.NA, " "])
def test_a_missing_text_or_label_is_an_error_or_left_out(missing):
    for column, kind in (("text_a", "text"), ("label", "label")):
        frame = FRAME.assign(**{column: ["yes", missing, "no"]})
        with pytest.raises(UserError, match=rf"train set, row 1: column '{column}' must hold a {kind}, got none"):
            read(frame)
        with pytest.warns(UserWarning, match="train set: 1 rows lack a text or fields .* train set, row 1 first"):
            assert read(frame, "id", drop_incomplete=True) == ["0", "2"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([{"text_a": "A.", "label": "no"}], r"train set must be a pandas DataFrame or a datasets.Dataset, got a list"),
        (FRAME.assign(text_a=[["A."], "B.", "C."]), r"train set, row 0: column 'text_a' must hold a text or a number"),
        (FRAME.assign(label=["no", "maybe", "no"]), r"train set, row 1: unknown label 'maybe': choose from no, yes"),
        (FRAME.assign(label=[0, 1, 2]), r"train set, row 2: unknown label '2': choose from no, yes"),
        (FRAME.assign(label=[[0], [1], [2]]), r"train set, row 2: unknown label '2': choose from no, yes"),
        (
            FRAME.assign(label=[[0, 1, 1], [1], [0]]),
            r"train set, row 0: .* names of labels, each once, got \['no', 'yes', ",
        ),
        (FRAME.assign(label=[["no"], [None], []]), r"train set, row 1: column 'label' must hold names of labels"),
        (FRAME.assign(label=[["no"], None, []]), r"train set, row 1: column 'label' must hold a label, got none"),
        (FRAME.rename(columns={"label": 0}), r"train set: unknown column 'label' in `columns`: choose from text_a, 0"),
        (FRAME.iloc[:0], r"train set must have rows, got none"),
        (pandas.concat([FRAME, FRAME], axis=1), r"train set: columns must have different names, got \['text_a', "),
    ],
)
def test_wrong_tables_are_errors_that_name_set_and_row(table, message):
    with pytest.raises(UserError, match=message):
        Frames({"train": table}, ["no", "yes"])


def test_splits_and_fields_have_the_names_of_other_sources():
    with pytest.raises(UserError, match=r"add train and rename test"):
        Frames({"test": FRAME})
    with pytest.raises(UserError, match=r"columns must map text_a, label and any of .* remove \['premise'\]"):
        Frames({"train": FRAME}, columns={"premise": "text_a"})
    with pytest.raises(UserError, match=r"id set: unknown column 'text_a' in `columns`: choose from label"):
        Frames({"train": FRAME, "id": FRAME[["label"]]})


def test_labels_of_ood_sets_are_left_to_the_task_which_merges_classes():
    source = Frames({"train": FRAME, "ood": FRAME.assign(label="other")})
    assert source.available(None) == ["train", "ood"]
    assert [row["label"] for row in source.rows("ood", None)] == ["other"] * 3


def test_the_cache_is_of_the_content():
    frame = FRAME.copy(deep=True)
    source = Frames({"train": frame})
    same = pickle.loads(pickle.dumps(Frames({"train": Dataset.from_pandas(FRAME)})))
    frame.loc[2, "text_a"] = "D."  # the source has a copy
    changed = Frames({"train": frame})
    assert Hasher.hash(source) == Hasher.hash(same) != Hasher.hash(changed)
    prints = [each.fingerprint("train", None) for each in (source, same, changed)]
    assert prints[0] == prints[1] != prints[2]
    assert [next(iter(each.rows("train", None)))["text_a"] for each in (source, same)] == ["A.", "A."]
