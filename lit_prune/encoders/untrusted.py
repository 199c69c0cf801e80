"""Checks of transformers' configurations: they must name no code (kernels, classes, quantizers)."""

from collections.abc import Mapping
from typing import Any

from transformers import PretrainedConfig
from transformers.utils import is_flash_attn_2_available, is_flash_attn_3_available

from lit_prune.errors import UserError

MOST_LAYERS = 1000
ATTENTION = ("eager", "sdpa", "flash_attention_2", "flash_attention_3", "flex_attention")
NAME_CODE = ("attn_implementation", "_attn_implementation", "auto_map", "quantization_config")
# Without the package transformers takes flash attention from the hub, if it can.
_INSTALLED = {"flash_attention_2": is_flash_attn_2_available, "flash_attention_3": is_flash_attn_3_available}


def check_overrides(config: Mapping[str, Any], where: str) -> None:
    """Check that settings to be laid over a configuration name no code.

    Args:
        config: The settings.
        where: The setting that they are, for errors.

    Raises:
        UserError: they do.
    """
    for name, value in config.items():
        if name in ("attn_implementation", "_attn_implementation"):
            _check_attention(value, f"{where}.{name}")
        elif name in NAME_CODE or str(name).startswith("_"):
            raise UserError(f"{where}.{name} must be left out, got {str(value)[:60]!r}: it may name code to run")


def check_loaded(settings: PretrainedConfig, backbone: str) -> None:
    """Check that the configuration of a backbone names no attention or quantizer but transformers' own.

    Raises:
        UserError: it does, or has more layers than any encoder.
    """
    layers = getattr(settings, "num_hidden_layers", 0)
    if isinstance(layers, int) and layers > MOST_LAYERS:
        raise UserError(f"num_hidden_layers of {backbone} must be at most {MOST_LAYERS}, got {layers}: take an encoder")
    if settings._attn_implementation is not None:
        _check_attention(settings._attn_implementation, f"attn_implementation in config.json of {backbone}")
    if getattr(settings, "quantization_config", None) is not None:
        raise UserError(
            f"quantization_config in config.json of {backbone} must be left out: take the model that was quantized"
        )


def _check_attention(value: Any, where: str) -> None:
    if value not in ATTENTION:
        known = ", ".join(ATTENTION)
        raise UserError(f"{where} must be one of {known}, got {str(value)[:60]!r}: no kernel is fetched from elsewhere")
    if value in _INSTALLED and not _INSTALLED[value]():
        raise UserError(f"{where} must be one that is installed, got {value!r}: install its package, or use sdpa")
