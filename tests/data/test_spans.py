"""Sets of questions in windows: read once, cut by question."""

import pytest

from lit_prune.data import GeneratedNli, GeneratedReading
from lit_prune.data.sources import Source, SpanRow
from lit_prune.data.spans import cut_questions, read_windows
from lit_prune.data.windows import Windows
from lit_prune.errors import UserError

SHORT = Windows(max_length=48, stride=8, max_question_length=16)


class Counted(Source):
    """Two questions, of which it is noted how often they were read."""

    num_read = 0

    def __init__(self, num_rows: int, version: int = 0) -> None:
        self.num_rows = num_rows
        self.version = version

    def available(self, root):
        return ["train"]

    def fingerprint(self, split, root):
        return vars(self)

    def rows(self, split, root):
        Counted.num_read += 1
        for number in range(self.num_rows):
            text = "the doctor " * (5 + 40 * (number % 2)) + "x"
            yield SpanRow(
                id=f"q{number}", text_a="a", text_b=text, label="", group="", answers=["x"], starts=[len(text) - 1]
            )


def test_a_generated_split_becomes_windows_with_all_that_is_known_of_the_questions(tokenizer):
    source = GeneratedReading(num_train=30)
    rows = {row["id"]: row for row in source.rows("train", None)}
    windows = read_windows(source, "train", None, tokenizer, SHORT)
    assert len(windows) > len(rows)
    assert list(dict.fromkeys(windows["id"])) == list(rows)
    for window in windows:
        row = rows[window["id"]]
        assert {name: window[name] for name in ("text_a", "text_b", "group", "answers")} == {
            name: row[name] for name in ("text_a", "text_b", "group", "answers")
        }
        first, last = window["label"]
        if last:
            assert window["text_b"][window["char_starts"][first] : window["char_ends"][last]] == row["answers"][0]


def test_rows_are_read_again_only_when_the_source_or_the_windows_change(tokenizer):
    before = Counted.num_read
    for _ in range(2):
        first = read_windows(Counted(3), "train", None, tokenizer, SHORT)
    assert Counted.num_read == before + 1
    wider = read_windows(Counted(3), "train", None, tokenizer, Windows(64, 8, 16))
    assert Counted.num_read == before + 1
    assert len(wider) < len(first)
    read_windows(Counted(3, version=1), "train", None, tokenizer, SHORT)
    assert Counted.num_read == before + 2


def test_a_cut_takes_whole_questions_the_same_for_a_seed(tokenizer):
    windows = read_windows(Counted(20), "train", None, tokenizer, SHORT)
    rest, cut = cut_questions(windows, 6, seed=1)
    assert len(set(cut["id"])) == 6
    assert not set(rest["id"]) & set(cut["id"])
    for part in (rest, cut):
        chosen = set(part["id"])
        assert part.to_list() == [window for window in windows if window["id"] in chosen]
    assert len(rest) + len(cut) == len(windows)
    assert cut_questions(windows, 6, seed=1)[1]["id"][:] == cut["id"][:]
    assert cut_questions(windows, 6, seed=2)[1]["id"][:] != cut["id"][:]


def test_rows_without_answers_are_refused(tokenizer):
    with pytest.raises(UserError, match="GeneratedNli gives rows with a label, not questions"):
        read_windows(GeneratedNli(num_train=3), "train", None, tokenizer, SHORT)


def test_a_split_without_rows_is_refused(tokenizer):
    with pytest.raises(UserError, match="the split 'train' of Counted has no rows"):
        read_windows(Counted(0), "train", None, tokenizer, SHORT)


def test_windows_that_are_too_short_are_refused_before_anything_is_read(tokenizer):
    before = Counted.num_read
    with pytest.raises(UserError, match="max_length=20"):
        read_windows(Counted(4), "train", None, tokenizer, Windows(20, 8, 16))
    assert Counted.num_read == before
