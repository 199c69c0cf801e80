"""`PrunableEncoder`: a Hugging Face text encoder, which the functions of `sparsity` prune."""

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

# Backbones whose checkpoints have no pooler: their heads have one instead.
_WITHOUT_POOLER = {"roberta", "xlm-roberta", "camembert"}

# BERT's names of dropout rates, which yamls use for all families -> the family's names.
_OPTION_NAMES = {
    "distilbert": {"hidden_dropout_prob": "dropout", "attention_probs_dropout_prob": "attention_dropout"},
    "modernbert": {"hidden_dropout_prob": "mlp_dropout", "attention_probs_dropout_prob": "attention_dropout"},
}

# Errors that transformers raises for folders that are missing, damaged or contain something else.
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

    The tokenizer pads on the right; its `model_max_length` is the number of positions of the encoder.

    Args:
        backbone: Name of a model on the Hugging Face hub, a local folder, or `bundled`: the encoder of the extra
            `demo` (all-MiniLM-L6-v2), which needs no network.
        pretrained: Load the pretrained weights; False initialises them at random (a control).
        freeze_embeddings: Freeze the embedding tables, which saves a third of the optimizer's work.
        config: Values that override the backbone's configuration, such as `attention_probs_dropout_prob: 0.0`. BERT's
            names of dropout rates work for all families of `sparsity.targets`.
        revision: Branch, tag or commit on the hub.
        compile: Compile the Transformer layers by `torch.compile` (one graph for all layers, compiled again when masks
            are installed); pays off on a GPU.

    Raises:
        UserError: The backbone cannot be loaded, is not an encoder, or does not fit its tokenizer.
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
            names = _OPTION_NAMES.get(settings.model_type, {})
            overrides = {names.get(name, name): value for name, value in (config or {}).items()}
            unknown = sorted(key for key in overrides if not hasattr(settings, key))
            if unknown:
                raise UserError(
                    f"unknown keys {unknown} of encoder.config: choose from the configuration of {backbone} "
                    f"({settings.model_type})"
                )
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
                if absent and os.environ.get("LOCAL_RANK", "0") == "0":  # once per machine
                    warnings.warn(
                        f"{backbone} does not contain {', '.join(absent)}: initialised at random", stacklevel=2
                    )
            else:
                self.backbone = AutoModel.from_config(settings, trust_remote_code=False, **options)
        except UserError:
            raise
        except _UNREADABLE as error:
            raise UserError(_explain(backbone, error)) from error
        self._check_tokenizer()
        self.tokenizer.padding_side = "right"  # heads and windows count tokens from the left
        self.tokenizer.model_max_length = VERY_LARGE_INTEGER if self.num_positions is None else self.num_positions
        self.backbone.float().train()  # from_pretrained returns it in evaluation mode
        if freeze_embeddings:
            for module in self.backbone.modules():
                if isinstance(module, nn.Embedding):
                    module.requires_grad_(False)
        if compile:
            self._compile_layers()

    def _check_tokenizer(self) -> None:
        tokenizer = self.tokenizer
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise UserError(
                f"encoder.backbone must have a vocabulary, got none in {self.name!r}: save the tokenizer too"
            )
        if not tokenizer.is_fast:
            raise UserError(
                f"encoder.backbone must have a fast tokenizer, got one in Python in {self.name!r}: save a "
                "tokenizer.json into a folder"
            )
        if tokenizer.pad_token is None:
            raise UserError(
                f"encoder.backbone must have a pad token, got none in {self.name!r}: set `tokenizer.pad_token` to one "
                "of its special tokens, and save it into the model's folder"
            )
        num_tokens, num_embeddings = max(tokenizer.get_vocab().values()) + 1, len(self.word_embeddings)
        if num_tokens > num_embeddings:
            raise UserError(
                f"encoder.backbone {self.name!r} must have an embedding for each of the {num_tokens} tokens of its "
                f"tokenizer, got {num_embeddings}: call `model.resize_token_embeddings({num_tokens})` and save it, or "
                "save the matching tokenizer"
            )

    def _compile_layers(self) -> None:
        layers = [module for module in self.backbone.modules() if isinstance(module, GradientCheckpointingLayer)]
        if not layers:
            raise UserError(
                f"encoder.compile must be false for {self.model_type}, got true: its layers are not modules"
            )
        for layer in layers:
            layer.compile()

    @property
    def model_type(self) -> str:
        """Family of the backbone in transformers, such as `bert`."""
        return str(self.backbone.config.model_type)

    @property
    def hidden_size(self) -> int:
        """Width of the hidden states."""
        return int(self.backbone.config.hidden_size)

    @property
    def num_positions(self) -> int | None:
        """Number of positions, None if positions are relative."""
        for name, module in self.backbone.named_modules():
            if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
                # RoBERTa's positions start after the padding index.
                return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
        config = self.backbone.config
        is_relative = getattr(config, "relative_attention", False)
        return None if is_relative else getattr(config, "max_position_embeddings", None)

    @property
    def has_pooler(self) -> bool:
        """True if the backbone has a pooler."""
        return getattr(self.backbone, "pooler", None) is not None

    @property
    def hidden_dropout(self) -> float:
        """Dropout rate of the backbone's hidden states, which heads use too."""
        name = "hidden_dropout_prob"
        return float(getattr(self.backbone.config, _OPTION_NAMES.get(self.model_type, {}).get(name, name), 0.1))

    @property
    def word_embeddings(self) -> Tensor:
        """Pretrained word embeddings (vocabulary, width), the default word vectors of bias models."""
        table: Tensor = self.backbone.get_input_embeddings().weight
        return table.detach()

    def forward(self, inputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Encode a padded batch.

        Args:
            inputs: Outputs of the tokenizer: `input_ids`, `attention_mask`, ... (batch, length).

        Returns:
            The hidden states (batch, length, width), and the output of the pooler (batch, width), or the first token's
            hidden state without a pooler.
        """
        output = self.backbone(**inputs)
        hidden: Tensor = output.last_hidden_state
        return hidden, output.pooler_output if self.has_pooler else hidden[:, 0]


def _check_is_encoder(backbone: str, settings: PretrainedConfig) -> None:
    """Check that attention is bidirectional, as the first token is pooled."""
    is_decoder = settings.is_encoder_decoder or any(getattr(settings, each, False) for each in ("is_decoder", "causal"))
    # Families with a masked language model in transformers are encoders, or contain one.
    if is_decoder or settings.model_type not in MODEL_FOR_MASKED_LM_MAPPING_NAMES:
        kind = f"{settings.model_type}, a decoder" if is_decoder else settings.model_type
        raise UserError(
            f"encoder.backbone must be a bidirectional text encoder, got {backbone!r} ({kind}): choose one such as "
            "bert-base-uncased, roberta-base or answerdotai/ModernBERT-base"
        )


def _explain(backbone: str, error: Exception) -> str:
    if Path(backbone).exists():
        reason = " ".join(str(error).split())
        return f"encoder.backbone must be the folder of a model that encoder.config fits, got {backbone!r}: {reason}"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"encoder.backbone must be a model that can be loaded, got {backbone!r} ({reason}): check the name; without a "
        "network give a local folder, fill the cache beforehand (HF_HOME), or use encoder.backbone=bundled"
    )
