from itertools import pairwise

import torch
from torch import nn

from lit_prune.sparsity.by_layers import LayerEngine
from lit_prune.sparsity.criteria import GradualMagnitude, Magnitude
from lit_prune.sparsity.schedules import Cubic


def test_a_pruned_entry_stays_pruned_and_masks_change_with_the_sparsity_alone():
    def trained(criterion):
        """Masks after each of several updates, the weights moved at random between them."""
        torch.manual_seed(0)
        root = nn.Sequential(nn.Linear(30, 40), nn.Linear(40, 20))
        engine = LayerEngine({"all": ["0", "1"]}, criterion, Cubic(0.5, 0.9, end=0.5), scope="global")
        engine.attach(root)
        masks = []
        for progress in (0.0, 0.0, 0.25, 0.5, 0.5, 1.0):
            engine.update(progress)
            masks.append(torch.cat([keep.flatten() for keep in engine.masks().values()]).clone())
            with torch.no_grad():  # as an optimizer would: pruned entries have no gradient
                for layer in engine.layers.values():
                    layer.weight.add_(0.05 * torch.randn_like(layer.weight) * layer.mask.keep)
        return masks

    gradual, returning = trained(GradualMagnitude()), trained(Magnitude())
    assert torch.equal(gradual[0], returning[0])
    assert torch.equal(gradual[0], gradual[1])
    assert torch.equal(gradual[3], gradual[5])
    assert all(bool((later <= earlier).all()) for earlier, later in pairwise(gradual))
    assert [int(keep.sum()) for keep in gradual] == [int(keep.sum()) for keep in returning]
    assert not torch.equal(returning[0], returning[1])


def test_its_scores_are_magnitudes():
    weight = torch.randn(4, 5)
    assert torch.equal(GradualMagnitude()(weight, 0.5), weight.abs())
    keep = weight > 0
    assert torch.equal(GradualMagnitude().correct("", weight, keep), weight.relu())
