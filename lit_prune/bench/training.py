"""Training steps of a random BERT: dense, masked, pruned while training, or sparsely tuned."""

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
from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.mask_kinds import Fixed, Learned, Reversible
from lit_prune.sparsity.schedules import Constant
from lit_prune.sparsity.structures import Element, Rank, Structure
from lit_prune.sparsity.targets import layers_in, match
from lit_prune.tuning import ChosenEntries, Lora
from lit_prune.tuning.lora import require_peft

SPARSITY = 0.5  # the cost of a step under masks does not depend on it


@dataclass(frozen=True)
class Pruning:
    """Settings of pruning while training.

    Args:
        structure: The unit that is pruned.
        sparsity: The fraction that is pruned.
        is_learned: Masks are learned by movement; otherwise they follow the magnitudes.
        is_refreshed: Masks are updated after each step, as in local scope; otherwise they are not, as in most steps of
            global scope.
    """

    structure: Structure
    sparsity: float
    is_learned: bool
    is_refreshed: bool


PRUNED = {
    "movement_local": Pruning(Element(), 0.9, is_learned=True, is_refreshed=True),
    "movement_global": Pruning(Element(), 0.9, is_learned=True, is_refreshed=False),
    "magnitude_local": Pruning(Element(), 0.9, is_learned=False, is_refreshed=True),
    "magnitude_global": Pruning(Element(), 0.9, is_learned=False, is_refreshed=False),
    "rank_movement": Pruning(Rank(), 0.9, is_learned=True, is_refreshed=True),
    "rank_magnitude_half": Pruning(Rank(), 0.5, is_learned=False, is_refreshed=True),
    "rank_magnitude_tenth": Pruning(Rank(), 0.9, is_learned=False, is_refreshed=True),
}
MASKED = ("fixed", "learned", "mask_phase")
TUNED = ("tuned", "lora", "shira")
VARIANTS = ("dense", *MASKED, *PRUNED, *TUNED)
SHARE = 0.005  # trainable fraction of each tensor (Fu et al. 2023)
RANK = 4  # of LoRA and SHiRA: about the same trainable fraction


@dataclass(frozen=True)
class Setting:
    """Shape of a random BERT with a classifier and of its training batch.

    Args:
        layers: Number of Transformer layers.
        hidden: Width of the hidden states, a multiple of 64.
        batch: Number of texts in the batch.
        length: Number of tokens of a text.
        precision: fp32, or bf16 (autocast).
        device: cpu or cuda.

    Raises:
        UserError: A size is out of range, or the precision is unknown.
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
            raise UserError(f"unknown precision {self.precision!r}: choose from fp32, bf16")


@dataclass(frozen=True)
class Step:
    """A training step of a model, called without arguments."""

    train: Callable[[], None]
    optimizer: Optimizer

    def __call__(self) -> None:
        """Train the model by one step."""
        self.train()

    @property
    def optimizer_bytes(self) -> int:
        """Size of the optimizer's state after a step."""
        values = [value for state in self.optimizer.state.values() for value in state.values()]
        return sum(value.numel() * value.element_size() for value in values if isinstance(value, Tensor))


def training_step(setting: Setting, variant: str) -> Step:
    """Return a training step of a random BERT.

    | variant | trained |
    |---|---|
    | `dense` | all weights, without masks |
    | `fixed` | all weights, under a fixed mask |
    | `learned` | all weights and the scores of a learned mask |
    | `mask_phase` | the scores alone |
    | `tuned` | the head and some entries of the encoder |
    | `lora`, `shira` | the head and the parameters that peft adds |
    | see `PRUNED` | all weights but the embeddings, pruned while training |

    A step resets the gradients, runs forward, loss and backward, clips, runs AdamW and updates the masks. Attention
    weights have no dropout, as in the configurations for a CPU. On a GPU the step returns before the work is done.

    Args:
        setting: Model, batch, precision and device.
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
    update_masks = _prune(model, PRUNED[variant]) if variant in PRUNED else None
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
        if update_masks is not None and PRUNED[variant].is_refreshed:
            update_masks()

    return Step(train, optimizer)


def _tune(model: nn.ModuleDict, variant: str) -> None:
    """Freeze the encoder but for a small part; `tuned` selects by magnitude, which is as fast as other criteria."""
    matrices = layers_in(match(model, "bert", without=HEADS))
    if variant == "shira":
        require_peft(variant)
        from peft import ShiraConfig, inject_adapter_in_model

        layers = [name.removeprefix("encoder.") for name in matrices]
        inject_adapter_in_model(ShiraConfig(r=RANK, target_modules=layers), model["encoder"])
        return
    lora = Lora(RANK, targets=[f"{name}.weight" for name in matrices])
    method = lora if variant == "lora" else ChosenEntries(Magnitude(), SHARE)
    method.check(model)
    method.begin(model, lambda _: iter(()), lambda tensor: tensor)


def _prune(model: nn.Module, pruning: Pruning) -> Callable[[], None]:
    """Mask the matrices of the layers and freeze the embeddings, as the configurations do.

    Returns:
        A function that brings each matrix to its sparsity.
    """
    model.get_submodule("encoder.backbone.embeddings").requires_grad_(False)
    masks = Learned() if pruning.is_learned else Reversible()
    targets = match(model, "bert", without=HEADS)
    pruner = LayerEngine(targets, Magnitude(), Constant(pruning.sparsity), structure=pruning.structure, masks=masks)
    pruner.attach(model)

    def update() -> None:
        pruner.update(1.0)

    update()
    return update


def _mask(model: nn.Module, fixed: bool) -> None:
    """Mask every matrix that is pruned by default."""
    masks = Fixed() if fixed else Learned()
    pruner = LayerEngine(match(model, "bert"), Magnitude(), Constant(SPARSITY), masks=masks)
    pruner.attach(model)
    pruner.update(1.0)
