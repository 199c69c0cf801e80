"""The dense format: the matching model of plain transformers, pruned weights 0.

Where transformers has no counterpart of the package's head, `AutoModel` reads the encoder, and the head lies beside it.
"""

from collections.abc import Mapping

from torch import Tensor

FILE = "model.safetensors"
HEAD_FILE = "head.safetensors"

# Model type -> the class of transformers, and what its names of the encoder and of the head begin with.
COUNTERPARTS = {
    "bert": ("BertForSequenceClassification", "bert.", ""),
    "roberta": ("RobertaForSequenceClassification", "roberta.", "classifier."),
}


def split(state: Mapping[str, Tensor], model_type: str) -> dict[str, dict[str, Tensor]]:
    """A `Classifier`'s dense state dict under the names of transformers: tensors by file, by name."""
    encoder, head = _below("encoder.backbone.", state), _below("head.", state)
    if model_type not in COUNTERPARTS:
        return {HEAD_FILE: head, FILE: encoder}
    _, encoder_prefix, head_prefix = COUNTERPARTS[model_type]
    return {FILE: _under(encoder_prefix, encoder) | _under(head_prefix, head)}


def join(files: Mapping[str, Mapping[str, Tensor]], model_type: str) -> dict[str, Tensor]:
    """The state dict that `split` took."""
    encoder, head = files[FILE], files.get(HEAD_FILE, {})
    if model_type in COUNTERPARTS:
        _, encoder_prefix, head_prefix = COUNTERPARTS[model_type]
        head = {name: value for name, value in encoder.items() if not name.startswith(encoder_prefix)}
        encoder, head = _below(encoder_prefix, encoder), _below(head_prefix, head)
    return _under("encoder.backbone.", encoder) | _under("head.", head)


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in tensors.items()}
