"""WSC's own files."""

import json
import re
from pathlib import Path

import pytest

from lit_prune.data import WscFiles
from lit_prune.data.sources.wsc import read_wsc
from lit_prune.errors import UserError

SHARED = Path(__file__).parents[4] / "shared/data/WSC"
TARGET = {"span1_index": 0, "span1_text": "The  cat", "span2_index": 4, "span2_text": "it"}
RECORD = {"text": 'The cat slept, and "it" purred.', "target": TARGET, "label": True, "idx": 7}


def with_target(**changes):
    return {"target": TARGET | changes}


@pytest.fixture
def rows(tmp_path):
    def read(*records):
        (tmp_path / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        source = WscFiles({"train": ["gone.jsonl", "train.jsonl"]})
        assert source.available(str(tmp_path)) == ["train"]
        return list(source.rows("train", str(tmp_path)))

    return read


def test_a_row_says_where_its_mentions_stand_and_whether_they_are_the_same(rows):
    expected = {"text_a": RECORD["text"], "text_b": "", "group": "", "mentions": [[0, 7], [20, 22]]}
    assert rows(RECORD, {**RECORD, "label": False, "idx": 8}) == [
        {"id": "7", "label": "same", **expected},
        {"id": "8", "label": "other", **expected},
    ]


@pytest.mark.parametrize(
    ("text", "index", "mention", "start"),
    [
        ("The dog saw the dog's bone.", 3, "The dog", 12),  # another case, and more in the word
        ("Its owner said it bites, it does", 3, "it", 15),
        ("Its owner said it bites, it does", 4, "it", 15),  # an index that is one off
        ("An old\n man sleeps", 1, "old man", 3),
        ("He is (as he says) well", 3, "he", 10),
    ],
)
def test_a_mention_is_where_its_text_stands_nearest_to_its_word(text, index, mention, start, rows):
    target = {"span1_index": index, "span1_text": mention, "span2_index": index, "span2_text": mention}
    (row,) = rows({**RECORD, "text": text, "target": target})
    assert [place[0] for place in row["mentions"]] == [start, start]
    assert [" ".join(text[first:end].lower().split()) for first, end in row["mentions"]] == [mention.lower()] * 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"text": " "}, "train.jsonl:2: 'text' must be a text.*, got ' '"),
        ({"target": [0, 1]}, r"train.jsonl:2: 'target' must be two mentions.*, got \[0, 1\]"),
        ({"label": "true"}, "train.jsonl:2: 'label' must be true or false.*, got 'true'"),
        (with_target(span2_text=""), "train.jsonl:2, row '7': 'span2_text' must be a part of the text.*, got ''"),
        (with_target(span1_index=6), "train.jsonl:2, row '7': 'span1_index' must be the number of a word.*, got 6"),
        (with_target(span2_index="4"), "row '7': 'span2_index' must be .*, got '4'"),
        (with_target(span2_text="he"), "train.jsonl:2, row '7': span2 must be words of the text, got 'he'"),
    ],
)
def test_a_malformed_row_is_one_line_that_names_it(change, named, rows):
    with pytest.raises(UserError, match=named) as raised:
        rows(RECORD, RECORD | change)
    assert "\n" not in str(raised.value)


def test_rows_to_predict_need_no_label(tmp_path):
    path = tmp_path / "test.jsonl"
    without = {name: value for name, value in RECORD.items() if name != "label"}
    path.write_text(f"{json.dumps(RECORD)}\n{json.dumps(without)}\n")
    assert [row["label"] for row in read_wsc(path, labelled=False)] == ["", ""]
    with pytest.raises(UserError, match=r"test.jsonl:2: 'label' must be .*, got None"):
        list(read_wsc(path))


def test_a_missing_id_is_the_number_of_the_line(rows):
    without = {name: value for name, value in RECORD.items() if name != "idx"}
    assert [row["id"] for row in rows(RECORD, without, {**RECORD, "idx": None})] == ["7", "2", "3"]


def test_another_kind_of_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"own.csv must be a \.jsonl in SuperGLUE's layout of WSC"):
        list(read_wsc(tmp_path / "own.csv"))


@pytest.mark.parametrize(("name", "num_rows", "off"), [("train", 554, []), ("val", 104, [("42", "it")])])
def test_the_official_mentions_are_found_at_their_words(name, num_rows, off):
    """One index is a word off."""
    path = SHARED / f"{name}.jsonl"
    if not path.is_file():
        pytest.skip("the data are not there")
    targets = [json.loads(line)["target"] for line in path.read_text().splitlines()]
    rows = list(read_wsc(path))
    assert len(rows) == num_rows
    found = []
    for row, target in zip(rows, targets, strict=True):
        words = [each.start() for each in re.finditer(r"\S+", row["text_a"])]
        for which, (start, end) in zip(("span1", "span2"), row["mentions"], strict=True):
            mention = row["text_a"][start:end]
            assert mention.lower().split() == target[f"{which}_text"].lower().split()
            if start != words[target[f"{which}_index"]]:
                found.append((row["id"], mention))
    assert found == off
