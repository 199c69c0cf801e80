"""Two small matrices for one that is pruned by rank: the same outputs, fewer parameters."""

import copy

import pytest
import torch
from models import layers, learned, outputs_stay, told
from torch import nn

from lit_prune.bench.bert import low_rank_bert
from lit_prune.errors import UserError
from lit_prune.export.formats.lowrank import factor, shape_like
from lit_prune.export.model import Changes
from lit_prune.export.tensor_files import load_tensors, save_tensors
from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.install import fix_masks, install, masked_layers
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.masks import FixedMask, ReversibleMask, TaskMasks
from lit_prune.sparsity.pairs import rank_pairs
from lit_prune.sparsity.structures import Rank
from lit_prune.tuning.adapter import add_adapter


@pytest.fixture
def pruned(build):
    """A function: ranks kept of each matrix, a kind of mask -> a model, each matrix of which keeps other ranks."""

    def make(rank, kind=FixedMask, model_type="bert"):
        model, generator = build(model_type, "eager"), torch.Generator().manual_seed(0)

        def mask(_, sigma):
            keep = torch.zeros_like(sigma, dtype=torch.bool)
            keep[torch.randperm(len(sigma), generator=generator)[:rank]] = True
            return kind(keep)

        install(model, list(layers(model)), mask, Rank())
        return model

    return make


@pytest.mark.parametrize("model_type", ["bert", "roberta", "distilbert", "deberta-v2"])
@pytest.mark.parametrize("rank", [1, 5, 8, 9, 16])
def test_outputs_stay_and_parameters_are_those_of_the_budget(pruned, inputs, model_type, rank):
    model, batch = pruned(rank, model_type=model_type), inputs(model_type)
    expected, needed = told(model, batch), budget(model)
    factor(model)
    torch.testing.assert_close(told(model, batch), expected, atol=1e-5, rtol=0)
    assert budget(model).num_total == needed.num_kept
    assert not masked_layers(model)


@pytest.mark.parametrize(("rank", "num_pairs"), [(8, 12), (9, 4), (10, 4), (11, 0)])
def test_above_the_break_even_the_whole_matrix_is_smaller(pruned, rank, num_pairs):
    # 16 x 16: 8 ranks; 32 x 16: 10.67, of which a layer has two.
    model = pruned(rank)
    factor(model)
    assert sum(type(module) is nn.Sequential for module in model.modules()) == num_pairs


@pytest.mark.parametrize("kind", [learned, ReversibleMask, lambda keep: TaskMasks({"nli": FixedMask(keep)})])
def test_masks_of_any_kind(pruned, inputs, kind):
    model = pruned(3, kind)
    outputs_stay(factor, model, inputs("bert"))


def test_a_matrix_without_a_rank_is_its_bias(pruned, inputs):
    model = pruned(0)
    outputs_stay(factor, model, inputs("bert"))


def test_a_file_is_the_model_again(pruned, build, inputs, tmp_path):
    model = pruned(5)
    factor(model)
    save_tensors(model.state_dict(), tmp_path / "file", {})
    loaded, (state, _) = build("bert", "eager"), load_tensors(tmp_path / "file")
    shape_like(loaded, state)
    loaded.take(state)
    batch = inputs("bert")
    torch.testing.assert_close(told(loaded, batch), told(model, batch), atol=0, rtol=0)


@pytest.mark.parametrize("name", ["encoder.0.weight", "none.0.weight", "heads.nli.0.weight"])
def test_a_state_of_another_network_is_refused(build, name):
    with pytest.raises((AttributeError, ValueError)):
        shape_like(build("bert"), {name: torch.zeros(2, 2)})


def test_what_has_no_ranks_or_differs_by_task_is_refused(build, pruned):
    with pytest.raises(UserError, match="no matrix is pruned by rank"):
        factor(build("bert"))
    model = pruned(3, lambda keep: TaskMasks({"nli": FixedMask(keep), "qqp": FixedMask(~keep)}))
    with pytest.raises(UserError, match=r"got others for nli, qqp"):
        factor(model)
    model = pruned(3)
    model.changes = {"nli": Changes({})}
    with pytest.raises(UserError, match="got a delta that is swapped"):
        factor(model)
    assert any(isinstance(module, LowRankLinear) for module in model.modules())


def test_pairs_are_factored_as_the_masks_that_they_come_from(pruned, inputs):
    for rank in (5, 10):  # below, and for some above the break-even
        model, batch = pruned(rank), inputs("bert")
        other = copy.deepcopy(model)
        fix_masks(other)
        assert rank_pairs(other)
        expected = told(model, batch)
        for each in (model, other):
            factor(each)
        assert model.state_dict().keys() == other.state_dict().keys()
        torch.testing.assert_close(told(other, batch), expected, atol=1e-5, rtol=0)


def test_adapters_after_factors_are_refused_and_at_the_ends_of_layers_kept(pruned, inputs):
    model, batch = pruned(3), inputs("bert")
    layer = model.encoder.backbone.encoder.layer[0].output
    add_adapter(layer.LayerNorm, 16, 2)
    torch.nn.init.normal_(layer.LayerNorm.adapter.up.weight)
    outputs_stay(factor, model, batch)
    model = pruned(3)
    add_adapter(model.encoder.backbone.encoder.layer[0].output.dense, 16, 2)
    with pytest.raises(UserError, match="position houlsby"):
        factor(model)


def test_bert_base_of_rank_38_takes_26_megabytes(tmp_path):
    """The matrices with biases and LayerNorms, 7.6% of the layers' parameters (Xia & Shin 2021, Table 2)."""
    layers = low_rank_bert(12, 768, 512, 38).encoder.state_dict()
    save_tensors(layers, tmp_path / "layers", {})
    assert sum(value.numel() for value in layers.values()) / (12 * 7_087_872) == pytest.approx(0.0755, abs=5e-5)
    assert (tmp_path / "layers").stat().st_size <= 26e6


@pytest.mark.parametrize("form", ["dense", "lowrank"])
@pytest.mark.parametrize("way", ["bf16", "int8", "compiled", "exported"])
def test_it_goes_with_what_else_makes_models_small_and_fast(build, pruned, inputs, form, way):
    model, batch = pruned(5) if form == "lowrank" else build("bert"), dict(inputs("bert"))
    if form == "lowrank":
        factor(model)
    model.requires_grad_(False)
    expected = told(model, batch)[1]
    if way == "bf16":
        other, tolerance = copy.deepcopy(model).bfloat16(), 0.1
    elif way == "int8":
        other, tolerance = torch.ao.quantization.quantize_dynamic(model, {nn.Linear}), 0.1
        assert not any(type(module) is nn.Linear for module in other.modules())
    elif way == "compiled":
        other, tolerance = torch.compile(model, backend="aot_eager", fullgraph=True), 1e-5
    else:
        other, tolerance = torch.export.export(model, (), batch).module(), 1e-5
    with torch.no_grad():
        logits = other(**batch).logits.float()
    assert (logits - expected).abs().max() <= tolerance * expected.abs().max()
