"""Rows in memory: split by split, with a fingerprint of their content."""

import pyarrow

from lit_prune.data.sources.in_memory import InMemory


def rows(*texts):
    return pyarrow.Table.from_pylist([{"id": str(number), "text_a": text} for number, text in enumerate(texts)])


def test_rows_are_those_of_the_split_and_their_fingerprint_follows_them():
    source = InMemory({"train": rows(*"ab"), "id": rows("c")})
    assert source.available(None) == ["train", "id"]
    assert [row["text_a"] for row in source.rows("train", None)] == ["a", "b"]
    same, other = InMemory({"train": rows(*"ab")}), InMemory({"train": rows(*"ac")})
    assert source.fingerprint("train", None) == same.fingerprint("train", None)
    assert source.fingerprint("train", None) != other.fingerprint("train", None)
