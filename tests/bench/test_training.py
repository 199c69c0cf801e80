"""Training steps: what they train, and which settings there are."""

import pytest
import torch

from lit_prune.bench.training import PRUNED, VARIANTS, Setting, training_step
from lit_prune.errors import UserError
from lit_prune.sparsity.layers import LowRankLinear

TOY = {"layers": 1, "hidden": 64, "batch": 2, "length": 8, "precision": "fp32", "device": "cpu"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_step_trains_what_its_name_says(variant, monkeypatch):
    trained = []
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda parameters, norm: trained.extend(parameters))
    training_step(Setting(**TOY), variant)()
    num_blocks = LowRankLinear.BLOCKS if variant.startswith("rank_magnitude") else 1
    without = sum(value.grad is None for value in trained)
    # Of six matrices' factors the blocks of ranks that are not kept.
    assert without == {"rank_magnitude_half": 6 * 2 * 4, "rank_magnitude_tenth": 6 * 2 * 7}.get(variant, 0)
    num_matrices = sum(value.ndim == 2 for value in trained)
    # Three embeddings; six matrices of the layer, the pooler and the classifier, which have scores of the same shapes.
    expected = {"dense": 3 + 8, "fixed": 3 + 8, "learned": 3 + 8 + 8, "mask_phase": 8}
    # Pruning are the six, the embeddings being frozen: they have scores, or two factors, whose scores are vectors, in
    # the place of each.
    by_rank = 8 - 6 + 6 * 2 * num_blocks
    expected["tuned"] = 2 + 7 + 1  # two types of tokens have no half percent; the classifier is trained whole
    expected |= {"lora": 2 * 6 + 1, "shira": 1}  # SHiRA's entries are vectors
    expected |= {name: by_rank if name.startswith("rank") else 8 + 6 * name.startswith("movement") for name in PRUNED}
    assert num_matrices == expected[variant]


def test_the_optimizers_state_is_two_moments_of_what_is_trained():
    dense, tuned = (training_step(Setting(**TOY), variant) for variant in ("dense", "tuned"))
    for step in (dense, tuned):
        assert step.optimizer_bytes == 0
        step()
        trained = [value for group in step.optimizer.param_groups for value in group["params"]]
        assert step.optimizer_bytes == sum(2 * 4 * value.numel() + 4 for value in trained)  # and the number of steps
    assert tuned.optimizer_bytes < 0.02 * dense.optimizer_bytes


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layers": 0}, "layers must be positive, got 0"),
        ({"hidden": 0}, "hidden must be positive, got 0"),
        ({"hidden": 100}, "hidden must be a multiple of 64, got 100"),
        ({"batch": -1}, "batch must be positive, got -1"),
        ({"length": 0}, "length must be positive, got 0"),
        ({"precision": "fp8"}, "unknown precision 'fp8': choose from fp32, bf16"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        Setting(**TOY | wrong)
