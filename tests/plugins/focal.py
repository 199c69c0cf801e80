"""A loss of one's own."""

import torch.nn.functional as F

from lit_prune.losses import Loss


class Focal(Loss):
    """Cross-entropy that counts less where the model is sure (Lin et al. 2017), the more the further the phase is."""

    def __init__(self, gamma: float = 2.0):
        super().__init__()
        self.gamma = gamma

    def compute(self, logits, batch):
        losses = F.cross_entropy(logits, batch.labels, reduction="none")
        return ((1 - (-losses).exp()) ** (self.gamma * batch.progress) * losses).mean()
