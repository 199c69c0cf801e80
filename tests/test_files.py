"""Files that are there whole or not at all."""

import contextlib
import json
import os

import pytest

from lit_prune.errors import UserError
from lit_prune.files import (
    check_undamaged,
    new_path,
    read_json,
    read_yaml,
    remove_partials,
    write_atomically,
    write_folder,
    write_json,
    write_recorded,
    writing,
)


def test_a_file_is_written_below_new_folders_and_replaced(tmp_path):
    path = tmp_path / "a" / "b" / "text"
    for text in ("first", "second"):
        write_atomically(path, lambda partial, text=text: partial.write_text(text))
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_is_cut_off_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "text"
    path.write_text("old")

    def write(partial):
        partial.write_text("half")
        assert path.read_text() == "old"
        raise error

    with pytest.raises(error):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_before_the_first_byte_is_not_hidden(tmp_path):
    def write(partial):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_atomically(tmp_path / "text", write)
    assert not list(tmp_path.iterdir())


def test_json_is_read_back(tmp_path):
    values = {"nli/id/accuracy": 0.1 + 0.2, "denominator": "matrices", "steps": 3}
    write_json(values, tmp_path / "metrics.json")
    assert json.loads((tmp_path / "metrics.json").read_text()) == values


def test_what_json_cannot_say_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_json({"a": object()}, tmp_path / "metrics.json")
    assert not list(tmp_path.iterdir())


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    def fill(folder):
        (folder / "a").write_text("a")

    def fail(folder):
        fill(folder)
        raise KeyError

    with pytest.raises(KeyError):
        write_folder(tmp_path / "new" / "folder", fail)
    assert not list((tmp_path / "new").iterdir())
    write_folder(tmp_path / "new" / "folder", fill)
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "folder", "a"]


def test_a_new_path_is_one_where_nothing_is(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    assert new_path(str(tmp_path / "new" / "deep")) == tmp_path / "new" / "deep"
    assert new_path(str(tmp_path / "folder"), folder=True) == tmp_path / "folder"
    for taken, is_folder in (("file", False), ("file", True), ("folder", False), ("", True)):
        with pytest.raises(UserError, match="must be a new"):
            new_path(str(tmp_path / taken), is_folder)
    with pytest.raises(UserError, match=r"must be in a folder that you may write to, got .*below: check .*file"):
        new_path(str(tmp_path / "file" / "below"))
    assert not (tmp_path / "new").exists()


def test_what_the_system_refuses_to_write_is_the_users_error(tmp_path):
    with (
        pytest.raises(UserError, match=r"--out must be writable, got .*/text \(.*disk is full"),
        writing(tmp_path / "text"),
    ):
        raise OSError("the disk is full")


# ---- files of a run, under checksums -----------------------------------------------------------------------------


@pytest.fixture
def recorded(tmp_path):
    """A run's metrics.json, written twice."""
    path = tmp_path / "metrics.json"
    for steps in (1, 2):
        write_json({"steps": steps}, path, write_recorded)
    return path


def test_a_recorded_file_is_read_back_and_a_flipped_bit_is_found(recorded):
    content = recorded.read_bytes()
    assert read_json(recorded, dict) == {"steps": 2}
    for place in range(0, 8 * len(content), 3):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        recorded.write_bytes(changed)
        with pytest.raises(UserError, match=f"{recorded} must have a SHA-256 in "):
            read_json(recorded, dict)


def test_a_file_that_is_not_recorded_is_read_as_it_is(recorded):
    other = recorded.with_name("other.json")
    other.write_text("[1]")
    check_undamaged(other)
    assert read_json(other, list) == [1]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", range(6))
def test_a_writer_killed_anywhere_leaves_a_file_that_is_not_called_damaged(recorded, monkeypatch, call, number):
    calls = iter(range(100))
    made = getattr(os, call)

    def fail(*arguments):
        if next(calls) == number:
            raise KeyboardInterrupt
        return made(*arguments)

    for steps in (3, 4):  # killed twice in a row at the same place
        with monkeypatch.context() as patched:
            patched.setattr(f"lit_prune.files.os.{call}", fail)
            with contextlib.suppress(KeyboardInterrupt):
                write_json({"steps": steps}, recorded, write_recorded)
        assert read_json(recorded, dict)["steps"] in (2, 3, 4)
    write_json({"steps": 5}, recorded, write_recorded)
    assert read_json(recorded, dict) == {"steps": 5}
    assert sorted(path.name for path in recorded.parent.iterdir()) == ["checksums.json", "metrics.json"]


def test_the_old_content_stays_under_a_second_name(tmp_path):
    path, second = tmp_path / "dense.ckpt", tmp_path / "second.ckpt"
    path.write_text("old")
    second.hardlink_to(path)
    write_atomically(path, lambda partial: partial.write_text("new"))
    assert (path.read_text(), second.read_text()) == ("new", "old")


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "[" * 100_000, '{"a": NaN'])
def test_what_is_no_json_object_is_named(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_text(content)
    with pytest.raises(UserError, match=str(path)):
        read_json(path, dict)


@pytest.mark.parametrize("content", [b"", b"a: [", b"- 1", b"\x00\x01", b"a: !!python/object/apply:os.getcwd []"])
def test_what_is_no_yaml_mapping_is_named(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=str(path)):
        read_yaml(path)


@pytest.mark.parametrize("content", ["[]", "{", '{"metrics.json": 1}'])
def test_damaged_checksums_are_named(recorded, content):
    recorded.with_name("checksums.json").write_text(content)
    with pytest.raises(UserError, match=r"checksums.json must .*remove it"):
        read_json(recorded, dict)


def test_a_file_of_a_size_that_no_run_writes_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("lit_prune.limits.LARGEST_TEXT", 10)
    (tmp_path / "run.json").write_text(json.dumps({"a": 12345}))
    with pytest.raises(UserError, match="must have at most 10 bytes, got 12"):
        read_json(tmp_path / "run.json", dict)


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    kept = {"metrics.json", "checkpoints", "last.ckpt"}
    for name in ("metrics.json", ".run.json.12.partial", "checkpoints/last.ckpt", "checkpoints/.last.ckpt.7.partial"):
        (tmp_path / name).write_text("x")
    remove_partials(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == kept
