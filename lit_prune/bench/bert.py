"""Random BERTs: dense, and pruned as a trained one would be exported, which is all that speed depends on."""

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

HEAD_WIDTH = 64  # of BERT's attention heads, whatever the size of the model
HEADS = ("pooler", "classifier")  # targets that are no matrices of the layers


def check_shape(layers: int, hidden: int) -> None:
    """Refuse what is no shape of a BERT.

    Raises:
        UserError: A size is not positive, or the width is no multiple of that of a head.
    """
    check_positive(layers=layers, hidden=hidden)
    if hidden % HEAD_WIDTH:
        raise UserError(f"hidden is {hidden}: use a multiple of {HEAD_WIDTH}, the width of an attention head")


def dense_bert(layers: int, hidden: int, max_length: int = 512, **config: float) -> BertModel:
    """A random BERT.

    Args:
        layers: Its Transformer layers.
        hidden: Its width.
        max_length: Tokens that it has positions for.
        config: Further values of its configuration.
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


def bert_of_rank(layers: int, hidden: int, max_length: int, rank: int) -> BertModel:
    """The same of whose matrices so many ranks are kept, as two small ones where these have fewer entries."""
    backbone = dense_bert(layers, hidden, max_length)
    root = rooted(backbone)
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
    """The same of whose matrices that share of the entries is kept, each computed by a sparse product."""
    backbone = dense_bert(layers, hidden, max_length)
    root = rooted(backbone)
    names = layers_in(match(root, "bert", without=HEADS))
    for name in names:
        linear = root.get_submodule(name)
        assert isinstance(linear, nn.Linear)
        weight = linear.weight.detach()
        (keep,) = keep_largest([weight.abs()], num_kept(weight.numel(), 1 - density))
        weight.mul_(keep)
    install_sparse(root, names)
    return backbone


def rooted(backbone: nn.Module) -> nn.Module:
    """A network in which it stands where it does in a model, so that its layers are found by their names."""
    return nn.ModuleDict({"encoder": nn.ModuleDict({"backbone": backbone})})
