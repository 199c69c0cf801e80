"""A criterion of one's own: |weight| times the norm of its input, a running mean over the steps."""

from functools import partial

import torch

from lit_prune.sparsity.criteria import Criterion
from lit_prune.sparsity.masks import module_of


class Activation(Criterion):
    """Wanda's score (Sun et al. 2024)."""

    observes = True

    def __init__(self, decay: float = 0.9):
        self.decay = decay
        self.norms = {}

    def attach(self, layers):
        self.norms = {name: torch.ones(module_of(layer).in_features) for name, layer in layers.items()}
        for name, layer in layers.items():
            module_of(layer).register_forward_pre_hook(partial(self._collect, name))

    def _collect(self, name, layer, inputs):
        if layer.training:
            rows = inputs[0].detach().float().reshape(-1, layer.in_features)
            norm = rows.square().mean(0).sqrt()
            self.norms[name] = self.decay * self.norms[name] + (1 - self.decay) * norm

    def state_dict(self):
        return dict(self.norms)

    def load_state_dict(self, state):
        self.norms |= state

    def __call__(self, weight, sparsity):
        return weight.detach().abs().float()

    def score(self, name, weight, sparsity):
        return self(weight, sparsity) * self.norms[name]
