"""Sparse products give what dense ones give."""

import copy

import pytest
import torch
from models import layers, learned, outputs_stay, told
from torch import nn

from lit_prune.errors import UserError
from lit_prune.export.formats.csr import FeatureMajorNorm, SparseLinear, make_sparse
from lit_prune.export.model import Changes
from lit_prune.sparsity.install import fix_masks, install, masked_layers
from lit_prune.sparsity.masks import FixedMask, ReversibleMask, TaskMasks
from lit_prune.sparsity.structures import Rank
from lit_prune.tuning.adapter import add_adapter

FAMILIES = ["bert", "roberta", "xlm-roberta", "electra", "distilbert", "albert", "deberta-v2"]


@pytest.fixture
def pruned(build):
    """A function: the share kept of each matrix, a kind of mask -> a model."""

    def make(share, kind=FixedMask, model_type="bert"):
        model, generator = build(model_type, "eager"), torch.Generator().manual_seed(0)
        install(model, list(layers(model)), lambda _, w: kind(torch.rand(w.shape, generator=generator) < share))
        return model

    return make


@pytest.mark.parametrize("model_type", FAMILIES)
def test_outputs_stay(pruned, inputs, model_type):
    model = pruned(0.1, model_type=model_type)
    outputs_stay(make_sparse, model, inputs(model_type))
    assert sum(isinstance(module, SparseLinear) for module in model.modules()) > 0
    assert not masked_layers(model)


@pytest.mark.parametrize("kind", [learned, ReversibleMask, lambda keep: TaskMasks({"nli": FixedMask(keep)})])
def test_masks_of_any_kind(pruned, inputs, kind):
    model = pruned(0.1, kind)
    outputs_stay(make_sparse, model, inputs("bert"))


@pytest.mark.parametrize("shape", [(16,), (3, 16), (2, 5, 16), (2, 3, 5, 16)])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_layer_takes_inputs_of_any_shape_and_type(shape, bias, dtype):
    torch.manual_seed(0)
    linear = nn.Linear(16, 24, bias=bias)
    linear.weight.data *= torch.rand(24, 16) < 0.2
    input = torch.randn(shape)
    expected = linear(input)
    output = SparseLinear(linear).to(dtype)(input.to(dtype))
    assert output.dtype == dtype
    assert output.shape == expected.shape
    torch.testing.assert_close(output.float(), expected, atol=1e-5 if dtype == torch.float32 else 2e-2, rtol=0)


def test_layers_hand_on_features_side_by_side():
    torch.manual_seed(0)
    norm = FeatureMajorNorm.of(nn.LayerNorm(16))
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    text = torch.randn(2, 5, 16)
    normed = norm(text)
    torch.testing.assert_close(normed, nn.functional.layer_norm(text, (16,), norm.weight, norm.bias))
    output = nn.functional.gelu(SparseLinear(nn.Linear(16, 24))(normed))
    for handed in (normed, output):
        assert handed.transpose(1, 2).is_contiguous()


def test_a_matrix_without_an_entry_is_its_bias():
    linear = nn.Linear(16, 24)
    nn.init.zeros_(linear.weight)
    assert torch.equal(SparseLinear(linear)(torch.randn(2, 5, 16)), linear.bias.expand(2, 5, 24))


def test_dense_matrices_stay_dense(pruned, inputs):
    model, batch = pruned(0.1), inputs("bert")
    name = next(iter(layers(model)))
    install(model, [name], lambda _, weight: FixedMask(torch.rand_like(weight) < 0.5))
    expected = told(model, batch)
    make_sparse(model)
    assert type(model.get_submodule(name)) is nn.Linear
    torch.testing.assert_close(told(model, batch), expected, atol=1e-5, rtol=0)


def test_it_goes_with_bf16(pruned, inputs):
    model, batch = pruned(0.1), inputs("bert")
    make_sparse(model)
    expected = told(model, batch)[1]
    with torch.autocast("cpu", torch.bfloat16):
        automatic = told(model, batch)[1].float()
    whole = told(copy.deepcopy(model).bfloat16(), batch)[1].float()
    for logits in (automatic, whole):
        assert 0 < (logits - expected).abs().max() <= 0.1 * expected.abs().max()


def test_what_is_not_sparse_or_differs_by_task_is_refused(build, pruned):
    for model in (build("bert"), pruned(0.5)):
        with pytest.raises(UserError, match="must have a matrix that keeps 20% of its entries or less, got none"):
            make_sparse(model)
    model = pruned(0.1, lambda keep: TaskMasks({"nli": FixedMask(keep), "qqp": FixedMask(keep)}))
    with pytest.raises(UserError, match=r"got others for nli, qqp"):
        make_sparse(model)
    model = pruned(0.1)
    model.changes = {"nli": Changes({})}
    with pytest.raises(UserError, match="got a delta that is swapped"):
        make_sparse(model)
    assert masked_layers(model)


def test_pairs_and_adapters_are_refused(build, pruned):
    model = build("bert")
    install(model, list(layers(model)), lambda _, sigma: FixedMask(torch.arange(len(sigma)) < 3), Rank())
    fix_masks(model)
    adapted = pruned(0.1)
    add_adapter(adapted.encoder.backbone.encoder.layer[0].output.LayerNorm, 16, 2)
    for each in (model, adapted):
        with pytest.raises(UserError, match="matrices pruned by rank or adapters"):
            make_sparse(each)
