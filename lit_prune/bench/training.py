"""A random BERT that is trained by steps: dense, under masks, or pruned meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lit_prune.bench.bert import HEADS, check_shape, dense_bert
from lit_prune.errors import UserError
from lit_prune.hardware.sizes import check_positive
from lit_prune.heads import Classification
from lit_prune.phases.training import Training
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.mask_kinds import Fixed, Learned, Reversible
from lit_prune.sparsity.pruner import Pruner
from lit_prune.sparsity.schedules import Constant
from lit_prune.sparsity.structures import Element, Rank, Structure
from lit_prune.sparsity.targets import layers_in, match
from lit_prune.tuning import ChosenEntries, Lora
from lit_prune.tuning.lora import need_peft

SPARSITY = 0.5  # no step under masks depends on it


@dataclass(frozen=True)
class Pruned:
    """How the matrices of the layers are pruned while they are trained.

    Args:
        structure: What is kept or pruned as one.
        sparsity: The share that is pruned.
        learned: The masks are learned, by movement; else they follow the magnitudes.
        refreshed: Each matrix is told anew after each step what it keeps, as in local scope; else nothing is, as in
            most steps of global scope.
    """

    structure: Structure
    sparsity: float
    learned: bool
    refreshed: bool


PRUNED = {
    "movement_local": Pruned(Element(), 0.9, learned=True, refreshed=True),
    "movement_global": Pruned(Element(), 0.9, learned=True, refreshed=False),
    "magnitude_local": Pruned(Element(), 0.9, learned=False, refreshed=True),
    "magnitude_global": Pruned(Element(), 0.9, learned=False, refreshed=False),
    "rank_movement": Pruned(Rank(), 0.9, learned=True, refreshed=True),
    "rank_magnitude_half": Pruned(Rank(), 0.5, learned=False, refreshed=True),
    "rank_magnitude_tenth": Pruned(Rank(), 0.9, learned=False, refreshed=True),
}
MASKED = ("fixed", "learned", "mask_phase")
TUNED = ("tuned", "lora", "shira")
VARIANTS = ("dense", *MASKED, *PRUNED, *TUNED)
SHARE = 0.005  # of the entries of each tensor (Fu et al. 2023)
RANK = 4  # of LoRA and SHiRA, which tune as many entries of a matrix: about that share


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
        check_shape(self.layers, self.hidden)
        check_positive(batch=self.batch, length=self.length)
        if self.precision not in ("fp32", "bf16"):
            raise UserError(f"precision is {self.precision!r}: use fp32 or bf16")


@dataclass(frozen=True)
class Step:
    """A model and its optimizer, which a call trains by one step."""

    train: Callable[[], None]
    optimizer: Optimizer

    def __call__(self) -> None:
        """Train by one step."""
        self.train()

    @property
    def optimizer_bytes(self) -> int:
        """The size of the optimizer's state, after a step."""
        values = [value for state in self.optimizer.state.values() for value in state.values()]
        return sum(value.numel() * value.element_size() for value in values if isinstance(value, Tensor))


def training_step(setting: Setting, variant: str) -> Step:
    """A model and its optimizer, to be trained by one step at a time.

    `fixed` trains all weights under a fixed mask, `learned` all weights and the scores of a learned mask, `mask_phase`
    the scores alone; `dense` trains all weights without a mask; `tuned` the head and some entries of the encoder,
    `lora` and `shira` the head and what peft adds to the encoder; of the others, whose embeddings are frozen, see
    `PRUNED`. A step is the gradients' reset, forward, loss, backward, clipping, AdamW, and the refresh of what is kept;
    attention weights have no dropout, as in the configurations for a CPU. On a GPU it returns before the work is done.

    Args:
        setting: The model, batch, precision and device.
        variant: One of `VARIANTS`.
    """
    backbone = dense_bert(setting.layers, setting.hidden, setting.length, attention_probs_dropout_prob=0.0)
    config = backbone.config
    head = Classification(setting.hidden, num_labels=3, dropout=config.hidden_dropout_prob, pooled=True)
    model = nn.ModuleDict({"encoder": nn.ModuleDict({"backbone": backbone}), "heads": nn.ModuleDict({"task": head})})
    model.to(setting.device).train()
    if variant == "mask_phase":
        model.requires_grad_(False)
    if variant in MASKED:
        _mask(model, fixed=variant == "fixed")
    if variant in TUNED:
        _tune(model, variant)
    refresh_all = _prune(model, PRUNED[variant]) if variant in PRUNED else None
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    optimizer = Training(steps=1).make_optimizer(trained, fused=True)
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
        if refresh_all is not None and PRUNED[variant].refreshed:
            refresh_all()

    return Step(train, optimizer)


def _tune(model: nn.ModuleDict, variant: str) -> None:
    """Have a small part tuned; `tuned` chooses by magnitude: which entries they are is nothing to a step."""
    matrices = layers_in(match(model, "bert", without=HEADS))
    if variant == "shira":
        need_peft(variant)
        from peft import ShiraConfig, inject_adapter_in_model

        layers = [name.removeprefix("encoder.") for name in matrices]
        inject_adapter_in_model(ShiraConfig(r=RANK, target_modules=layers), model["encoder"])
        return
    lora = Lora(RANK, targets=[f"{name}.weight" for name in matrices])
    method = lora if variant == "lora" else ChosenEntries(Magnitude(), SHARE)
    method.check(model)
    method.begin(model, lambda _: iter(()), lambda own: own)


def _prune(model: nn.Module, how: Pruned) -> Callable[[], None]:
    """Put masks on the matrices of the layers and freeze the embeddings, as the configurations do.

    Returns:
        The function that brings each matrix to its sparsity.
    """
    model.get_submodule("encoder.backbone.embeddings").requires_grad_(False)
    masks = Learned() if how.learned else Reversible()
    targets = match(model, "bert", without=HEADS)
    pruner = Pruner(targets, Magnitude(), Constant(how.sparsity), structure=how.structure, masks=masks)
    pruner.attach(model)

    def update() -> None:
        pruner.update(1.0)

    update()
    return update


def _mask(model: nn.Module, fixed: bool) -> None:
    """Put a mask on every matrix that is pruned by default."""
    masks = Fixed() if fixed else Learned()
    pruner = Pruner(match(model, "bert"), Magnitude(), Constant(SPARSITY), masks=masks)
    pruner.attach(model)
    pruner.update(1.0)
