"""Encoders of exports and runs, beside dense ones of their shape."""

import pytest
import torch
from torch import nn

import lit_prune
from lit_prune.bench.exports import encoder_makers
from lit_prune.errors import UserError
from lit_prune.export.formats.csr import SparseLinear
from lit_prune.export.trained import read_run

TOKENS = torch.arange(10)[None]


@pytest.mark.parametrize(("run", "form"), [("finished_rank_run", "lowrank"), ("finished_sparse_run", "csr")])
def test_of_a_run_each_format_that_its_pruning_allows(run, form, request):
    folder = request.getfixturevalue(run)
    makers = encoder_makers(folder)
    assert list(makers) == ["dense", *([form] if form == "lowrank" else ["compact", form])]
    dense, pruned = (makers[name]().eval() for name in ("dense", form))
    expected = read_run(folder, None).model.encoder.backbone(TOKENS).last_hidden_state
    torch.testing.assert_close(pruned(TOKENS).last_hidden_state, expected, atol=1e-5, rtol=0)
    kind = SparseLinear if form == "csr" else nn.Sequential
    assert any(isinstance(module, kind) for module in pruned.modules())
    assert not any(isinstance(module, kind) for module in dense.modules())
    assert dense.config.hidden_size == pruned.config.hidden_size


@pytest.mark.parametrize("form", ["dense", "packed", "csr"])
def test_of_an_export_its_format(finished_sparse_run, export, form):
    folder = export(finished_sparse_run, form)
    makers = encoder_makers(folder)
    assert list(makers) == list(dict.fromkeys(["dense", form]))
    expected = lit_prune.load(folder).encoder.backbone(TOKENS).last_hidden_state
    torch.testing.assert_close(makers[form]().eval()(TOKENS).last_hidden_state, expected, atol=1e-5, rtol=0)


def test_what_is_no_export_and_masks_alone_are_errors(finished_run, export, tmp_path):
    with pytest.raises(UserError, match="--out"):
        encoder_makers(tmp_path / "none")
    with pytest.raises(UserError, match="base"):
        encoder_makers(export(finished_run, "masks"))
