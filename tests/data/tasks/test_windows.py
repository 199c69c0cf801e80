"""Token windows over texts: nothing of a text is lost, and labels point at the answers."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from lit_prune.data.sources.squad import read_squad
from lit_prune.data.tasks.windows import Windows, tokenise_windows
from lit_prune.errors import UserError

REAL = Path(__file__).parents[2].parent / "shared" / "data"
needs_real_data = pytest.mark.skipif(not REAL.is_dir(), reason=f"the real data are not in {REAL}")

TEXT = " ".join(f"the {letter}" for letter in "abcdefghijklmnopqrst")  # words that the tiny tokenizers know whole
SHORT = "the doctor and the lawyer"


def columns(*rows):
    """Columns of rows (question, text, answer, start)."""
    fields = {"id": [], "text_a": [], "text_b": [], "group": [], "answers": [], "starts": []}
    for number, (question, text, answer, start) in enumerate(rows):
        row = (f"q{number}", question, text, "", [answer, "other"], [start, 0])
        for values, value in zip(fields.values(), row, strict=True):
            values.append(value)
    return fields


def made(rows, tokenizer, *lengths):
    how = Windows(*lengths)
    how.check(tokenizer)
    windows = tokenise_windows(rows, tokenizer, how)
    return [{name: values[number] for name, values in windows.items()} for number in range(len(windows["id"]))]


def labelled(window):
    """The text that a window's label points at."""
    first, last = window["label"]
    return window["text_b"][window["char_starts"][first] : window["char_ends"][last]]


@pytest.fixture(params=["bert", "roberta"])
def any_tokenizer(request, tiny_family):
    return AutoTokenizer.from_pretrained(tiny_family(request.param))


def test_a_short_text_is_one_window_that_points_at_the_answer(any_tokenizer):
    rows = columns(("who and the lawyer?", SHORT, "the doctor", 0), ("what?", SHORT, "and the lawyer", 11))
    first, second = made(rows, any_tokenizer, 40, 8, 10)
    for window, question, answer in ((first, "who and the lawyer?", "the doctor"), (second, "what?", SHORT[11:])):
        assert window["input_ids"] == any_tokenizer(question, SHORT)["input_ids"]
        assert labelled(window) == answer
    assert [first["id"], second["id"]] == ["q0", "q1"]
    assert first["answers"] == ["the doctor", "other"]
    # Question and special tokens are no part of the text.
    inside = first["char_starts"] >= 0
    assert inside.sum() == len(any_tokenizer(SHORT, add_special_tokens=False)["input_ids"])
    assert ((first["char_ends"] > first["char_starts"]) == inside).all()


def test_windows_cover_a_long_text_and_share_the_stride(tokenizer):
    windows = made(columns(("who?", TEXT, "t", len(TEXT) - 1)), tokenizer, 24, 6, 8)
    assert len(windows) == 3
    places = [[place for place in window["char_starts"] if place >= 0] for window in windows]
    for before, after in pairwise(places):
        assert before[-6:] == after[:6]
        assert before[-7] not in after
    whole = tokenizer(TEXT, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    assert sorted({place for each in places for place in each}) == sorted({start for start, _ in whole})
    assert all(len(window["input_ids"]) == 24 for window in windows[:-1])


def test_a_window_without_the_whole_answer_is_labelled_with_the_first_token(tokenizer):
    answer = "j the k the l"
    start = TEXT.index(answer)
    windows = made(columns(("who?", TEXT, answer, start)), tokenizer, 16, 6, 4)
    whole = [start in each["char_starts"] and start + len(answer) in each["char_ends"] for each in windows]
    partly = [start in each["char_starts"] or start + len(answer) in each["char_ends"] for each in windows]
    assert 0 < sum(whole) < sum(partly) < len(windows)
    for window, has_answer in zip(windows, whole, strict=True):
        assert labelled(window) == answer if has_answer else window["label"] == [0, 0]


def test_an_answer_within_a_token_is_that_token(tokenizer):
    (window,) = made(columns(("who?", SHORT, "octo", SHORT.index("octo"))), tokenizer, 40, 8, 10)
    assert labelled(window) == "doctor"


@pytest.mark.parametrize("space", ["", " ", "   "])
def test_a_question_is_cut_to_its_first_tokens_and_stripped(any_tokenizer, space):
    question = "who and the lawyer and the doctor and the lawyer"
    (window,) = made(columns((space + question + space, SHORT, "the doctor", 0)), any_tokenizer, 40, 8, 4)
    assert window["input_ids"] == any_tokenizer("who and the lawyer", SHORT)["input_ids"]


@pytest.mark.parametrize("lengths", [(24, 13, 8), (24, -1, 8), (10, 0, 8), (24, 6, 30)])
def test_windows_that_do_not_get_through_a_text_are_refused(tokenizer, lengths):
    with pytest.raises(UserError, match=rf"stride .*max_length={lengths[0]} .*max_question_length={lengths[2]}"):
        Windows(*lengths).check(tokenizer)
    with pytest.raises(UserError, match=r"windows\.max_question_length must be at least 1, got 0"):
        Windows(24, 4, 0).check(tokenizer)
    Windows(24, 12, 8).check(tokenizer)


def test_windows_longer_than_the_encoder_takes_are_refused(tokenizer):
    tokenizer.model_max_length = 64
    Windows(64, 12, 8).check(tokenizer)
    with pytest.raises(UserError, match=r"windows\.max_length must be at most 64, got 65"):
        Windows(65, 12, 8).check(tokenizer)


@needs_real_data
def test_every_real_answer_is_in_a_window_and_pointed_at():
    from lit_prune.encoders import bundled

    tokenizer = AutoTokenizer.from_pretrained(bundled.bundled_path())
    rows = list(read_squad(REAL / "SQuAD" / "dev-v1.1.json"))[:600]
    windows = made({name: [row[name] for row in rows] for name in rows[0]}, tokenizer, 192, 96, 32)
    found = {window["id"]: labelled(window) for window in windows if window["label"] != [0, 0]}
    first = {row["id"]: row["answers"][0] for row in rows}
    assert found.keys() == first.keys()
    assert len(windows) > len(rows) + 100
    assert all(answer in found[name] for name, answer in first.items())
    assert np.mean([found[name] == answer for name, answer in first.items()]) > 0.97
