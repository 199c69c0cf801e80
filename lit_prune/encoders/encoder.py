"""`PrunableEncoder`: load a Hugging Face text encoder and run it; pruning it is done by the functions of `sparsity`."""

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig, PreTrainedTokenizerBase
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from lit_prune.encoders import bundled
from lit_prune.encoders.untrusted import check_loaded, check_overrides
from lit_prune.errors import UserError

# A pooler that the checkpoints do not hold would be random: these backbones get it in the head instead.
_WITHOUT_POOLER = {"roberta", "xlm-roberta", "camembert"}

# BERT's names of dropout rates, as yamls use them for every backbone -> what a family calls them.
_OWN_NAMES = {
    "distilbert": {"hidden_dropout_prob": "dropout", "attention_probs_dropout_prob": "attention_dropout"},
    "modernbert": {"hidden_dropout_prob": "mlp_dropout", "attention_probs_dropout_prob": "attention_dropout"},
}

# What transformers raises on a folder that is missing, damaged or of something else.
_UNREADABLE = (
    OSError,
    LookupError,
    ValueError,
    RuntimeError,
    SafetensorError,
    StrictDataclassError,
    ImportError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)


class PrunableEncoder(nn.Module):
    """A pretrained text encoder of Hugging Face transformers, with its tokenizer.

    The tokenizer pads on the right, and its `model_max_length` is the number of positions of the encoder.

    Args:
        backbone: A model's name on the Hugging Face hub, a local folder, or `bundled`: the encoder of the extra
            `demo` (all-MiniLM-L6-v2), which needs no network.
        pretrained: Load the pretrained weights; False draws them at random (a control).
        freeze_embeddings: Keep the embedding tables as they are; a third of the optimizer's work less.
        config: Values laid over the backbone's own configuration, as `attention_probs_dropout_prob: 0.0`. BERT's
            names of dropout rates are understood for all families of `sparsity.targets`.
        revision: The branch, tag or commit on the hub.
        compile: Compile each Transformer layer by `torch.compile` (one graph for all of them, made anew when masks come
            in); worth its minutes on a GPU.

    Raises:
        UserError: the backbone cannot be loaded, is no encoder, or does not fit its tokenizer.
    """

    def __init__(
        self,
        backbone: str = bundled.NAME,
        pretrained: bool = True,
        freeze_embeddings: bool = False,
        config: dict[str, Any] | None = None,
        revision: str = "main",
        compile: bool = False,
    ) -> None:
        super().__init__()
        self.arguments = {
            "backbone": backbone,
            "pretrained": pretrained,
            "freeze_embeddings": freeze_embeddings,
            "config": config,
            "revision": revision,
            "compile": compile,
        }
        self.name = backbone
        check_overrides(config or {}, "encoder.config")
        source = str(bundled.bundled_path()) if backbone == bundled.NAME else backbone
        try:
            settings = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
            own = _OWN_NAMES.get(settings.model_type, {})
            overrides = {own.get(name, name): value for name, value in (config or {}).items()}
            unknown = sorted(key for key in overrides if not hasattr(settings, key))
            if unknown:
                raise UserError(f"encoder.config has {unknown}, which {backbone} ({settings.model_type}) does not know")
            settings.update(overrides)
            check_loaded(settings, backbone)
            _check_is_encoder(backbone, settings)
            self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                source, revision=revision, trust_remote_code=False
            )
            options = {"add_pooling_layer": False} if settings.model_type in _WITHOUT_POOLER else {}
            if pretrained:
                self.backbone, loaded = AutoModel.from_pretrained(
                    source,
                    config=settings,
                    revision=revision,
                    trust_remote_code=False,
                    use_safetensors=True,
                    output_loading_info=True,
                    **options,
                )
                absent = sorted(loaded["missing_keys"])
                if absent and os.environ.get("LOCAL_RANK", "0") == "0":  # one process says it
                    warnings.warn(f"{backbone} does not hold {', '.join(absent)}: drawn at random", stacklevel=2)
            else:
                self.backbone = AutoModel.from_config(settings, trust_remote_code=False, **options)
        except UserError:
            raise
        except _UNREADABLE as error:
            raise UserError(_explain(backbone, error)) from error
        self._check_tokenizer()
        self.tokenizer.padding_side = "right"  # heads and windows count tokens from the left
        self.tokenizer.model_max_length = VERY_LARGE_INTEGER if self.num_positions is None else self.num_positions
        self.backbone.float().train()  # from_pretrained leaves it in evaluation mode, dropout off
        if freeze_embeddings:
            for module in self.backbone.modules():
                if isinstance(module, nn.Embedding):
                    module.requires_grad_(False)
        if compile:
            self._compile_layers()

    def _check_tokenizer(self) -> None:
        tokenizer, where = self.tokenizer, f"encoder.backbone {self.name!r}"
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise UserError(f"{where} holds no vocabulary: save its tokenizer into the folder too")
        if not tokenizer.is_fast:
            raise UserError(
                f"{where} has a tokenizer written in Python: save a fast one (tokenizer.json) into a folder"
            )
        if tokenizer.pad_token is None:
            raise UserError(
                f"{where} has a tokenizer without a pad token: set `tokenizer.pad_token` to one of its special tokens, "
                "and save it into the model's folder"
            )
        num_tokens, num_embeddings = max(tokenizer.get_vocab().values()) + 1, len(self.word_embeddings)
        if num_tokens > num_embeddings:
            raise UserError(
                f"{where} must have an embedding for each of the {num_tokens} tokens of its tokenizer, got "
                f"{num_embeddings}: call `model.resize_token_embeddings({num_tokens})` and save it, or save the "
                "tokenizer that belongs to it"
            )

    def _compile_layers(self) -> None:
        layers = [module for module in self.backbone.modules() if isinstance(module, GradientCheckpointingLayer)]
        if not layers:
            raise UserError(f"encoder.compile: {self.model_type} has no layers of its own to compile, set it false")
        for layer in layers:
            layer.compile()

    @property
    def model_type(self) -> str:
        """The family of the backbone as transformers names it, such as `bert`."""
        return str(self.backbone.config.model_type)

    @property
    def hidden_size(self) -> int:
        """Width of the hidden states."""
        return int(self.backbone.config.hidden_size)

    @property
    def num_positions(self) -> int | None:
        """The number of tokens that have a position; None where positions are relative and any number has."""
        for name, module in self.backbone.named_modules():
            if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
                # RoBERTa's positions begin beyond the one of padding.
                return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
        config = self.backbone.config
        is_relative = getattr(config, "relative_attention", False)
        return None if is_relative else getattr(config, "max_position_embeddings", None)

    @property
    def has_pooler(self) -> bool:
        """Whether the backbone pools the first token itself."""
        return getattr(self.backbone, "pooler", None) is not None

    @property
    def hidden_dropout(self) -> float:
        """Dropout rate that the backbone uses on hidden states, taken over by the heads."""
        name = "hidden_dropout_prob"
        return float(getattr(self.backbone.config, _OWN_NAMES.get(self.model_type, {}).get(name, name), 0.1))

    @property
    def word_embeddings(self) -> Tensor:
        """The pretrained word embedding table, (vocabulary, width); the bias model's default word vectors."""
        table: Tensor = self.backbone.get_input_embeddings().weight
        return table.detach()

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Encode a padded batch.

        Args:
            inputs: What the tokenizer returns: `input_ids`, `attention_mask`, ..., each (batch, length).

        Returns:
            The hidden states (batch, length, width), and the pooled first token (batch, width): the backbone's own
            pooler's output, or the first token's hidden state where there is none.
        """
        output = self.backbone(**inputs)
        hidden: Tensor = output.last_hidden_state
        return hidden, output.pooler_output if self.has_pooler else hidden[:, 0]


def _check_is_encoder(backbone: str, settings: PretrainedConfig) -> None:
    """Raise a UserError unless each token sees all others: the pooled token is the first."""
    is_decoder = settings.is_encoder_decoder or getattr(settings, "is_decoder", False)
    # What transformers has a masked language model of is an encoder, or has one.
    if is_decoder or settings.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        kind = f"{settings.model_type}, a decoder" if is_decoder else settings.model_type
        raise UserError(
            f"encoder.backbone must be a bidirectional text encoder, got {backbone!r} ({kind}): choose one such as "
            "bert-base-uncased, roberta-base or answerdotai/ModernBERT-base"
        )


def _explain(backbone: str, error: Exception) -> str:
    if Path(backbone).exists():
        told = " ".join(str(error).split())
        return f"encoder.backbone {backbone!r} is not a model's folder, or encoder.config does not fit it: {told}"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"encoder.backbone {backbone!r} could not be loaded ({reason}): check the name; without a network give a local "
        "folder, fill the cache beforehand (HF_HOME), or use encoder.backbone=bundled"
    )
