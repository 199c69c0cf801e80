"""`PrunableEncoder`: a Hugging Face text encoder, which the functions of `sparsity` prune."""

import os
import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerBase,
)
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES,
)
from transformers.tokenization_utils_base import VERY_LARGE_INTEGER

from lit_prune.encoders import bundled
from lit_prune.encoders.families import DROPOUTS, family_of, pooling_of, transform_of
from lit_prune.encoders.saved_head import SavedHead, read_head, unread_head
from lit_prune.encoders.sentence_modules import SentenceModules, read_sentence_modules
from lit_prune.encoders.untrusted import check_loaded, check_overrides, load_weights
from lit_prune.errors import UserError
from lit_prune.heads import Pooling, Transform, pool

# Families of an encoder and a decoder whose encoder transformers loads alone.
_SEQ2SEQ = tuple(
    name for name, model in MODEL_FOR_TEXT_ENCODING_MAPPING_NAMES.items() if model.endswith("EncoderModel")
)

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

        encoder = PrunableEncoder("bert-base-uncased", freeze_embeddings=True)

    Args:
        backbone: Name of a model on the Hugging Face hub, a local folder, or `bundled`: the encoder of the extra
            `demo` (all-MiniLM-L6-v2), which needs no network.
        pretrained: Load the pretrained weights; False initialises them at random (a control).
        freeze_embeddings: Freeze the embedding tables, which saves a third of the optimizer's work.
        config: Values that override the backbone's configuration, such as `attention_probs_dropout_prob: 0.0`. BERT's
            names of dropout rates work for all families; a rate that the backbone does not have is the heads' alone.
        revision: Branch, tag or commit on the hub.
        compile: Compile the Transformer layers by `torch.compile` (one graph for all layers, compiled again when masks
            are installed); pays off on a GPU.
        pooling: Which hidden states heads classify by if the backbone has no pooler: those of the first token, their
            mean, or those of the last token, which GPT-type models need. If None, as transformers pools the family,
            mostly the first.

    Attributes:
        is_pretrained: True if its weights are not random.
        saved_head: The head of a fine-tuned backbone, with which the head of a task of the same kind and labels begins;
            None if it has none.

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
        pooling: Pooling | None = None,
    ) -> None:
        super().__init__()
        self.arguments = {
            "backbone": backbone,
            "pretrained": pretrained,
            "freeze_embeddings": freeze_embeddings,
            "config": config,
            "revision": revision,
            "compile": compile,
            "pooling": pooling,
        }
        self.name, self.is_pretrained = backbone, pretrained
        check_overrides(config or {}, "encoder.config")
        source = str(bundled.bundled_path()) if backbone == bundled.NAME else backbone
        try:
            settings = AutoConfig.from_pretrained(source, revision=revision, trust_remote_code=False)
            family = family_of(settings.model_type)
            names = family.options
            overrides = {names.get(name, name): value for name, value in (config or {}).items()}
            unknown = sorted(key for key in overrides if not hasattr(settings, key) and key not in DROPOUTS)
            if unknown:
                raise UserError(
                    f"unknown keys {unknown} of encoder.config: choose from the configuration of {backbone} "
                    f"({settings.model_type})"
                )
            settings.update(overrides)
            check_loaded(settings, backbone)
            saved_pooling = getattr(settings, "classifier_pooling", None)
            pooled_by = pooling_of(settings, pooling)
            is_pooled_as_saved = getattr(settings, "classifier_pooling", None) == saved_pooling
            _check_is_encoder(backbone, settings, pooled_by)
            self.tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
                source, revision=revision, trust_remote_code=False
            )
            options = {} if family.has_own_pooler else {"add_pooling_layer": False}
            is_seq2seq = settings.model_type in _SEQ2SEQ  # their base model has a decoder too
            model_class = AutoModelForTextEncoding if is_seq2seq else AutoModel
            self.saved_head: SavedHead | None = None
            if pretrained:
                self.saved_head = read_head(source, settings, revision, is_pooled_as_saved)
                self.backbone, absent = load_weights(model_class, source, settings, revision, **options)
                if self.saved_head is not None:
                    absent = [name for name in absent if self.saved_head.reads(name)]
                elif named := unread_head(settings):
                    absent.append(f"a head that can be kept ({named})")
                if absent and os.environ.get("LOCAL_RANK", "0") == "0":  # once per machine
                    warnings.warn(
                        f"{backbone} does not contain {', '.join(absent)}: initialised at random", stacklevel=2
                    )
            else:
                self.backbone = model_class.from_config(settings, trust_remote_code=False, **options)
        except UserError:
            raise
        except _UNREADABLE as error:
            raise UserError(_explain(backbone, error)) from error
        self._check_tokenizer()
        if self.has_pooler and pooling is not None:
            raise UserError(
                f"encoder.pooling must be left out for {self.model_type}, got {pooling}: it has a pooler of its own"
            )
        self.pooling: Pooling | None = None if self.has_pooler else pooled_by
        self.head_transform: Transform | None = None if self.has_pooler else transform_of(settings)
        tokens = family_of(self.model_type).tokens
        self.token_transform: Transform | None = transform_of(settings) if "pre_classifier" in tokens else None
        self.tokenizer.padding_side = "right"  # heads and windows count tokens from the left
        self.tokenizer.model_max_length = VERY_LARGE_INTEGER if self.num_positions is None else self.num_positions
        self.backbone.float().train()  # from_pretrained returns it in evaluation mode
        if freeze_embeddings:
            for name, module in self.backbone.named_modules():
                if isinstance(module, nn.Embedding) and not name.endswith("relative_attention_bias"):
                    module.requires_grad_(False)
        if compile:
            self.compile_layers()

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

    def compile_layers(self) -> None:
        """Compile the Transformer layers; a copy of a compiled encoder is not compiled.

        Raises:
            UserError: the layers are not modules.
        """
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
        hidden, _ = DROPOUTS
        return float(getattr(self.backbone.config, family_of(self.model_type).options.get(hidden, hidden), 0.1))

    @property
    def word_embeddings(self) -> Tensor:
        """Pretrained word embeddings (vocabulary, width), the default word vectors of bias models."""
        table: Tensor = self.backbone.get_input_embeddings().weight
        return table.detach()

    @cached_property
    def sentence_modules(self) -> SentenceModules | None:
        """The settings of a model of sentence-transformers beside its encoder; None if the backbone is none."""
        return read_sentence_modules(self.name, str(self.arguments["revision"]))

    def check_embedding(self, where: str, pooling: Pooling, normalise: bool) -> None:
        """Raise a UserError if the pretrained backbone embeds in another way; see `SentenceModules.check`."""
        if self.is_pretrained and self.sentence_modules is not None:
            self.sentence_modules.check(where, pooling, normalise)

    def forward(self, inputs: Mapping[str, Tensor], layers: list[Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Encode a padded batch.

        Args:
            inputs: Outputs of the tokenizer: `input_ids`, `attention_mask`, ... (batch, length).
            layers: A list to add the hidden states after each layer to. If None, only the last ones are kept.

        Returns:
            The hidden states (batch, length, width), and the output of the pooler (batch, width), or without a pooler
            the hidden states as `pooling` pools them.
        """
        output = self.backbone(**inputs, **({} if layers is None else {"output_hidden_states": True}))
        if layers is not None:
            layers += output.hidden_states[1:]  # without the embeddings
        hidden: Tensor = output.last_hidden_state
        pooling = self.pooling
        return hidden, output.pooler_output if pooling is None else pool(hidden, inputs["attention_mask"], pooling)


def _check_is_encoder(backbone: str, settings: PretrainedConfig, pooling: Pooling) -> None:
    """Check that attention is bidirectional, unless the last token is pooled, which attends to all others."""
    if settings.model_type in _SEQ2SEQ:
        return
    is_decoder = settings.is_encoder_decoder or any(getattr(settings, each, False) for each in ("is_decoder", "causal"))
    # Families with a masked language model in transformers are encoders, or contain one.
    is_encoder = not is_decoder and settings.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    if not is_encoder and (settings.is_encoder_decoder or pooling != "last"):
        kind = f"{settings.model_type}, a decoder" if is_decoder else settings.model_type
        raise UserError(
            f"encoder.backbone must be a bidirectional text encoder, got {backbone!r} ({kind}): choose one such as "
            "bert-base-uncased, roberta-base or answerdotai/ModernBERT-base, or set encoder.pooling to last for a "
            "GPT-type model"
        )


def _explain(backbone: str, error: Exception) -> str:
    if Path(backbone).exists():
        reason = " ".join(str(error).split())
        return f"encoder.backbone must be the folder of a model that encoder.config fits, got {backbone!r}: {reason}"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return (
        f"encoder.backbone must be a model that can be loaded, got {backbone!r} (no such folder; hub: {reason}): "
        "check the name; without a network give a local folder, fill the cache beforehand (HF_HOME), or fit the "
        "encoder of the package by --encoder.backbone bundled"
    )
