"""Checks that configurations of transformers name no code to run (kernels, classes, quantizers)."""

from collections.abc import Mapping
from typing import Any

from transformers import PretrainedConfig
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


def _check_attention(value: Any, where: str) -> None:
    if value not in ATTENTION:
        known = ", ".join(ATTENTION)
        raise UserError(f"{where} must be one of {known}, got {str(value)[:60]!r}: kernels are not downloaded")
    if value in _INSTALLED and not _INSTALLED[value]():
        raise UserError(f"{where} must be one that is installed, got {value!r}: install its package, or use sdpa")
