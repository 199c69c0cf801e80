"""Tasks of spans: questions in windows, read once, and cut off whole."""

import pytest
import torch

from lit_prune.data import GeneratedNli, GeneratedReading, MultitaskDataModule, SpanTask
from lit_prune.data.sources import Source, SpanRow
from lit_prune.data.spans import number_ids
from lit_prune.data.task import Preparation, prepare_task
from lit_prune.data.windows import Windows
from lit_prune.errors import UserError

SHORT = Windows(max_length=48, stride=8, max_question_length=16)


class Counted(Source):
    """Questions on short and long texts in turn, of which it is noted how often they were read."""

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


@pytest.fixture
def how(tokenizer):
    return Preparation(tokenizer, None, 16, 0.1, seed=3)


def read(source, how, windows=SHORT):
    return SpanTask("reading", source, windows).read("train", how)


def test_a_generated_split_becomes_windows_with_all_that_is_known_of_the_questions(how):
    source = GeneratedReading(num_train=30)
    rows = {row["id"]: row for row in source.rows("train", None)}
    windows = read(source, how)
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


def test_rows_are_read_again_only_when_the_source_or_the_windows_change(how):
    before = Counted.num_read
    for _ in range(2):
        first = read(Counted(3), how)
    assert Counted.num_read == before + 1
    wider = read(Counted(3), how, Windows(64, 8, 16))
    assert Counted.num_read == before + 1
    assert len(wider) < len(first)
    read(Counted(3, version=1), how)
    assert Counted.num_read == before + 2


def test_questions_are_cut_off_whole_and_sets_have_room_for_all_their_logits(how):
    task = SpanTask("reading", Counted(20), SHORT)
    train, (validation, held_out) = prepare_task(task, how, torch.zeros(0, 0))
    assert [each.name for each in (validation, held_out)] == ["reading/validation", "reading/id"]
    parts = [set(rows["id"]) for rows in (train, validation.rows, held_out.rows)]
    assert [len(part) for part in parts] == [16, 2, 2]
    assert len(set.union(*parts)) == 20
    windows = task.read("train", how)
    for part, rows in zip(parts, (train, validation.rows, held_out.rows), strict=True):
        assert rows.to_list() == [window for window in windows if window["id"] in part]
    assert validation.logits_shape == (len(validation.rows), 48, 2)
    assert task.evaluation_set("id", windows.select([0])).logits_shape == (1, 16, 2)
    assert len(windows["input_ids"][0]) == 15


def test_a_batch_is_of_windows_with_the_first_and_last_token_of_the_answer(tokenizer):
    task = SpanTask("reading", GeneratedReading(num_train=40, num_eval=6), SHORT)
    data = MultitaskDataModule([task], tokenizer, torch.zeros(0, 0), batch_size=8)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    rows = data.train["reading"]
    assert batch.labels.tolist() == [rows["label"][row] for row in batch.index.tolist()]
    assert set(batch.inputs) == set(tokenizer.model_input_names)
    loaders = dict(zip((each.name for each in data.evaluation_sets), data.val_dataloader(), strict=True))
    assert list(loaders) == ["reading/validation", "reading/id", "reading/ood"]
    seen = sorted(row for batch in loaders["reading/id"] for row in batch.index.tolist())
    assert seen == list(range(len(data.evaluation_sets[1].rows)))
    assert data.training_sets[0].logits_shape == (len(rows), 48, 2)
    assert data.bias_report == {}


def test_rows_without_answers_are_refused(how):
    with pytest.raises(UserError, match="GeneratedNli gives rows with a label, not questions"):
        read(GeneratedNli(num_train=3), how)


def test_a_split_without_rows_is_refused(how):
    with pytest.raises(UserError, match="the split 'train' of Counted has no rows"):
        read(Counted(0), how)


def test_windows_that_are_too_short_are_refused_before_anything_is_read(how):
    before = Counted.num_read
    with pytest.raises(UserError, match="max_length=20"):
        read(Counted(4), how, Windows(20, 8, 16))
    assert Counted.num_read == before


def test_ids_are_numbered_as_they_come():
    assert number_ids(["b", "b", "a", "b", "c"]).tolist() == [0, 0, 1, 0, 2]
    assert number_ids([]).tolist() == []
