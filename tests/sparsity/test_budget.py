"""Parameters that pruned Transformer layers need, by the figures of the paper."""

import pytest
import torch
from transformers import BertConfig, BertModel

from lit_prune.sparsity.budget import break_even, budget
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.masks import FixedMask, ReversibleMask
from lit_prune.sparsity.targets import layers_in, match


@pytest.fixture
def root():
    """BERT-base with two of its layers, on the meta device but for what is put into it."""
    config = BertConfig(num_hidden_layers=2, vocab_size=100)
    backbone = BertModel(config)
    head = torch.nn.ModuleDict({"classifier": torch.nn.Linear(768, 2)})
    encoder = torch.nn.ModuleDict({"backbone": backbone})
    return torch.nn.ModuleDict({"encoder": encoder, "heads": torch.nn.ModuleDict({"nli": head})})


def by_rank(root, rank):
    """Put factors of random values into the place of the matrices, `rank` of 768 ranks kept."""
    for name in layers_in(match(root, "bert", without=("pooler", "classifier"))):
        linear = root.get_submodule(name)
        shapes = (768, linear.out_features), (768,), (768, linear.in_features)
        layer = LowRankLinear(*(torch.empty(shape) for shape in shapes), bias=linear.bias)
        layer.mask = ReversibleMask(torch.arange(768) < rank)
        root.set_submodule(name, layer)


@pytest.mark.parametrize(("rank", "printed"), [(38, 7.6), (76, 15.0)])
def test_ranks_need_what_the_paper_s_table_2_prints(root, rank, printed):
    by_rank(root, rank)
    found = budget(root)
    assert found.num_total == 2 * 7_087_872
    assert found.num_kept == 2 * (13_824 * rank + 9_984)
    assert 100 * found.figures()["parameter_density"] == pytest.approx(printed, abs=0.05)
    assert found.figures()["wasted_ranks"] == 0
    assert tuple(found.figures()) == ("parameter_density", "wasted_ranks")


def test_above_break_even_the_whole_matrix_is_smaller(root):
    assert break_even(768, 768) == 384
    assert break_even(768, 3072) == pytest.approx(614.4)
    by_rank(root, 500)
    found = budget(root)
    # Of a layer the four square matrices are whole, of the other two are factors.
    assert found.num_kept == 2 * (4 * 768 * 768 + 2 * 500 * (768 + 3072) + 9_984)
    assert found.num_ranks == 12 * 500
    assert found.num_wasted == 8 * (500 - 384)


def test_elements_are_counted_with_biases_and_layer_norms_but_without_what_lies_outside(root):
    names = layers_in(match(root, "bert"))
    install(root, names, lambda _, weight: FixedMask(torch.zeros_like(weight, dtype=torch.bool)))
    assert "encoder.backbone.pooler.dense" in masked_layers(root)
    found = budget(root)
    assert (found.num_kept, found.num_total) == (2 * 9_984, 2 * 7_087_872)
    assert found.figures().keys() == {"parameter_density"}


def test_without_transformer_layers_there_is_nothing_to_say():
    assert budget(torch.nn.Linear(2, 3)).figures() == {}
