"""Sparse products of what element-wise pruning keeps, for CPUs: compressed sparse rows (CSR).

A sparse matrix reads whole rows of its input, so these layers hand on each text as (features, length), tokens side by
side in memory, behind the usual (batch, length, features): activations, sums and the next product keep that layout.
Measured (BERT-base's matrices, 8 texts of 128 tokens, two cores with AVX-512): 2.2 times as fast as the dense product
at 10% kept, 1.2 to 1.4 times with all texts as one (features, tokens), slower than it with tokens as rows.

The file is that of the packed format under another name, which is half the size of CSR.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from lit_prune.errors import UserError
from lit_prune.export.formats.format import Content, Export
from lit_prune.export.formats.packed import Packed, kept_shares
from lit_prune.export.model import TaskModel, check_same_for_all
from lit_prune.export.trained import Trained
from lit_prune.sparsity.install import fold_masks, masked_layers
from lit_prune.sparsity.layers import MaskedLinear
from lit_prune.sparsity.pairs import rank_pairs
from lit_prune.tuning.adapter import has_adapters

warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")  # said since torch 1.10
FILE = "csr.safetensors"
DENSEST = 0.2  # a matrix of which more is kept stays dense: the dense product is as fast


class Csr(Packed):
    """The packed format, computed by sparse products once it is loaded."""

    name = "csr"
    purpose = "packed, and computed by sparse products, which a CPU is fast at if a fifth is kept or less"
    files = (FILE,)

    def write(self, trained: Trained, dtype: str, folder: Path) -> Content:
        """Return the kept weights and the codes of the masks, if there are sparse matrices."""
        sparse_layers(trained.model)
        return super().write(trained, dtype, folder)

    def load(self, model: TaskModel, exports: Sequence[Export], base: str | None) -> None:
        """Load the kept weights, and make the layers of sparse matrices sparse."""
        super().load(model, exports, base)
        install_sparse(model, sparse_enough(kept_shares(exports[0].tensors[FILE], exports[0].metadata)))


class SparseLinear(nn.Module):
    """`nn.Linear` that computes with the entries that are not 0, in float32 whatever its own type; without gradients.

    Args:
        linear: The layer.
    """

    crow: Tensor
    columns: Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.out_features, self.in_features = linear.weight.shape
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
            weight = linear.weight.detach().to_sparse_csr()
        self.register_buffer("crow", weight.crow_indices().int())
        self.register_buffer("columns", weight.col_indices().int())
        self.values = nn.Parameter(weight.values().clone(), requires_grad=False)
        self.bias = linear.bias

    @torch.no_grad()
    def forward(self, input: Tensor) -> Tensor:
        """Compute the output (..., out_features) of an input (..., in_features), in its type."""
        texts = input.reshape(-1, *input.shape[-2:]) if input.ndim > 2 else input.reshape(1, -1, self.in_features)
        with torch.autocast(input.device.type, enabled=False):
            by_feature = texts.float().transpose(1, 2).contiguous()
            output = by_feature.new_empty(len(texts), self.out_features, texts.shape[1])
            weight = torch.sparse_csr_tensor(
                self.crow,
                self.columns,
                self.values.float(),
                (self.out_features, self.in_features),
                check_invariants=False,  # they come from a dense matrix
            )
            bias = output.new_zeros(1, 1) if self.bias is None else self.bias.float()[:, None]
            for read, written in zip(by_feature, output, strict=True):
                torch.addmm(bias, weight, read, out=written)
        return output.transpose(1, 2).to(input.dtype).view(*input.shape[:-1], self.out_features)


class FeatureMajorNorm(nn.LayerNorm):
    """`nn.LayerNorm` over texts as `SparseLinear` reads and writes them, without a copy; without gradients."""

    @classmethod
    def of(cls, norm: nn.LayerNorm) -> "FeatureMajorNorm":
        """Build one with a norm's parameters."""
        made = cls(norm.normalized_shape, norm.eps, norm.elementwise_affine, bias=norm.bias is not None, device="meta")
        made.weight, made.bias = norm.weight, norm.bias
        return made

    @torch.no_grad()
    def forward(self, input: Tensor) -> Tensor:
        """Normalise an input (..., length, features)."""
        if input.ndim < 3 or self.bias is None:
            return super().forward(input)
        by_feature = input.transpose(-1, -2).contiguous()
        output = torch.empty_like(by_feature)
        weight, bias = self.weight[:, None], self.bias[:, None]
        for read, written in zip(by_feature.flatten(0, -3), output.flatten(0, -3), strict=True):
            normed = F.batch_norm(read, None, None, training=True, eps=self.eps)  # features as the batch: each token's
            torch.addcmul(bias, normed, weight, out=written)
        return output.transpose(-1, -2)


def sparse_layers(model: TaskModel) -> list[str]:
    """Return the layers so sparse that a sparse product is faster.

    Raises:
        UserError: no matrix is pruned by element to `DENSEST` or less, masks or changes of the encoder differ by task,
            or the model has pairs or adapters.
    """
    if rank_pairs(model) or has_adapters(model):
        raise UserError("--format must not be csr for matrices pruned by rank or adapters: use packed or lowrank")
    layers = {name: each for name, each in masked_layers(model).items() if isinstance(each, MaskedLinear)}
    names = sparse_enough({f"{name}.weight": each.mask.keep.float().mean().item() for name, each in layers.items()})
    if not names:
        raise UserError(
            f"--format csr must have a matrix that keeps {DENSEST:.0%} of its entries or less, got none: use packed"
        )
    check_same_for_all(model)
    return names


def make_sparse(model: TaskModel) -> None:
    """Fold the masks in and compute matrices of which little is kept by their kept entries, in place.

    Logits stay, up to rounding.

    Args:
        model: The model; of several tasks, all with the same masks.

    Raises:
        UserError: see `sparse_layers`; the model is as it was.
    """
    names = sparse_layers(model)
    fold_masks(model)
    install_sparse(model, names)


def sparse_enough(kept_shares: Mapping[str, float]) -> list[str]:
    """Return the layers so sparse that a sparse product is faster, given the density of each weight."""
    return [name.removesuffix(".weight") for name, share in kept_shares.items() if share <= DENSEST]


def install_sparse(root: nn.Module, names: Iterable[str]) -> None:
    """Replace linear layers by sparse ones, and norms by those of their memory layout, in place.

    Args:
        root: The network, in evaluation mode from here on.
        names: Names of its `nn.Linear` layers.
    """
    for name in names:
        linear = root.get_submodule(name)
        assert isinstance(linear, nn.Linear), name
        root.set_submodule(name, SparseLinear(linear))
    for name, module in list(root.named_modules()):
        if type(module) is nn.LayerNorm:
            root.set_submodule(name, FeatureMajorNorm.of(module))
        if isinstance(module, PreTrainedModel):
            module.set_attn_implementation("eager")  # others copy such tensors, or guard against rows that are masked
    root.eval()
