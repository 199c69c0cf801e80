"""The masks that the authors of SMP publish (Jiang et al. 2022, arXiv 2210.06210), read into a BERT."""

import re
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lit_prune.errors import UserError

_MATRIX = re.compile(
    r"(?:.*\.)?(encoder\.layer\.\d+\.(?:attention\.self\.(?:query|key|value)|attention\.output\.dense|intermediate\.dense"
    r"|output\.dense))\.weight"
)


@torch.no_grad()
def apply_smp_masks(model: nn.Module, path: str | Path) -> dict[str, torch.Tensor]:
    """Set the weights of a BERT to 0 that a file of the authors' release prunes.

    The file is an array of the bits of all masks, one matrix after another by the names in their code, row by row. The
    weights are the pretrained ones of `bert-base-uncased`. Their logits are those of the language model at the words of
    the labels, read at the first token where the text has no mask token: in their code for MNLI, Yes is contradiction,
    Maybe entailment and No neutral.

    Args:
        model: A BERT, or a model around one, as `BertForMaskedLM`.
        path: `mnli_0.10_kd_mag.npy` or another, unpacked.

    Returns:
        The masks (bool, True for kept) by the names of the model's parameters.

    Raises:
        UserError: the file is no array of bytes, or has not one bit for each weight of the model's Transformer layers.
    """
    found = {match[1]: name for name, _ in model.named_parameters() if (match := _MATRIX.fullmatch(name))}
    weights = {found[key]: model.get_parameter(found[key]) for key in sorted(found)}
    try:
        packed = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path} must be an array of packed bits: {error}") from error
    sizes = [weight.numel() for weight in weights.values()]
    num_bits = sum(sizes)
    if not isinstance(packed, np.ndarray) or packed.dtype != np.uint8 or packed.shape != (-(-num_bits // 8),):
        shown = f"{packed.dtype} of shape {packed.shape}" if isinstance(packed, np.ndarray) else "several arrays"
        raise UserError(
            f"{path} must have {num_bits:,} bits in bytes, one for each weight of the model's layers, got {shown}: "
            "unpack the file, and use the model that the masks are of"
        )
    parts = np.split(np.unpackbits(packed, count=num_bits).astype(bool), np.cumsum(sizes)[:-1])
    masks = {
        name: torch.from_numpy(part).view(weight.shape).to(weight.device)
        for (name, weight), part in zip(weights.items(), parts, strict=True)
    }
    for name, weight in weights.items():
        weight.masked_fill_(~masks[name], 0)
    return masks
