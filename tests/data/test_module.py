"""The data module: its loaders, and what it refuses."""

import os
import signal
from types import SimpleNamespace

import pandas
import pytest
import torch
from datasets import Dataset

from lit_prune.data import (
    BalancedGroups,
    GeneratedNli,
    MultiLabelTask,
    MultitaskDataModule,
    OverlapBias,
    RegressionTask,
    Task,
    TokenTask,
)
from lit_prune.data.mixing import Weights
from lit_prune.errors import UserError

LABELS = ["entailment", "neutral", "contradiction"]
MERGE = {"neutral": "non_entailment", "contradiction": "non_entailment"}


def task(name="nli", num_train=50, **options):
    return Task(name, LABELS, GeneratedNli(num_train=num_train, num_eval=21), "entailment", MERGE, **options)


@pytest.fixture
def module(tokenizer):
    def make(*tasks, **options):
        table = torch.randn(len(tokenizer), 16, generator=torch.Generator().manual_seed(0))
        options = {"batch_size": 8, "eval_batch_size": 8, "max_length": 48, **options}
        data = MultitaskDataModule(list(tasks), tokenizer, table, **options)
        data.setup("fit")
        return data

    return make


@pytest.fixture
def from_frames(tokenizer):
    encoder = SimpleNamespace(tokenizer=tokenizer, word_embeddings=torch.randn(len(tokenizer), 16))

    def make(*tables, **options):
        data = MultitaskDataModule.from_frames(encoder, *tables, max_length=48, **options)
        data.setup("fit")
        return data

    return make


def frame(split, num_rows=20):
    return pandas.DataFrame(GeneratedNli(num_train=num_rows, num_eval=num_rows).rows(split, None))


@pytest.mark.parametrize("kind", [lambda table: table, Dataset.from_pandas], ids=["DataFrame", "Dataset"])
def test_tables_in_memory_are_a_task(from_frames, kind):
    train, test = (kind(frame(split)) for split in ("train", "id"))
    ood = {"own": kind(frame("ood").assign(label="neutral"))}
    data = from_frames(train, test, ood, labels=LABELS, batch_size=4, validation_fraction=0.1)
    (found,) = data.tasks.values()
    assert (type(found), found.name, found.labels) == (Task, "task", tuple(LABELS))
    assert [each.name for each in data.evaluation_sets] == ["task/validation", "task/id", "task/ood_own"]
    assert data.evaluation_sets[1].rows["id"][:] == list(frame("id")["id"])
    assert data.batches_per_epoch == 5


def test_a_changed_table_is_read_anew(from_frames):
    table = frame("train")
    texts = [from_frames(table).train["task"]["text_a"][:]]
    table["text_a"] = "Nobody sleeps."
    texts.append(from_frames(table).train["task"]["text_a"][:])
    assert set(texts[1]) == {"Nobody sleeps."} != set(texts[0])


def test_a_table_of_tagged_words_is_a_task_of_entities(from_frames):
    table = pandas.DataFrame({"words": [["a", "b"]] * 20, "tags": [["B-x", "O"]] * 20})
    data = from_frames(table, name="ner", validation_fraction=0.1)
    (found,) = data.tasks.values()
    assert (type(found), found.labels) == (TokenTask, ("x",))
    assert data.train["ner"]["tags"][0] == [1, 0]
    given = from_frames(table, labels=["y", "x"], validation_fraction=0.1)
    assert given.train["task"]["tags"][0] == [3, 0]


def test_a_table_of_floats_is_a_regression(from_frames):
    table = frame("train").assign(score=[number / 8 for number in range(20)])
    data = from_frames(table, columns={"label": "score"}, name="likeness", validation_fraction=0.1)
    assert type(data.tasks["likeness"]) is RegressionTask
    (labels,) = {tuple(data.train["likeness"]["label"][:3])}
    assert set(labels) <= set(table["score"])


def test_a_table_of_lists_is_a_task_of_several_labels(from_frames):
    table = frame("train").assign(topics=[["b", "a"], []] * 10)
    data = from_frames(table, columns={"label": "topics"}, name="topics", validation_fraction=0.1)
    task = data.tasks["topics"]
    assert (type(task), task.labels) == (MultiLabelTask, ("a", "b"))
    assert {tuple(label) for label in data.train["topics"]["label"]} == {(0.0, 0.0), (1.0, 1.0)}


def test_runs_of_several_seeds_can_have_the_same_rows(module):
    def drawn(**seeds):
        data = module(task(), validation_fraction=0.2, num_train=20, **seeds)
        return [set(rows["id"]) for rows in (data.train["nli"], data.evaluation_sets[0].rows)]

    assert drawn(seed=1) == drawn(seed=1) != drawn(seed=2)
    assert drawn(seed=1, rows_seed=0) == drawn(seed=2, rows_seed=0) == drawn(seed=0)


def test_every_evaluation_row_comes_once_like_lengths_together(module):
    data = module(task(), validation_fraction=0.1)
    loaders = data.val_dataloader()
    assert [each.name for each in data.evaluation_sets] == ["nli/validation", "nli/id", "nli/ood", "nli/ood_heldout"]
    assert [len(each.rows) for each in data.evaluation_sets] == [5, 21, 21, 21]
    for each, loader in zip(data.evaluation_sets, loaders, strict=True):
        batches = list(loader)
        index = torch.cat([batch.index for batch in batches])
        assert sorted(index.tolist()) == list(range(len(each.rows)))
        labels = torch.cat([batch.labels for batch in batches])
        assert labels.tolist() == [each.rows["label"][row] for row in index.tolist()]
        lengths = torch.cat([batch.inputs["attention_mask"].sum(1) for batch in batches])
        assert torch.equal(lengths, lengths.sort().values)
        assert {batch.task for batch in batches} == {"nli"}


def test_sigterm_ends_a_worker_without_an_error_in_its_process(module):
    data = module(task(), validation_fraction=0.1, num_workers=2, eval_batch_size=2)
    for loader in (data.train_dataloader(), data.val_dataloader()[1]):
        batches = iter(loader)
        next(batches)
        for worker in batches._workers:
            os.kill(worker.pid, signal.SIGTERM)
            worker.join(60)
            assert worker.exitcode == 0


def test_an_epoch_shows_every_training_row_once_with_its_bias(module):
    data = module(task(bias=OverlapBias()), validation_fraction=0.1)
    batches = list(data.train_dataloader())
    assert len(batches) == data.batches_per_epoch == 6
    index = torch.cat([batch.index for batch in batches])
    assert sorted(index.tolist()) == list(range(45))
    bias = torch.cat([batch.bias for batch in batches])
    assert torch.equal(bias, torch.tensor(data.train["nli"]["bias"])[index])
    again = torch.cat([batch.index for batch in data.train_dataloader()])
    assert torch.equal(again, index)


def test_training_rows_are_evaluated_each_once_like_any_set(module):
    data = module(task(), task("other", num_train=30))
    assert [each.name for each in data.training_sets] == ["nli/train", "other/train"]
    for each, loader in zip(data.training_sets, data.loaders(data.training_sets), strict=True):
        found = torch.cat([batch.index for batch in loader])
        assert sorted(found.tolist()) == list(range(len(data.train[each.task])))
        labels = torch.cat([batch.labels for batch in loader])
        assert labels.tolist() == [each.rows["label"][row] for row in found.tolist()]


def test_several_tasks_one_per_batch_with_their_own_sizes(module):
    data = module(task("a", 40), task("b", 20, batch_size=2), validation_fraction=0)
    assert data.batches_per_epoch == 5 + 10
    sizes = {(batch.task, len(batch.labels)) for batch in data.train_dataloader()}
    assert sizes == {("a", 8), ("b", 2)}
    names = [f"{task}/{split}" for task in "ab" for split in ("id", "ood", "ood_heldout")]
    assert [each.name for each in data.evaluation_sets] == names
    assert [{batch.task for batch in loader} for loader in data.val_dataloader()] == [{name[0]} for name in names]


def test_making_an_iterator_leaves_the_global_random_state_alone(module):
    data = module(task())
    before = torch.get_rng_state()
    next(iter(data.train_dataloader()))
    next(iter(data.val_dataloader()[0]))
    assert torch.equal(torch.get_rng_state(), before)


def test_every_bias_model_is_reported(module):
    data = module(task("a", bias=OverlapBias()), task("b"))
    figures = ("accuracy", "confidence", "calibration_error", "positive_rate")
    assert set(data.bias_report) == {f"a/{figure}" for figure in figures}
    positive = [label == LABELS.index("entailment") for label in data.train["a"]["label"]]
    assert data.bias_report["a/positive_rate"] == pytest.approx(sum(positive) / len(positive))


def test_workers_give_the_same_batches(module):
    here, there = (
        [batch.index.tolist() for batch in module(task(), num_workers=workers).train_dataloader()] for workers in (0, 1)
    )
    assert here == there


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mixing": Weights({"b": 1.0})}, r"unknown task 'b' in the weights of Weights: choose from a"),
        ({"batch_size": 0}, r"data.batch_size must be at least 1, got 0"),
        ({"max_length": 4}, r"data.max_length must be at least 5, got 4"),
        ({"only": ["b"]}, r"data.only must be names of data.tasks, each once, got \['b'\]"),
    ],
)
def test_arguments_are_checked_before_rows_are_read(module, options, message):
    with pytest.raises(UserError, match=message):
        module(task("a"), **options)


def test_batches_have_the_groups_of_their_rows(module):
    data = module(task("a"), task("b"), groups="overlap", sampling=BalancedGroups())
    numbers = set()
    for batch in data.train_dataloader():
        assert batch.groups.tolist() == [data.train[batch.task]["group_number"][row] for row in batch.index.tolist()]
        assert torch.equal(batch.examples(0.0, torch.zeros(8, 16), None).groups, batch.groups)
        numbers |= set(batch.groups.tolist())
    assert numbers <= set(range(len(data.group_sizes)))
    assert int(data.group_sizes.sum()) == sum(map(len, data.train.values()))
    assert next(iter(data.val_dataloader()[0])).groups is None


def test_rows_of_the_shortest_and_of_the_greatest_length_are_read(module, tokenizer):
    tokenizer.model_max_length = 64
    for length in (5, 64):
        data = module(task(max_length=length), max_length=length)
        assert max(map(len, data.train["nli"]["input_ids"])) <= length


def test_processes_share_every_batch_each_row_once(module):
    shares = []
    for rank in range(3):
        data = module(task(), batch_size=6, validation_fraction=0)
        data.trainer = SimpleNamespace(global_rank=rank, world_size=3, global_step=0, accumulate_grad_batches=1)
        shares.append((list(data.train_dataloader()), list(data.val_dataloader()[0])))
    whole = module(task(), batch_size=6, validation_fraction=0)
    wholes = list(whole.train_dataloader()), list(whole.val_dataloader()[0])
    for kind in (0, 1):
        for batch, *parts in zip(wholes[kind], *(share[kind] for share in shares), strict=True):
            index = [row for part in parts if part.weight for row in part.index.tolist()]
            assert sorted(index) == sorted(batch.index.tolist())
            assert sum(part.weight for part in parts) == pytest.approx(3)
            mean = sum(part.weight * part.labels.float().mean() for part in parts) / 3
            assert mean == pytest.approx(float(batch.labels.float().mean()))
    assert any(part.weight == 0 for share in shares for part in share[0]), "50 rows in sixes leave a batch of two"


def test_a_batch_that_processes_cannot_share_is_refused(module):
    data = module(task(), batch_size=8)
    data.trainer = SimpleNamespace(global_rank=0, world_size=3)
    with pytest.raises(UserError, match=r"batch_size of task 'nli' must be a multiple of 3, got 8"):
        data.setup("fit")
