"""The rows of tasks, from the source to tokenised sets."""

from dataclasses import replace

import pytest
import torch
from rows import LABELS, MERGE, Rows, nli
from transformers import AutoTokenizer

from lit_prune.data.bias import OverlapBias
from lit_prune.data.bias.words import word_overlap
from lit_prune.data.ood import OodTraining
from lit_prune.data.preparation import Preparation, prepare_set, prepare_task
from lit_prune.data.selection_metric import selecting_set
from lit_prune.data.sources import GeneratedNli
from lit_prune.data.sources.source import UNLABELLED
from lit_prune.errors import UserError


@pytest.fixture
def how(tokenizer):
    return Preparation(tokenizer, root=None, max_length=64, validation_fraction=0.1, seed=3)


@pytest.fixture
def table(tokenizer):
    return torch.randn(len(tokenizer), 16, generator=torch.Generator().manual_seed(0))


def by_split(sets):
    return {each.split: each for each in sets}


def test_every_row_arrives_once_with_its_label_tokens_and_overlap(how, table):
    task = nli()
    train, sets = prepare_task(task, replace(how, validation_fraction=0), table)
    for split, rows in {"train": train, **{each.split: each.rows for each in sets}}.items():
        expected = list(task.source.rows(split, None))
        assert list(rows["id"]) == [row["id"] for row in expected]
        ids = dict(zip(LABELS, task.class_map(split), strict=True))
        assert list(rows["label"]) == [ids[row["label"]] for row in expected]
        assert list(rows["overlap"]) == [word_overlap(row["text_a"], row["text_b"]) for row in expected]
        tokens = how.tokenizer([row["text_a"] for row in expected], [row["text_b"] for row in expected])
        assert list(rows["input_ids"]) == tokens["input_ids"]
    assert [each.name for each in sets] == ["nli/id", "nli/ood", "nli/ood_heldout"]
    assert [each.positive for each in sets] == [1, 1, 1]
    assert sets[1].labels == ("non_entailment", "entailment")


def test_labels_may_go_by_the_merged_name_already(how, table):
    source = Rows(splits=("train", "id", "ood"))
    source.rows = lambda split, root: (
        {**row, "label": MERGE.get(row["label"], row["label"])} if split == "ood" else row
        for row in Rows.rows(source, split, root)
    )
    _, sets = prepare_task(nli(source), how, table)
    assert list(by_split(sets)["ood"].rows["label"]) == [0, 1, 0, 0, 1, 0]


def test_the_validation_cut_is_seeded_disjoint_and_of_its_size(how, table):
    train, sets = prepare_task(nli(), how, table)
    validation = by_split(sets)["validation"].rows
    assert sets[0].split == "validation"
    assert (len(train), len(validation)) == (54, 6)
    assert {*train["id"], *validation["id"]} == {f"nli2-train-0-{number}" for number in range(60)}

    def cut(**change):
        return list(prepare_task(nli(), replace(how, **change), table)[1][0].rows["id"])

    assert cut() == list(validation["id"]) != cut(seed=4)
    assert len(cut(validation_fraction=0.001)) == 1
    assert cut(validation_fraction=0)[0].startswith("nli2-id-")


def test_without_an_id_set_one_is_cut_that_no_seed_changes(how, table):
    source = GeneratedNli(num_train=60, num_eval=20)
    source.available = lambda root: ["train"]
    train, sets = prepare_task(nli(source), how, table)
    assert [(each.split, len(each.rows)) for each in sets] == [("validation", 5), ("id", 6)]
    kept = [{*rows["id"]} for rows in (train, *(each.rows for each in sets))]
    assert sum(map(len, kept)) == len(set.union(*kept)) == 60
    other = by_split(prepare_task(nli(source), replace(how, seed=4), table)[1])
    assert {*other["id"].rows["id"]} == kept[2]
    assert {*other["validation"].rows["id"]} != kept[1]
    with pytest.raises(
        UserError,
        match=r"must be above 0 for task 'nli', got 0: it has no `id` set.*an `id` split",
    ):
        prepare_task(nli(source), replace(how, validation_fraction=0), table)


def test_a_positive_class_is_not_needed(how, table):
    _, sets = prepare_task(nli(positive=None), how, table)
    assert {each.positive for each in sets} == {None}


def test_a_cut_that_leaves_nothing_to_train_on_is_refused(how, table):
    with pytest.raises(UserError, match=r"must leave training rows of task 'nli', got 0.99 of 6: set a smaller one"):
        prepare_task(nli(Rows()), replace(how, validation_fraction=0.99), table)


def test_ood_rows_are_trained_on_but_never_select(how, table):
    source = GeneratedNli(num_train=60, num_eval=20, num_ood_train=30)
    train, sets = prepare_task(nli(source), how, table)
    before, validation = prepare_task(nli(), how, table)
    assert list(train["id"]) == [*before["id"], *(f"nli2-ood_train-0-{number}" for number in range(30))]
    assert list(by_split(sets)["validation"].rows["id"]) == list(validation[0].rows["id"])
    assert list(by_split(sets)) == ["validation", "id", "ood", "ood_heldout"]


def test_ood_validation_rows_neither_train_nor_select(how, table):
    source = GeneratedNli(num_train=60, num_eval=20, num_validation_ood=30)
    task = nli(source)
    train, sets = prepare_task(task, how, table)
    before, _ = prepare_task(nli(), how, table)
    assert list(train["id"]) == list(before["id"])
    assert list(by_split(sets)) == ["validation", "id", "ood", "validation_ood", "ood_heldout"]
    assert selecting_set(sets).split == "validation"
    found = by_split(sets)["validation_ood"]
    assert (len(found.rows), found.labels) == (30, task.labels_of("ood"))


def informed(**ood_train):
    """A task whose source has OOD rows of merged classes to train on."""
    source = Rows(splits=("train", "id", "ood_train"))
    source.rows = lambda split, root: (
        {**row, "label": MERGE.get(row["label"], row["label"])} if split == "ood_train" else row
        for row in Rows.rows(source, split, root)
    )
    return nli(source, ood_train=OodTraining(**ood_train) if ood_train else None)


def test_ood_rows_of_merged_classes_are_trained_as_one_of_them(how, table):
    task = informed(labels={"non_entailment": "contradiction"}, repeat=3)
    train, _ = prepare_task(task, replace(how, validation_fraction=0), table)
    assert list(train["label"]) == [0, 1, 2, 0, 1, 2] + 3 * [0, 1, 0, 0, 1, 0]
    assert list(train["id"])[6:] == 3 * [f"ood_train-{number}" for number in range(6)]
    assert task.label_classes is None


def test_ood_rows_of_merged_classes_are_trained_as_any_of_them(how, table):
    task = informed(labels={"non_entailment": ["contradiction", "neutral"]})
    train, sets = prepare_task(task, replace(how, validation_fraction=0), table)
    assert list(train["label"]) == [0, 1, 2, 0, 1, 2, 3, 1, 3, 3, 1, 3]
    assert task.label_classes.tolist()[3] == [True, False, True]
    assert task.label_classes[:3].equal(torch.eye(3, dtype=torch.bool))
    assert list(by_split(sets)) == ["id"]


def test_ood_rows_of_unknown_classes_are_an_error_that_names_the_way_out(how, table):
    with pytest.raises(
        UserError, match=r"unknown label 'non_.* 'ood_train-0' in split 'ood_train': .*ood_train.labels"
    ):
        prepare_task(informed(), how, table)


def test_settings_for_ood_rows_that_are_not_there_are_an_error(how, table):
    with pytest.raises(UserError, match=r"ood_train of task 'nli' must be left out, .* has no split ood_train"):
        prepare_task(nli(ood_train=OodTraining(repeat=10)), how, table)


def fingerprints(task, how, table):
    train, sets = prepare_task(task, how, table)
    return [train._fingerprint, *(each.rows._fingerprint for each in sets)]


def test_the_cache_is_found_again_even_after_the_tokenizer_has_padded(how, table, monkeypatch):
    task = nli(bias=OverlapBias())
    first = fingerprints(task, how, table)
    how.tokenizer(["a", "a b c"], padding=True, truncation=True, max_length=4)
    again = nli(GeneratedNli(bias_rate=0.9, num_train=60, num_eval=20), bias=OverlapBias())
    monkeypatch.setattr(OverlapBias, "fit_predict", None)
    monkeypatch.setattr(GeneratedNli, "rows", None)
    assert fingerprints(again, how, table) == first


def test_tokenizers_that_differ_in_more_than_the_vocabulary_share_no_cache(how, table, tiny_family):
    tokenizers = [AutoTokenizer.from_pretrained(tiny_family(name)) for name in ("bert", "distilbert")]
    assert tokenizers[0].get_vocab() == tokenizers[1].get_vocab()
    first, second = (fingerprints(nli(), replace(how, tokenizer=tokenizer), table) for tokenizer in tokenizers)
    assert not set(first) & set(second)


def test_what_changes_the_rows_changes_the_cache(how, table):
    task = nli(bias=OverlapBias())
    first = fingerprints(task, how, table)[0]
    assert fingerprints(task, replace(how, max_length=9), table)[0] != first
    assert fingerprints(task, replace(how, seed=9), table)[0] != first
    assert fingerprints(task, how, table + 1)[0] != first
    assert fingerprints(nli(bias=OverlapBias(C=1.0)), how, table)[0] != first
    assert (
        fingerprints(nli(GeneratedNli(seed=1, num_train=60, num_eval=20), bias=OverlapBias()), how, table)[0] != first
    )


def test_an_edited_source_is_read_again(how, table):
    for text in ("a b", "c d e"):
        train, _ = prepare_task(nli(Rows(text=text)), how, table)
        assert set(train["text_a"]) == {text}


def test_rows_are_cut_to_the_tasks_length_before_the_modules(how, table):
    source = Rows(text="a b c d " * 30)
    assert {len(row) for row in prepare_task(nli(source), how, table)[0]["input_ids"]} == {64}
    assert {len(row) for row in prepare_task(nli(source, max_length=9), how, table)[0]["input_ids"]} == {9}


def test_an_unknown_label_is_named_with_its_row(how, table):
    with pytest.raises(UserError, match=r"unknown label 'maybe' of row 'train-1' in split 'train': choose from contra"):
        prepare_task(nli(Rows(labels=("neutral", "maybe"))), how, table)


def test_an_empty_split_is_named(how, table):
    with pytest.raises(UserError, match=r"split 'train' of Rows must have rows, got none"):
        prepare_task(nli(Rows(labels=())), how, table)


def test_a_bug_in_a_source_is_not_taken_for_a_users_error(how, table):
    source = Rows(labels=("neutral", None))
    source.rows = lambda split, root: ({}[row["id"]] for row in Rows.rows(source, split, root))
    with pytest.raises(Exception, match="generating the dataset") as caught:
        prepare_task(nli(source), how, table)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_set_is_prepared_alone_as_among_others(how, table):
    task = nli()
    among = by_split(prepare_task(task, how, table)[1])["ood"]
    alone = prepare_set(task, "ood", how)
    assert alone.rows.to_dict() == among.rows.to_dict()
    assert replace(alone, rows=among.rows) == among


def test_rows_without_labels_are_prepared_where_they_are_asked_for(how):
    task = nli(Rows(labels=[UNLABELLED] * 2))
    assert prepare_set(task, "id", how, labelled=False).rows["label"] == [-1, -1]
    with pytest.raises(UserError, match="unknown label ''"):
        prepare_set(task, "id", how)
    with pytest.raises(UserError, match="unknown label 'neutral'"):
        prepare_set(nli(Rows(labels=["neutral"])), "id", how, labelled=False)


def test_a_task_trains_on_as_many_rows_as_it_says_drawn_by_the_seed(how, table):
    (whole, sets), (drawn, same), (again, _) = (prepare_task(nli(num_train=size), how, table) for size in (None, 7, 7))
    assert drawn["id"] == again["id"]
    assert len(drawn) == 7
    assert [each for each in whole["id"] if each in set(drawn["id"])] == list(drawn["id"])
    assert list(drawn["id"]) != list(whole["id"])[:7]
    assert by_split(same)["validation"].rows["id"] == by_split(sets)["validation"].rows["id"]
    other, _ = prepare_task(nli(num_train=7), replace(how, seed=4), table)
    assert set(other["id"]) != set(drawn["id"])


@pytest.mark.parametrize("size", [0, 55])
def test_rows_that_are_not_there_cannot_be_drawn(how, table, size):
    with pytest.raises(UserError, match=f"num_train of task 'nli' must be from 1 to 54, got {size}"):
        prepare_task(nli(num_train=size), how, table)


def test_the_modules_number_of_rows_is_that_of_tasks_without_one(how, table):
    few = replace(how, num_train=9)
    sizes = [len(prepare_task(nli(num_train=own), few, table)[0]) for own in (None, 7)]
    assert sizes == [9, 7]
