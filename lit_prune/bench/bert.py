"""Random BERTs, dense or pruned like an exported model: speed depends on shapes and sparsity, not on values."""

import torch
from torch import nn
from transformers import BertConfig, BertModel

from lit_prune.errors import UserError
from lit_prune.export.formats.csr import install_sparse
from lit_prune.export.formats.lowrank import pair_of
from lit_prune.hardware.sizes import check_positive
from lit_prune.sparsity.budget import break_even
from lit_prune.sparsity.select import keep_largest, num_kept
from lit_prune.sparsity.targets import layers_in, match

HEAD_WIDTH = 64  # of BERT's attention heads, at every model size
HEADS = ("pooler", "classifier")  # targets outside of the Transformer layers


def check_shape(layers: int, hidden: int) -> None:
    """Check that a BERT can have this shape.

    Raises:
        UserError: A size is not positive, or the width is not a multiple of the width of a head.
    """
    check_positive(layers=layers, hidden=hidden)
    if hidden % HEAD_WIDTH:
        raise UserError(
            f"hidden must be a multiple of {HEAD_WIDTH}, got {hidden}: attention heads are {HEAD_WIDTH} wide"
        )


def dense_bert(layers: int, hidden: int, max_length: int = 512, **config: float) -> BertModel:
    """Build a random BERT.

    Args:
        layers: Number of Transformer layers.
        hidden: Width of the hidden states.
        max_length: Number of positions, at least 512.
        config: Further values of the configuration.
    """
    torch.manual_seed(0)
    return BertModel(
        BertConfig(
            hidden_size=hidden,
            num_hidden_layers=layers,
            num_attention_heads=hidden // HEAD_WIDTH,
            intermediate_size=4 * hidden,
            max_position_embeddings=max(512, max_length),
            **config,
        )
    )


def low_rank_bert(layers: int, hidden: int, max_length: int, rank: int) -> BertModel:
    """Build a BERT whose matrices are truncated to `rank` and factorised where that saves parameters."""
    backbone = dense_bert(layers, hidden, max_length)
    root = as_model(backbone)
    for name in layers_in(match(root, "bert", without=HEADS)):
        linear = root.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        if rank <= break_even(linear.out_features, linear.in_features):
            pair = pair_of(linear.in_features, linear.out_features, rank).to_empty(device="cpu")
            for value in pair.parameters():
                nn.init.normal_(value, std=0.02)
            root.set_submodule(name, pair)
    return backbone


def sparse_bert(layers: int, hidden: int, max_length: int, density: float) -> BertModel:
    """Build a BERT whose matrices are pruned to `density` and multiplied as sparse matrices."""
    backbone = dense_bert(layers, hidden, max_length)
    root = as_model(backbone)
    names = layers_in(match(root, "bert", without=HEADS))
    for name in names:
        linear = root.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        weight = linear.weight.detach()
        (mask,) = keep_largest([weight.abs()], num_kept(weight.numel(), 1 - density))
        weight.mul_(mask)
    install_sparse(root, names)
    return backbone


def as_model(backbone: nn.Module) -> nn.Module:
    """Return a module with the backbone at `encoder.backbone`, where name patterns of targets expect it."""
    return nn.ModuleDict({"encoder": nn.ModuleDict({"backbone": backbone})})
