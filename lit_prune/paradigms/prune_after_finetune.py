"""`PruneAfterFinetune`: fine-tune densely, freeze, then train a mask (Liu et al. 2022, section 4.2, Fig. 2 and 3)."""

from typing import Any

from lit_prune.paradigms.mask_training import MaskTraining
from lit_prune.paradigms.phase import Phase


class PruneAfterFinetune(MaskTraining):
    """A dense phase, then a mask phase that trains nothing but the scores of masks over the frozen dense model.

    Args:
        dense: Length and rates of the dense phase.
        **mask_training: As of `MaskTraining`; with `start_from` the dense phase is left out.
    """

    def __init__(self, dense: Phase, **mask_training: Any) -> None:
        super().__init__(dense=dense, **mask_training)
