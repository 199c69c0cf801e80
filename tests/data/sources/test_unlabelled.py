"""Texts without labels beside the rows of another source."""

import pytest

from lit_prune.data import GeneratedNli, WithUnlabelled
from lit_prune.data.sources import TextSplit
from lit_prune.data.sources.source import UNLABELLED
from lit_prune.errors import UserError

SOURCE = GeneratedNli(num_train=6, num_eval=5)


@pytest.fixture
def source(tmp_path):
    (tmp_path / "texts.tsv").write_text("first\tsecond\na b\tc d\ne\tf\n")
    return WithUnlabelled(SOURCE, TextSplit(paths=["texts.tsv"], columns={"text_a": "first", "text_b": "second"}))


def test_the_texts_are_a_split_beside_the_sources(source, tmp_path):
    assert source.available(str(tmp_path)) == [*SOURCE.available(None), "unlabelled"]
    assert source.version == SOURCE.version
    assert list(source.rows("train", None)) == list(SOURCE.rows("train", None))
    assert source.fingerprint("id", None) == SOURCE.fingerprint("id", None)
    found = [(row["text_a"], row["text_b"], row["label"]) for row in source.rows("unlabelled", str(tmp_path))]
    assert found == [("a b", "c d", UNLABELLED), ("e", "f", UNLABELLED)]


def test_the_cache_follows_the_file(source, tmp_path):
    before = source.fingerprint("unlabelled", str(tmp_path))
    (tmp_path / "texts.tsv").write_text("first\tsecond\na b\tc d\n")
    assert source.fingerprint("unlabelled", str(tmp_path)) != before


def test_a_missing_file_and_two_files_are_errors(source, tmp_path):
    with pytest.raises(UserError, match=r"source of WithUnlabelled must have no split unlabelled"):
        WithUnlabelled(source, source.unlabelled).available(str(tmp_path))
    (tmp_path / "texts.tsv").unlink()
    with pytest.raises(UserError, match=r"must contain texts.tsv, got none"):
        source.available(str(tmp_path))
