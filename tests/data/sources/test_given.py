"""Files under any names."""

import json
from functools import partial

import pytest
from datasets.fingerprint import Hasher

from lit_prune.data.sources.fields import Fields, Texts
from lit_prune.data.sources.given import Given, GivenLayout, check_readable, columns_of
from lit_prune.data.sources.wsc import read_wsc
from lit_prune.errors import UserError


def test_each_set_is_read_in_its_own_way(tmp_path):
    (tmp_path / "a.csv").write_text("text,gold\nA.,0\n")
    (tmp_path / "b.jsonl").write_text('{"words": "B"}\n')
    labelled = Fields(columns={"text_a": "text", "label": "gold"}, labels={"0": "no"}, strip=".")
    files = {"mine": (tmp_path / "a.csv", labelled), "b": (tmp_path / "b.jsonl", Texts(columns={"text_a": "words"}))}
    source = Given(files)
    assert source.available(None) == ["mine", "b"]
    rows = {name: [(row["text_a"], row["label"]) for row in source.rows(name, None)] for name in files}
    assert rows == {"mine": [("A", "no")], "b": [("B", "")]}
    assert source.fingerprint("mine", None) != source.fingerprint("b", None)
    assert Hasher.hash(source) == Hasher.hash(Given(files))


def test_files_in_a_layout_of_their_own_are_read_by_what_reads_it(tmp_path):
    target = {"span1_index": 0, "span1_text": "A", "span2_index": 1, "span2_text": "b"}
    files = {name: tmp_path / f"{name}.jsonl" for name in ("mine", "more")}
    for name, path in files.items():
        path.write_text(json.dumps({"text": "A b.", "target": target, "label": True, "idx": name}))
    source = GivenLayout(files, read_wsc)
    assert source.available(None) == ["mine", "more"]
    assert [(row["id"], row["label"]) for row in source.rows("more", None)] == [("more", "same")]
    assert source.fingerprint("mine", None) != source.fingerprint("more", None)
    assert Hasher.hash(source) != Hasher.hash(GivenLayout(files, partial(read_wsc, labelled=False)))


def test_errors_name_file_and_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text\nA\n" "\nB\n')
    source = Given({"a": (path, Texts(columns={"text_a": "text"}))})
    with pytest.raises(UserError, match=r"a.csv:3: column 'text' must hold a text"):
        list(source.rows("a", None))


def test_only_a_file_of_a_known_kind_is_readable(tmp_path):
    (tmp_path / "a.csv").touch()
    check_readable(tmp_path / "a.csv")
    for name in ("none.csv", "."):
        with pytest.raises(UserError, match="must be a file, got none"):
            check_readable(tmp_path / name)
    (tmp_path / "a.doc").touch()
    with pytest.raises(UserError, match=r"a.doc must end in one of .*\.csv, \.jsonl.*, got '\.doc'"):
        check_readable(tmp_path / "a.doc")


def test_columns_are_those_of_all_rows(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('\n{"b": 1, "a": 2}\n{"c": 3}\n')
    assert columns_of(path) == ("b", "a", "c")
    path.write_text("\n")
    with pytest.raises(UserError, match=r"a.jsonl must have rows"):
        columns_of(path)
    (tmp_path / "a.csv").write_text("a,b\nc\n")
    with pytest.raises(UserError, match=r"a.csv:2 must have 2 fields, as the header has, got 1"):
        columns_of(tmp_path / "a.csv")
