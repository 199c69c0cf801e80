"""Random BERTs, pruned as exported ones are."""

import pytest
import torch
from torch import nn

from lit_prune.bench.bert import check_shape, dense_bert, low_rank_bert, sparse_bert
from lit_prune.errors import UserError
from lit_prune.export.formats.csr import SparseLinear
from lit_prune.sparsity.select import num_kept

TOKENS = torch.arange(10)[None]


def test_a_shape():
    backbone = dense_bert(2, 128, max_length=600, hidden_dropout_prob=0.3)
    config = backbone.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (2, 128, 2)
    assert (config.intermediate_size, config.max_position_embeddings, config.hidden_dropout_prob) == (512, 600, 0.3)


@pytest.mark.parametrize(("layers", "hidden", "message"), [(0, 64, "layers"), (1, 0, "hidden"), (1, 100, "of 64")])
def test_what_is_no_shape_is_an_error(layers, hidden, message):
    with pytest.raises(UserError, match=message):
        check_shape(layers, hidden)


@pytest.mark.parametrize(("rank", "num_pairs"), [(1, 6), (32, 6), (33, 2), (51, 2), (52, 0)])
def test_ranks_up_to_the_break_even_are_two_matrices(rank, num_pairs):
    # 64 x 64: 32; 256 x 64: 51.2, of which a layer has two.
    backbone = low_rank_bert(1, 64, 512, rank)
    pairs = [module for module in backbone.modules() if type(module) is nn.Sequential]
    assert len(pairs) == num_pairs
    assert all(pair[0].weight.shape[0] == rank == pair[1].weight.shape[1] for pair in pairs)
    assert all(value.isfinite().all() for value in backbone.parameters())
    assert backbone(TOKENS).last_hidden_state.isfinite().all()


@pytest.mark.parametrize("density", [0.05, 0.25])
def test_a_share_of_each_matrix_is_kept(density):
    backbone = sparse_bert(1, 64, 512, density)
    layers = [module for module in backbone.modules() if isinstance(module, SparseLinear)]
    assert len(layers) == 6
    for layer in layers:
        assert layer.values.numel() == num_kept(layer.in_features * layer.out_features, 1 - density)
    assert backbone(TOKENS).last_hidden_state.isfinite().all()
