"""Tasks of spans: questions in windows, read once, and cut off whole."""

import math
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset

from lit_prune.data import GeneratedNli, GeneratedReading, MultitaskDataModule, SpanTask
from lit_prune.data.preparation import Preparation, prepare_task, read_split
from lit_prune.data.sources import Source, SpanRow
from lit_prune.data.tasks.span import SpanSet, number_ids
from lit_prune.data.tasks.windows import Windows
from lit_prune.errors import UserError
from lit_prune.heads import Span

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
    return read_split(SpanTask("reading", source, windows), "train", how)


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
    windows = read_split(task, "train", how)
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
    with pytest.raises(UserError, match=r"answers of row .* must be spans of its text, got a label"):
        read(GeneratedNli(num_train=3), how)


def test_a_split_without_rows_is_refused(how):
    with pytest.raises(UserError, match="split 'train' of Counted must have rows, got none"):
        read(Counted(0), how)


def test_windows_that_are_too_short_are_refused_before_anything_is_read(how):
    before = Counted.num_read
    with pytest.raises(UserError, match="max_length=20"):
        read(Counted(4), how, Windows(20, 8, 16))
    assert Counted.num_read == before


def test_ids_are_numbered_as_they_come():
    assert number_ids(["b", "b", "a", "b", "c"]).tolist() == [0, 0, 1, 0, 2]
    assert number_ids([]).tolist() == []


TEXT = "Rain fell. Snow came."


def span_set():
    """Two questions, the first in two windows of 4 tokens and 3 tokens; "a" is right, or "b"."""
    rows = {
        "id": ["q1", "q1", "q2"],
        "text_b": [TEXT, TEXT, "Ice"],
        "group": ["x", "x", "y"],
        "answers": [["Snow came", "snow"], ["Snow came", "snow"], ["Ice"]],
        "label": [[0, 0], [1, 2], [1, 1]],
        "input_ids": [[1, 2, 3, 4], [1, 2, 3], [1, 2]],
        "char_starts": [[-1, 0, 5, -1], [-1, 11, 16], [-1, 0]],
        "char_ends": [[-1, 4, 9, -1], [-1, 15, 20], [-1, 3]],
    }
    return SpanSet("reading", "id", Dataset.from_dict(rows))


def spans(*best):
    """Logits of windows by their best first and last token and its logit."""
    logits = torch.zeros(len(best), 8, 2)
    for window, (first, last, logit) in enumerate(best):
        logits[window, first, 0] = logits[window, last, 1] = logit
    return logits


LOGITS = spans((1, 1, 1.0), (1, 1, 3.0), (1, 1, 2.0))


def test_windows_become_an_answer_per_question_and_its_metrics():
    values = span_set().metrics(LOGITS)
    own = [math.log(3 + math.exp(1)) * 2, 2 * math.log(2 + math.exp(3)) - 3, 2 * math.log(1 + math.exp(2)) - 4]
    assert values.pop("loss") == pytest.approx((own[0] + own[1]) / 8 + own[2] / 4)
    assert values == dict.fromkeys(("exact_match", "f1", "f1_x", "f1_y"), 1.0)
    wrong = span_set().metrics(spans((1, 2, 3.0), (1, 1, 1.0), (1, 1, 2.0)))
    assert [wrong[name] for name in ("exact_match", "f1", "f1_x")] == [0.5, 0.5, 0.0]


def test_columns_of_spans_are_of_questions():
    columns = span_set().columns(LOGITS)
    losses = span_set().window_losses(LOGITS).tolist()
    assert columns.pop("loss") == pytest.approx([sum(losses[:2]) / 2, losses[2]])
    assert columns == {
        "id": ["q1", "q2"],
        "label": ["Snow came", "Ice"],
        "prediction": ["Snow", "Ice"],
        "logits": [[6.0], [4.0]],
    }


def test_a_task_of_spans_has_a_head_over_tokens_and_is_selected_by_f1():
    task = SpanTask("reading", GeneratedReading())
    head = task.make_head(SimpleNamespace(hidden_size=16, token_transform=None))
    assert isinstance(head, Span)
    assert head.outputs.weight.shape == (2, 16)
    assert task.selection in task.metric_names
    assert set(task.metric_names) <= span_set().metrics(LOGITS).keys()
