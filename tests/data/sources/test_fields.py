"""Records of foreign tables: how they become rows, and what is refused."""

import math

import pytest
import yaml

from lit_prune.data.sources.fields import Fields, Texts, check_names, first_of, read_rows
from lit_prune.data.sources.readers import IncompleteError
from lit_prune.errors import UserError

PAIR = {"text_a": "sentence1", "text_b": "sentence2", "label": "gold_label"}
NLI = {"entailment": "entailment", "neutral": "neutral", "contradiction": "contradiction", "-": ""}
COMPLETE = {"gold_label": "neutral", "sentence1": "b'a'", "sentence2": "b'b'", "pair": "p", "genre": "g"}
RECORD = {"gold_label": "entailment", "sentence1": "A man sleeps .", "sentence2": "A man rests !"}


def row(record=RECORD, **spec):
    return Fields(**{"columns": PAIR, "labels": NLI, **spec}).row(record, 17, "dev:17")


def test_a_record_under_our_names():
    columns = {**PAIR, "id": "pair", "group": "heuristic"}
    record = {**RECORD, "pair": 7, "heuristic": "subsequence", "more": None}
    assert row(record, columns=columns, labels={"entailment": "yes"}) == {
        "id": "7",
        "text_a": "A man sleeps .",
        "text_b": "A man rests !",
        "label": "yes",
        "group": "subsequence",
    }


def test_what_no_column_gives():
    columns = {"text_a": "sentence1", "label": "gold_label"}
    assert row(columns=columns) == {
        "id": "17",
        "text_a": "A man sleeps .",
        "text_b": "",
        "label": "entailment",
        "group": "",
    }


def test_a_label_mapped_to_nothing_drops_the_row():
    assert row({**RECORD, "gold_label": "-"}) is None


def test_strip_takes_characters_and_white_space_off_both_ends():
    found = row({**RECORD, "sentence1": "Really ?! . "}, strip=".!?")
    assert (found["text_a"], found["text_b"]) == ("Really", "A man rests")
    assert row({**RECORD, "sentence1": "Really ?! . "})["text_a"] == "Really ?! ."


def test_a_second_text_may_be_blank_a_first_may_not():
    assert row({**RECORD, "sentence2": " "})["text_b"] == ""
    with pytest.raises(
        IncompleteError, match=r"dev:17: column 'sentence1' must hold a text, .*`drop_incomplete: true`"
    ):
        row({**RECORD, "sentence1": " \n"})
    assert row({**RECORD, "sentence1": "", "gold_label": "-"}) is None
    with pytest.raises(IncompleteError, match=r"dev:17: column 'sentence1' must hold a text"):
        row({**RECORD, "sentence1": " ..."}, strip=".")
    assert row({**RECORD, "sentence2": " ..."}, strip=".")["text_b"] == ""


ABSENT = object()
MISSING = [None, math.nan, "", " \t", ABSENT]


@pytest.mark.parametrize("value", MISSING, ids=["null", "nan", "empty", "blank", "absent"])
@pytest.mark.filterwarnings("ignore:dev. 1 rows lack")
def test_null_blank_and_absent_are_all_missing(value):
    def without(column):
        there = {**COMPLETE, column: value}
        return {name: each for name, each in there.items() if each is not ABSENT}

    columns = {**PAIR, "id": "pair", "group": "genre"}
    assert row(without("pair"), columns=columns)["id"] == "17"
    assert row(without("genre"), columns=columns)["group"] == ""
    assert row(without("sentence2"))["text_b"] == ""
    for column in ("sentence1", "gold_label"):
        with pytest.raises(IncompleteError, match=rf"dev:17: .* '{column}'.*`drop_incomplete: true`"):
            row(without(column))
    for column in ("sentence1", "sentence2", "gold_label"):
        assert read(COMPLETE, without(column), drop_incomplete=True) == ["1"]
    assert row(without("gold_label"), labels={**NLI, "": ""}) is None
    assert row(without("gold_label"), labels={"": "unknown"})["label"] == "unknown"
    assert row(without("sentence2"), bytes_literals=True)["text_b"] == ""


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinite_number_is_neither_text_nor_label(value):
    for column in ("sentence1", "gold_label"):
        with pytest.raises(UserError, match=rf"dev:17: column '{column}' must hold a text or a number, got -?inf"):
            row({**RECORD, column: value}, labels=None)


def test_a_column_that_no_record_has_is_named():
    columns = {**PAIR, "group": "genre"}
    with pytest.raises(
        UserError, match=r"dev: unknown column 'genre' in `columns`: choose from sentence1, sentence2, gold_label"
    ):
        read(*[{name: RECORD[name] for name in ("sentence1", "sentence2", "gold_label")}] * 2, columns=columns)
    assert read(RECORD, {**RECORD, "genre": "x"}, columns=columns) == ["1", "2"]
    with pytest.raises(UserError, match=r"dev: unknown column 'text' in `columns`: choose from"):
        read(RECORD, columns={**PAIR, "text_a": "text"}, drop_incomplete=True)


@pytest.mark.parametrize("value", ["yes", "Off", "true"])
def test_labels_that_yaml_reads_as_booleans_are_explained(value):
    (labels,) = yaml.safe_load("[{no: negative, yes: positive}]")
    remedy = r"choose from False, True, or .*. yaml reads unquoted yes, .* as booleans: quote them"
    with pytest.raises(UserError, match=rf"dev:17: unknown label '{value}': {remedy}"):
        row({**RECORD, "gold_label": value}, labels=labels)
    assert row({**RECORD, "gold_label": True}, labels=labels)["label"] == "positive"
    with pytest.raises(UserError, match=r"unknown label 'maybe': choose from [^.]*$"):
        row({**RECORD, "gold_label": "maybe"})


@pytest.mark.parametrize("label", ["1", 1])
def test_labels_that_yaml_reads_as_numbers(label):
    assert row({**RECORD, "gold_label": label}, labels={0: "different", 1: "duplicate"})["label"] == "duplicate"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sentence2": ["a"]}, r"dev:17: column 'sentence2' must hold a text or a number, got \['a'\]"),
        ({"sentence2": b"a"}, r"dev:17: column 'sentence2' must hold a text or a number, got b'a'"),
        ({"gold_label": "maybe"}, r"dev:17: unknown label 'maybe': choose from entailment, neutral"),
    ],
)
def test_a_value_that_is_no_text_or_no_label_is_refused(change, message):
    with pytest.raises(UserError, match=message):
        row({**RECORD, **change})


def test_a_missing_column_is_named_beside_those_found():
    with pytest.raises(UserError, match=r"dev:17: unknown column 'sentence1' in `columns`: choose from a, b; or"):
        row({"a": "", "b": ""})


def test_text_a_and_label_are_needed_and_other_fields_unknown():
    with pytest.raises(UserError, match=r"add \['label'\], remove \['premise'\]"):
        Fields(columns={"text_a": "a", "premise": "b"}, labels=NLI)


def test_texts_have_no_label():
    columns = {"text_a": "sentence1", "text_b": "sentence2", "id": "pair"}
    found = Texts(columns=columns, strip=".").row({**RECORD, "pair": "p"}, 17, "dev:17")
    assert found == {"id": "p", "text_a": "A man sleeps", "text_b": "A man rests !", "label": "", "group": ""}
    with pytest.raises(UserError, match=r"dev:17: column 'sentence1' must hold a text"):
        Texts(columns=columns).row({**RECORD, "sentence1": "", "pair": "p"}, 17, "dev:17")
    with pytest.raises(UserError, match=r"add \['text_a'\], remove \['label'\]"):
        Texts(columns={"label": "gold_label"})


def test_names_of_splits():
    fields = Fields(columns=PAIR, labels=NLI)
    check_names(dict.fromkeys(["train", "id", "id_mismatched", "ood", "ood_hans", "ood_train"], fields))
    check_names({"train": fields})
    with pytest.raises(UserError, match=r"add train and rename dev"):
        check_names({"id": fields, "dev": fields})


def test_a_field_may_be_in_one_of_several_columns():
    columns = {**PAIR, "label": ["gold_label", "label"], "text_b": ["evidence", "sentence2"]}
    assert row(columns=columns) == row()
    other = {"label": "neutral", "sentence1": "a", "evidence": "b", "sentence2": "c"}
    found = row(other, columns=columns)
    assert (found["text_b"], found["label"]) == ("b", "neutral")
    with pytest.raises(
        UserError, match=r"dev:17: unknown column \['gold_label', 'label'\] in `columns`: choose from sentence1"
    ):
        row({"sentence1": "a", "sentence2": "b"}, columns=columns)
    assert first_of(["a", "b"], ["c", "b"]) == first_of("b", ["c", "b"]) == "b"
    assert first_of("a", "bc") is None


@pytest.mark.parametrize(
    ("literal", "text"),
    [("b'Who ?'", "Who ?"), ('b"It \'s"', "It 's"), (r"b'\xc3\xa9 \'t\' \"u\"'", "é 't' \"u\""), ("b''", "")],
)
def test_python_bytes_are_undone(literal, text):
    assert row({**RECORD, "sentence2": literal, "sentence1": "b'a'"}, bytes_literals=True)["text_b"] == text
    assert row({**RECORD, "sentence2": literal})["text_b"] == literal


@pytest.mark.parametrize(
    "text", ["Who ?", "'Who ?'", "b'Who", "b'a', b'b'", "b'a' + b'b'", r"b'\xff'", "b'é'", "b'' or exit()", r"b'\x'"]
)
def test_nothing_but_python_bytes_is_evaluated(text):
    with pytest.raises(UserError, match=r"dev:17: texts must be Python bytes literals b'...'"):
        row({**RECORD, "sentence1": "b'a'", "sentence2": text}, bytes_literals=True)


def read(*records, **spec):
    read_as = Fields(**{"columns": PAIR, "labels": NLI, **spec})
    return [row["id"] for row in read_rows(enumerate(records, start=1), read_as, lambda number: f"dev:{number}", "dev")]


def test_dropped_rows_are_left_out_and_one_must_remain():
    dropped = {**RECORD, "gold_label": "-"}
    assert read(dropped, RECORD, dropped, RECORD) == ["2", "4"]
    with pytest.raises(
        UserError, match=r"dev must have rows, got none: check its data, and the `labels` that drop rows"
    ):
        read(dropped)


INCOMPLETE = [{**RECORD, "sentence1": " "}, {**RECORD, "sentence2": ""}, IncompleteError("dev:3: 2 fields")]


def test_incomplete_rows_are_dropped_where_that_is_said_and_counted():
    with pytest.warns(UserWarning, match="^dev: 3 rows lack a text or fields and are left out, dev:2 first$"):
        assert read(RECORD, *INCOMPLETE, RECORD, drop_incomplete=True) == ["1", "5"]


@pytest.mark.parametrize("number", [0, 2])
def test_incomplete_rows_are_refused_otherwise(number):
    with pytest.raises(IncompleteError, match="must hold a text" if number == 0 else "dev:3: 2 fields"):
        read(RECORD, INCOMPLETE[number])


@pytest.mark.filterwarnings("error")
def test_a_blank_second_text_is_one_where_nothing_is_dropped_and_complete_rows_need_no_warning():
    assert read(RECORD, INCOMPLETE[1]) == ["1", "2"]
    single = {"text_a": "sentence1", "label": "gold_label"}
    assert read(RECORD, columns=single, drop_incomplete=True) == ["1"]


def labels_of(value, where="dev:17", **spec):
    known = {"sport": "sport", "arts": "art", "fine art": "art", "other": ""}
    fields = Fields(**{"columns": {"text_a": "text", "label": "topics"}, "labels": known, "separator": ";", **spec})
    return fields.row({"text": "A.", "topics": value}, 17, where)


@pytest.mark.parametrize("separator", [";", None])
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["sport"], ["sport"]),
        (["arts", "sport"], ["art", "sport"]),
        (["arts", "fine art", "sport"], ["art", "sport"]),  # two names of one label
        (["other", "sport"], ["sport"]),
        (["other"], []),
    ],
)
def test_several_labels_are_a_list_or_a_text_with_a_separator(separator, names, expected):
    value = names if separator is None else f" {separator} ".join(names)
    row = {"id": "17", "text_a": "A.", "text_b": "", "label": "", "group": "", "labels": expected}
    assert labels_of(value, separator=separator) == row
    assert labels_of(names) == row  # a list needs no separator


def test_labels_without_a_table_of_them_stay_as_they_are():
    assert labels_of("a|b|", separator="|", labels=None)["labels"] == ["a", "b"]
    assert labels_of([1, 2], labels=None)["labels"] == ["1", "2"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("sport;music", r"dev:17: unknown label 'music': choose from sport, arts, fine art, other, or map it"),
        ("sport;sport", r"dev:17: column 'topics' must hold names of labels, each once, got \['sport', 'sport'\]"),
        ([0, 1, 1], r"dev:17: column 'topics' must hold names of labels, each once, got \[0, 1, 1\]"),
        (["sport", None], r"dev:17: column 'topics' must hold names of labels"),
        (["sport", " "], r"dev:17: column 'topics' must hold names of labels"),
        ([["sport"]], r"dev:17: column 'topics' must hold names of labels"),
        (None, r"dev:17: column 'topics' must hold a label, got none"),
        (math.nan, r"dev:17: column 'topics' must hold a label, got none"),
    ],
)
def test_wrong_labels_of_a_set_are_named(value, message):
    with pytest.raises(UserError, match=message):
        labels_of(value)


def test_a_separator_has_a_character():
    with pytest.raises(UserError, match="separator must be one or more characters, got ''"):
        labels_of("sport", separator="")
