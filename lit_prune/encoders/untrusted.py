"""Models of transformers as data: configurations that name no code (kernels, classes, quantizers), and safe weights."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

from lit_prune.errors import UserError

MOST_LAYERS = 1000
ATTENTION = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
NAME_CODE = ("attn_implementation", "_attn_implementation", "auto_map", "quantization_config")
# Without these packages, transformers would download flash attention kernels from the hub.
_INSTALLED = {"flash_attention_2": is_flash_attn_2_available, "flash_attention_3": is_flash_attn_3_available}


def check_overrides(config: Mapping[str, Any], where: str) -> None:
    """Check that overrides of a configuration name no code.

    Args:
        config: The overrides.
        where: The setting with the overrides, for error messages.

    Raises:
        UserError: A value may name code.
    """
    for name, value in config.items():
        if name in ("attn_implementation", "_attn_implementation"):
            _check_attention(value, f"{where}.{name}")
        elif name in NAME_CODE or str(name).startswith("_"):
            raise UserError(f"{where}.{name} must be left out, got {str(value)[:60]!r}: it may name code to run")


def check_loaded(settings: PretrainedConfig, backbone: str) -> None:
    """Check that the configuration of a backbone has a known attention, no quantizer and a plausible number of layers.

    Raises:
        UserError: A value is not allowed.
    """
    layers = getattr(settings, "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > MOST_LAYERS:
        raise UserError(
            f"num_hidden_layers of {backbone} must be at most {MOST_LAYERS}, got {layers}: choose an encoder"
        )
    if settings._attn_implementation is not None:
        _check_attention(settings._attn_implementation, f"attn_implementation in config.json of {backbone}")
    if getattr(settings, "quantization_config", None) is not None:
        raise UserError(
            f"quantization_config in config.json of {backbone} must be left out, got one: use the unquantized model"
        )


def load_weights(
    model_class: Any, source: str, settings: PretrainedConfig, revision: str, **options: Any
) -> tuple[PreTrainedModel, list[str]]:
    """Load a model as data: its weights from safetensors, and no code of its own.

    Args:
        model_class: A class of transformers that loads it.
        source: Folder of the model, or its name on the hub.
        settings: Its configuration.
        revision: Branch, tag or commit on the hub.
        options: Further arguments of the model.

    Returns:
        The model, and the names of its tensors that the files do not contain, sorted.
    """
    with _brief_reports():
        model, loaded = model_class.from_pretrained(
            source,
            config=settings,
            revision=revision,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    return model, sorted(loaded["missing_keys"])


@contextmanager
def _brief_reports() -> Iterator[None]:
    """Silence reports of transformers about tensors of a head, which the encoder lacks, and about missing tensors."""
    logger = logging.getLogger("transformers.modeling_utils")
    logger.addFilter(_is_about_failures)
    try:
        yield
    finally:
        logger.removeFilter(_is_about_failures)


def _is_about_failures(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    return "LOAD REPORT" not in text or "MISMATCH" in text or "CONVERSION" in text


def _check_attention(value: Any, where: str) -> None:
    if value not in ATTENTION:
        known = ", ".join(ATTENTION)
        raise UserError(f"{where} must be one of {known}, got {str(value)[:60]!r}: kernels are not downloaded")
    if value in _INSTALLED and not _INSTALLED[value]():
        raise UserError(f"{where} must be one that is installed, got {value!r}: install its package, or use sdpa")
