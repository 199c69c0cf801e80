"""A random BERT that is trained by steps, dense or under masks."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from lit_prune.errors import UserError
from lit_prune.heads import Classification
from lit_prune.paradigms.phase import Phase
from lit_prune.sizes import check_positive
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.masks import FixedMask, LearnedMask, refresh
from lit_prune.sparsity.targets import match

HEAD_WIDTH = 64  # of BERT's attention heads, whatever the size of the model
SPARSITY = 0.5  # no training step depends on it
VARIANTS = ("dense", "fixed", "learned", "mask_phase")


@dataclass(frozen=True)
class Setting:
    """A random BERT with a classifier, and the batch that it is trained on.

    Args:
        layers: Its Transformer layers.
        hidden: Its width, a multiple of 64.
        batch: Texts in the batch.
        length: Tokens in a text.
        precision: fp32, or bf16 (autocast).
        device: cpu or cuda.

    Raises:
        UserError: A size is not positive or not such a multiple, or the precision is unknown.
    """

    layers: int
    hidden: int
    batch: int
    length: int
    precision: str
    device: str

    def __post_init__(self) -> None:
        check_positive(layers=self.layers, hidden=self.hidden, batch=self.batch, length=self.length)
        if self.hidden % HEAD_WIDTH:
            raise UserError(f"hidden is {self.hidden}: use a multiple of {HEAD_WIDTH}, the width of an attention head")
        if self.precision not in ("fp32", "bf16"):
            raise UserError(f"precision is {self.precision!r}: use fp32 or bf16")


def training_step(setting: Setting, variant: str) -> Callable[[], None]:
    """A model and its optimizer, as a function that trains it by one step.

    `fixed` trains all weights under a fixed mask, `learned` all weights and the scores of a learned mask, `mask_phase`
    the scores alone; `dense` trains all weights without a mask. A step is the gradients' reset, forward, loss,
    backward, clipping and AdamW. On a GPU the function returns before the work is done.

    Args:
        setting: The model, batch, precision and device.
        variant: One of `VARIANTS`.
    """
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=setting.hidden,
        num_hidden_layers=setting.layers,
        num_attention_heads=setting.hidden // HEAD_WIDTH,
        intermediate_size=4 * setting.hidden,
        max_position_embeddings=max(512, setting.length),
    )
    backbone = BertModel(config)
    head = Classification(setting.hidden, num_labels=3, dropout=config.hidden_dropout_prob, pooled=True)
    model = nn.ModuleDict({"encoder": nn.ModuleDict({"backbone": backbone}), "heads": nn.ModuleDict({"task": head})})
    model.to(setting.device).train()
    if variant == "mask_phase":
        model.requires_grad_(False)
    if variant != "dense":
        _mask(model, fixed=variant == "fixed")
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = Phase(steps=1).optimizer(trained, fused=True)
    tokens = torch.randint(config.vocab_size, (setting.batch, setting.length), device=setting.device)
    labels = torch.randint(3, (setting.batch,), device=setting.device)

    def train() -> None:
        optimizer.zero_grad()
        with torch.autocast(setting.device, torch.bfloat16, enabled=setting.precision == "bf16"):
            output = backbone(input_ids=tokens, attention_mask=torch.ones_like(tokens))
            logits: Tensor = head(output.last_hidden_state, output.pooler_output)
        nn.functional.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained.values(), 1.0)
        optimizer.step()

    return train


def _mask(model: nn.Module, fixed: bool) -> None:
    """Put a mask on every matrix that is pruned by default."""
    names = [name for found in match(model, "bert").values() for name in found]
    install(model, names, lambda _, weight: LearnedMask(weight.detach().abs()))
    masks = {name: layer.mask for name, layer in masked_layers(model).items() if isinstance(layer.mask, LearnedMask)}
    for mask in masks.values():
        refresh([mask], SPARSITY)
    if fixed:
        install(model, names, lambda name, _: FixedMask(masks[name].keep))
