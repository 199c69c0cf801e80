"""Files that are there whole or not at all."""

import json

import pytest

from lit_prune.errors import UserError
from lit_prune.files import new_path, write_atomically, write_folder, write_json, writing


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
        with pytest.raises(UserError, match="is there already"):
            new_path(str(tmp_path / taken), is_folder)
    with pytest.raises(UserError, match=r"below cannot be written: .*/file is not a folder"):
        new_path(str(tmp_path / "file" / "below"))
    assert not (tmp_path / "new").exists()


def test_what_the_system_refuses_to_write_is_the_users_error(tmp_path):
    with pytest.raises(UserError, match=r"--out .*/text cannot be written: .*disk is full"), writing(tmp_path / "text"):
        raise OSError("the disk is full")
