"""What formats share."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lit_prune.errors import UserError
from lit_prune.export.formats.format import Content, Format, converted


class Silent(Format):
    name, files = "silent", ("silent.safetensors",)

    def write(self, trained, dtype, folder):
        return Content({}, {})


def test_a_format_need_only_write():
    form, trained = Silent(), SimpleNamespace(model=SimpleNamespace(encoder=SimpleNamespace(backbone=nn.Linear(1, 1))))
    form.check(trained)
    assert (form.architecture(trained), form.needs_base(trained), form.elsewhere(trained)) == ("Linear", False, "")
    exports = [SimpleNamespace(folder="one"), SimpleNamespace(folder="other")]
    with pytest.raises(UserError, match="one must be a delta to be loaded with other folders, got silent"):
        form.check_together(exports)
    with pytest.raises(UserError, match="one must have a format that can be loaded, got silent"):
        form.load(None, exports[:1], None)


def test_weights_alone_are_converted_if_the_type_holds_them():
    made = converted({"a": torch.tensor([1.5]), "b": torch.tensor([3])}, "float16")
    assert {name: each.dtype for name, each in made.items()} == {"a": torch.float16, "b": torch.int64}
    with pytest.raises(UserError, match="--dtype must hold all values, got float16 for a: use --dtype float32"):
        converted({"a": torch.tensor([1e6])}, "float16")
