"""Files of texts with labelled spans."""

import json

import pytest

from lit_prune.data import SpanFiles
from lit_prune.data.sources import TokensRow
from lit_prune.data.sources.spans import read_spans, read_tagged
from lit_prune.errors import UserError

TEXT = "Ada Lovelace lived in London."
ADA, LONDON = {"start": 0, "end": 12, "label": "person"}, {"start": 22, "end": 28, "label": "place"}


def write(folder, *records):
    path = folder / "train.jsonl"
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def test_spans_become_tags_of_words(tmp_path):
    write(tmp_path, {"text": TEXT, "spans": [LONDON, ADA], "id": 7, "group": "uk"}, {"text": "No.", "spans": []})
    first, second = SpanFiles({"train": ["train.jsonl"]}).rows("train", str(tmp_path))
    assert first == TokensRow(
        id="7",
        text_a=TEXT,
        text_b="",
        label="",
        group="uk",
        words=[[0, 3], [4, 12], [13, 18], [19, 21], [22, 28], [28, 29]],
        tags=["B-person", "I-person", "O", "O", "B-place", "O"],
    )
    assert (second["id"], second["group"], second["tags"]) == ("2", "", ["O", "O"])


def test_spans_that_end_inside_words_are_widened_and_counted(tmp_path):
    cut = {"start": 1, "end": 6, "label": "person"}  # da Lo
    spaced = {"start": 21, "end": 28, "label": "place"}  # white space around a word is not widened
    path = write(tmp_path, {"text": TEXT, "spans": [ADA]}, {"text": TEXT, "spans": [cut, spaced]})
    with pytest.warns(UserWarning, match=r"train.jsonl: 1 spans end inside a word and .* whole words, line 2 first"):
        plain, widened = read_spans(path)
    assert widened["tags"] == ["B-person", "I-person", "O", "O", "B-place", "O"]
    assert plain["tags"][:2] == ["B-person", "I-person"]


def test_neighbours_of_one_type_stay_two(tmp_path):
    spans = [{"start": 0, "end": 3, "label": "person"}, {"start": 4, "end": 12, "label": "person"}]
    (row,) = read_spans(write(tmp_path, {"text": TEXT, "spans": spans}))
    assert row["tags"][:2] == ["B-person", "B-person"]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"text": " ", "spans": []}, r"train.jsonl:2: 'text' must be a text, got ' '"),
        ({"text": TEXT}, r"train.jsonl:2: 'spans' must be a list, got None"),
        ({"text": TEXT, "spans": [{"start": 0, "end": 3}]}, r"train.jsonl:2: a span must be {\"start\": CHARACTER"),
        ({"text": TEXT, "spans": [ADA | {"start": "0"}]}, r"train.jsonl:2: a span must be"),
        ({"text": TEXT, "spans": [ADA | {"start": True}]}, r"train.jsonl:2: a span must be"),
        ({"text": TEXT, "spans": [ADA | {"label": " "}]}, r"train.jsonl:2: a span must be"),
        ({"text": TEXT, "spans": ["person"]}, r"train.jsonl:2: a span must be"),
        ({"text": TEXT, "spans": [ADA | {"end": 30}]}, r"parts of the text of 29 characters, got 0 to 30"),
        ({"text": TEXT, "spans": [ADA | {"start": -1}]}, r"parts of the text of 29 characters, got -1 to 12"),
        ({"text": TEXT, "spans": [ADA | {"end": 0}]}, r"parts of the text of 29 characters, got 0 to 0"),
        ({"text": TEXT, "spans": [ADA | {"start": 3, "end": 4}]}, r"parts of the text of 29 characters, got 3 to 4"),
        (
            {"text": TEXT, "spans": [ADA, ADA | {"start": 4, "label": "x"}]},
            "jsonl:2: spans must not share a word",
        ),
    ],
)
def test_a_row_of_another_form_is_one_error_with_its_line(tmp_path, record, message):
    with pytest.raises(UserError, match=message):
        list(read_spans(write(tmp_path, {"text": TEXT, "spans": [ADA]}, record)))


def test_a_file_without_rows_or_of_another_kind_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"train.jsonl must have rows, got none"):
        list(read_spans(write(tmp_path)))
    with pytest.raises(UserError, match=r"train.csv must be a .jsonl of texts with spans, got another kind"):
        list(read_spans(tmp_path / "train.csv"))
    with pytest.raises(UserError, match=r"splits must have one or more files each, all .jsonl"):
        SpanFiles({"train": ["train.txt"]})


def test_rows_of_one_id_are_an_error(tmp_path):
    row = {"text": "No.", "spans": [], "id": "a"}
    with pytest.raises(UserError, match=r"train.jsonl:2: rows must have different ids, got 'a' twice"):
        list(read_spans(write(tmp_path, row, row)))


def test_files_are_read_by_their_suffix(tmp_path):
    (spans,) = read_tagged(write(tmp_path, {"text": "Ada", "spans": [ADA | {"end": 3}]}))
    (tmp_path / "train.txt").write_text("Ada B-person\n")
    (lines,) = read_tagged(tmp_path / "train.txt")
    assert lines == spans
