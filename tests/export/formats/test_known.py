"""The table of formats, and formats of plugins."""

import pytest

from lit_prune.errors import UserError
from lit_prune.export.formats.format import Format
from lit_prune.export.formats.known import FORMATS, format_of, named_format


class Own(Format):
    name, files = "own", ("own.safetensors", "packed.safetensors")

    def write(self, trained, dtype, folder):
        raise NotImplementedError


def test_a_format_is_named_by_its_name_or_a_class_path():
    assert [type(named_format(name, {})) for name in FORMATS] == list(FORMATS.values())
    assert type(named_format("mine.Own", {"mine.Own": Own})) is Own
    for name, plugins in [("own", {"mine.Own": Own}), ("mine.Own", {}), ("mine.str", {"mine.str": str})]:
        with pytest.raises(UserError, match=f"unknown --format '{name}': choose from dense, packed"):
            named_format(name, plugins)


def test_formats_have_different_files(tmp_path):
    for number, (name, form) in enumerate(FORMATS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / form.files[0]).touch()
        assert format_of(folder, {}).name == name
    (tmp_path / "own.safetensors").touch()
    assert type(format_of(tmp_path, {"mine.Own": Own, "Format": Format, "str": str})) is Own
    with pytest.raises(UserError, match=r"must have one of model\.safetensors, packed\.safetensors, .*--out"):
        format_of(tmp_path, {})
