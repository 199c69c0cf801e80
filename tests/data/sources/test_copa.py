"""COPA's own files."""

import json

import pytest

from lit_prune.data import CopaFiles
from lit_prune.errors import UserError

RECORD = {"premise": "It rained. ", "question": "effect", "choice1": "Wet.", "choice2": " Dry.", "label": 0, "idx": 7}


@pytest.fixture
def rows(tmp_path):
    def read(*records):
        (tmp_path / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        source = CopaFiles({"train": ["gone.jsonl", "train.jsonl"]})
        assert source.available(str(tmp_path)) == ["train"]
        return list(source.rows("train", str(tmp_path)))

    return read


def test_a_row_is_the_premise_with_its_question_and_the_choices(rows):
    expected = {"text_b": "Wet.\nDry.", "group": ""}
    assert rows(RECORD, {**RECORD, "question": "cause", "label": 1, "idx": 8}) == [
        {"id": "7", "text_a": "It rained. What happened as a result?", "label": "1", **expected},
        {"id": "8", "text_a": "It rained. What was the cause?", "label": "2", **expected},
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"premise": " "}, "train.jsonl:2: 'premise' must be a text.*, got ' '"),
        ({"choice2": None}, "train.jsonl:2: 'choice2' must be .*, got None"),
        ({"question": "why"}, "'question' must be cause or effect.*, got 'why'"),
        ({"question": ["cause"]}, r"'question' must be cause or effect.*, got \['cause'\]"),
        ({"label": 2}, "'label' must be 0 or 1.*, got 2"),
    ],
)
def test_a_malformed_row_is_named_with_its_line(change, named, rows):
    with pytest.raises(UserError, match=named):
        rows(RECORD, RECORD | change)


def test_a_missing_id_is_the_number_of_the_line(rows):
    without = {name: value for name, value in RECORD.items() if name != "idx"}
    assert [row["id"] for row in rows(RECORD, without, {**RECORD, "idx": None})] == ["7", "2", "3"]


@pytest.mark.parametrize("paths", [[], ["a.csv"], ["a.jsonl", "b.tsv"]])
def test_only_jsonl_is_read(paths):
    with pytest.raises(UserError, match=r"splits must have one or more files each, all \.jsonl, got none for id"):
        CopaFiles({"train": ["a.jsonl"], "id": paths})


def test_what_changes_a_file_changes_its_fingerprint(rows, tmp_path):
    rows(RECORD)
    source = CopaFiles({"train": ["train.jsonl"]})
    before = source.fingerprint("train", str(tmp_path))
    rows(RECORD, RECORD)
    assert source.fingerprint("train", str(tmp_path)) != before
