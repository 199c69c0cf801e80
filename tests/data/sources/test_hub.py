"""Data sets of the hub, of which a small table stands in for the download."""

import json

import datasets
import pytest
from datasets.fingerprint import Hasher

from lit_prune.data.sources import Hub, HubSplit
from lit_prune.errors import UserError

NLI = {"entailment": "entailment", "neutral": "neutral", "contradiction": "contradiction", "-1": ""}


@pytest.fixture
def table(monkeypatch):
    features = datasets.Features(
        {
            "premise": datasets.Value("string"),
            "hypothesis": datasets.Value("string"),
            "label": datasets.ClassLabel(names=["entailment", "neutral", "contradiction"]),
            "idx": datasets.Value("int32"),
        }
    )
    columns = {"premise": ["A .", "B"], "hypothesis": ["C", "D"], "label": [2, -1], "idx": [11, 12]}
    table = datasets.Dataset.from_dict(columns, features=features)
    calls = []

    def load_dataset(*arguments, **options):
        calls.append((arguments, options))
        return table

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


MNLI_HUB = f"""
class_path: lit_prune.data.sources.Hub
init_args:
  splits:
    train: &mnli
      path: nyu-mll/glue
      name: mnli
      split: train
      columns: {{text_a: premise, text_b: hypothesis, label: label, id: idx}}
      labels: {json.dumps(NLI)}
      strip: .!?
    id: {{<<: *mnli, split: validation_matched, revision: abc}}
"""


def test_classes_go_by_their_names(table, from_yaml):
    assert list(from_yaml(MNLI_HUB).rows("id", None)) == [
        {"id": "11", "text_a": "A", "text_b": "C", "label": "contradiction", "group": ""}
    ]
    assert table == [(("nyu-mll/glue", "mnli"), {"split": "validation_matched", "revision": "abc"})]


def test_fingerprint_changes_with_the_table_and_how_it_is_read(table, from_yaml):
    source = from_yaml(MNLI_HUB)
    assert source.available(None) == ["train", "id"]
    assert source.fingerprint("id", None) == source.fingerprint("id", None)
    assert source.fingerprint("id", None) != source.fingerprint("train", None)


def test_a_column_that_a_table_lacks_is_named(table):
    spec = HubSplit(path="x/y", split="test", columns={"text_a": "text", "label": "label"}, labels=NLI)
    with pytest.raises(
        UserError,
        match=r"x/y test: unknown column 'text' in `columns`: choose from premise, hypothesis, label, idx",
    ):
        list(Hub({"train": spec, "id": spec}).rows("id", None))


def test_a_row_without_a_label_is_incomplete(table, monkeypatch):
    loaded = datasets.load_dataset("x/y")
    columns = {"text_a": "premise", "label": "label"}
    nothing = loaded.from_dict(
        {"premise": ["A"], "label": [None]}, features=loaded.select_columns(columns.values()).features
    )
    monkeypatch.setattr(datasets, "load_dataset", lambda *_, **__: nothing)
    spec = HubSplit(path="x/y", split="test", columns=columns, labels=NLI)
    with pytest.raises(UserError, match=r"x/y test, row 0: column 'label' must hold a label"):
        list(Hub({"train": spec, "id": spec}).rows("id", None))


def test_without_a_network_it_says_what_to_do(from_yaml):
    with pytest.raises(UserError, match=r"got nyu-mll/glue \(name mnli.*HF_HOME.*configs/data/mnli_files.yaml"):
        from_yaml(MNLI_HUB).fingerprint("train", None)


def test_equal_settings_have_one_cache(from_yaml):
    assert Hasher.hash(from_yaml(MNLI_HUB)) == Hasher.hash(from_yaml(MNLI_HUB))
    assert Hasher.hash(from_yaml(MNLI_HUB.replace("abc", "abd"))) != Hasher.hash(from_yaml(MNLI_HUB))
