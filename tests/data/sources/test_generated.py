"""The generated corpus as a source."""

import pytest
from datasets.fingerprint import Hasher

from lit_prune.data.generated import nli
from lit_prune.data.sources import GeneratedNli, Row


@pytest.fixture
def generator(monkeypatch):
    def generate_nli(split, num_rows, bias_rate, seed):
        for number in range(num_rows):
            yield {"id": f"{number}", "text_a": split, "text_b": f"{bias_rate} {seed}", "label": "neutral", "group": ""}

    monkeypatch.setattr(nli, "generate_nli", generate_nli)


def test_splits_and_their_sizes(generator):
    source = GeneratedNli(bias_rate=0.7, num_train=5, num_eval=3, num_ood_train=2, seed=4)
    assert source.available(None) == ["train", "id", "ood", "ood_train"]
    assert [len(list(source.rows(split, None))) for split in source.available(None)] == [5, 3, 3, 2]
    row = next(source.rows("ood", None))
    assert (row["text_a"], row["text_b"]) == ("ood", "0.7 4")
    assert GeneratedNli().available(None) == ["train", "id", "ood"]


def test_rows_have_our_fields():
    source = GeneratedNli(num_train=20, num_eval=10, num_ood_train=10)
    for split in source.available(None):
        rows = list(source.rows(split, None))
        assert {frozenset(row) for row in rows} == {frozenset(Row.__annotations__)}
        assert len({row["id"] for row in rows}) == len(rows) == (20 if split == "train" else 10)


def test_fingerprint_changes_with_every_argument_and_the_code(monkeypatch, tmp_path):
    before = GeneratedNli().fingerprint("train", None)
    assert before == GeneratedNli().fingerprint("train", None) != GeneratedNli().fingerprint("id", None)
    for change in ({"bias_rate": 0.5}, {"num_train": 1}, {"num_eval": 1}, {"num_ood_train": 1}, {"seed": 1}):
        assert GeneratedNli(**change).fingerprint("train", None) != before
    (tmp_path / "nli.py").write_text("# another grammar")
    monkeypatch.setattr(nli, "__file__", str(tmp_path / "nli.py"))
    assert GeneratedNli().fingerprint("train", None) != before


def test_equal_settings_have_one_cache():
    assert Hasher.hash(GeneratedNli()) == Hasher.hash(GeneratedNli())
    assert Hasher.hash(GeneratedNli(seed=1)) != Hasher.hash(GeneratedNli())
