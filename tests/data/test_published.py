"""Published cuts for selection."""

from pathlib import Path

import pytest
from datasets import Dataset

from lit_prune.data import Files, GeneratedNli, Similarity, Task
from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.data.published import check_published, published_cut
from lit_prune.data.sources import FileSplit
from lit_prune.errors import UserError

SHARED = Path(__file__).parents[3] / "shared"
SIZES = {"CoLA": (7695, 856), "STS-B": (5166, 583), "RTE": (2241, 249)}
SIZES |= {"CB": (225, 25), "COPA": (360, 40), "WSC": (495, 59)}


@pytest.mark.parametrize("name", SIZES)
def test_a_cut_has_the_sizes_that_were_published_and_loses_no_row(name):
    rows = Dataset.from_dict({"number": range(sum(SIZES[name]))})
    train, validation = published_cut(f"fu2023/{name}", rows)
    assert (len(train), len(validation)) == SIZES[name]
    assert sorted([*train["number"], *validation["number"]]) == list(rows["number"])
    assert list(validation["number"]) == sorted(validation["number"])


def test_another_file_is_refused():
    with pytest.raises(UserError, match=r"the training set that fu2023/CB cuts must have 250 rows, got 3"):
        published_cut("fu2023/CB", Dataset.from_dict({"number": range(3)}))


@pytest.mark.parametrize(("kind", "settings"), [(Task, {"labels": ["a", "b"]}), (Similarity, {})])
def test_an_unknown_cut_is_named_before_rows_are_read(kind, settings):
    with pytest.raises(UserError, match=r"unknown validation 'fu2023/MNLI': choose from fu2023/CoLA"):
        kind("t", source=GeneratedNli(), validation="fu2023/MNLI", **settings)
    assert check_published("fu2023/RTE") == "fu2023/RTE"


def test_the_real_rows_of_a_cut(tokenizer):
    """CB's tenth has no neutral example."""
    if not (SHARED / "data/CB").is_dir():
        pytest.skip("the data are not there")
    split = {"columns": {"text_a": "premise", "text_b": "hypothesis", "label": "label"}}
    split["labels"] = {name: name for name in ("entailment", "contradiction", "neutral")}
    paths = {"train": ["CB/train.jsonl"], "id": ["CB/val.jsonl"]}
    source = Files({name: FileSplit(paths=path, **split) for name, path in paths.items()})
    task = Task("cb", ["entailment", "contradiction", "neutral"], source, validation="fu2023/CB")
    how = Preparation(tokenizer, str(SHARED / "data"), 32, validation_fraction=0.3, seed=0)
    train, sets = prepare_task(task, how, None)
    assert [each.split for each in sets] == ["validation", "id"]
    assert [len(each.rows) for each in sets] == [25, 56]
    assert len(train) == 225
    labels = list(sets[0].rows["label"])
    assert [labels.count(number) for number in range(3)] == [13, 12, 0]
