import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from loss_cases import batch, merged_case, random_case

from lit_prune.errors import UserError
from lit_prune.losses import (
    Annealed,
    ConfidenceRegularisation,
    CrossEntropy,
    LearnedMixin,
    ProductOfExperts,
    Reweighting,
)

NO_GROUPS = torch.zeros(0, dtype=torch.int64)


def test_product_of_experts_by_hand():
    # p_m = (.5, .25, .25), p_b = (.8, .1, .1); product of the gold class .025 of .4 + .025 + .025.
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log() + 7
    loss = ProductOfExperts()(logits, batch([2], torch.tensor([[0.8, 0.1, 0.1]]).log()))
    assert loss.item() == pytest.approx(-math.log(0.025 / 0.45), rel=1e-6)


def test_product_of_experts_of_two_classes_shifts_the_logit():
    logits, with_bias = random_case(num_classes=2)
    bias = with_bias.bias
    margin = (logits[:, 1] - logits[:, 0]) + (bias[:, 1] - bias[:, 0])
    expected = F.binary_cross_entropy_with_logits(margin, with_bias.labels.float())
    torch.testing.assert_close(ProductOfExperts()(logits, with_bias), expected)


def test_product_of_experts_gradient_is_the_product_less_the_label():
    logits, with_bias = random_case()
    logits.requires_grad_()
    ProductOfExperts()(logits, with_bias).backward()
    product = (logits.detach() + with_bias.bias).softmax(-1)
    torch.testing.assert_close(logits.grad, (product - F.one_hot(with_bias.labels, 3)) / len(logits))


def test_a_uniform_bias_changes_nothing_and_another_does():
    logits, with_bias = random_case()
    plain = CrossEntropy()(logits, with_bias)
    uniform = batch(with_bias.labels.tolist(), torch.full((8, 3), -math.log(3.0)))
    torch.testing.assert_close(ProductOfExperts()(logits, uniform), plain)
    assert (ProductOfExperts()(logits, with_bias) - plain).abs() > 0.1


def test_a_certain_and_wrong_bias_gives_a_finite_loss_and_gradient():
    logits = torch.zeros(1, 2, requires_grad=True)
    loss = ProductOfExperts()(logits, batch([0], torch.tensor([[-math.inf, 0.0]])))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(1e8), rel=1e-5)
    torch.testing.assert_close(logits.grad, torch.tensor([[-1.0, 1.0]]))


def test_reweighting_by_hand():
    # Cross-entropies log 2 and log 4; the bias model gives the labels .75 and .5: weights .25 and .5.
    logits = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])
    bias = torch.tensor([[0.75, 0.25], [0.5, 0.5]]).log()
    expected = (0.25 * math.log(2) + 0.5 * math.log(4)) / 0.75
    assert Reweighting()(logits, batch([0, 0], bias)).item() == pytest.approx(expected)


def test_reweighting_of_two_classes_is_a_weighted_logistic_loss():
    logits, with_bias = random_case(num_classes=2)
    wrong = with_bias.bias.exp()[torch.arange(8), 1 - with_bias.labels]  # what the bias model gives the other class
    margin = logits[:, 1] - logits[:, 0]
    expected = F.binary_cross_entropy_with_logits(margin, with_bias.labels.float(), wrong / wrong.mean())
    torch.testing.assert_close(Reweighting()(logits, with_bias), expected)


def test_reweighting_gradient_against_finite_differences():
    logits, with_bias = random_case()
    logits.requires_grad_()
    Reweighting()(logits, with_bias).backward()
    for row, column in [(0, 0), (3, 1), (7, 2)]:
        step = torch.zeros_like(logits)
        step[row, column] = 1e-2
        with torch.no_grad():
            higher, lower = (Reweighting()(logits + sign * step, with_bias) for sign in (1, -1))
        assert float(logits.grad[row, column]) == pytest.approx(float(higher - lower) / 2e-2, abs=1e-4)


def test_reweighting_under_a_uniform_bias_is_cross_entropy_and_under_a_sure_one_stays_finite():
    logits, with_bias = random_case()
    uniform = batch(with_bias.labels.tolist(), torch.full((8, 3), -math.log(3.0)))
    torch.testing.assert_close(Reweighting()(logits, uniform), CrossEntropy()(logits, uniform))
    sure = F.one_hot(with_bias.labels, 3).float().log()
    assert Reweighting()(logits, batch(with_bias.labels.tolist(), sure)).item() == 0


def test_processes_that_share_a_step_reweight_as_one(monkeypatch):
    """The mean over processes of a loss times its share of the step, as in training, is the loss of the whole step."""
    logits, whole = random_case(num_rows=8)
    parts = [(logits[:5], 5), (logits[5:], 3)]
    shards, start = [], 0
    for shard, size in parts:
        rows = slice(start, start + size)
        shards.append((shard, batch(whole.labels[rows].tolist(), whole.bias[rows], size * len(parts) / 8)))
        start += size
    own = []
    monkeypatch.setattr("lit_prune.losses.debiasing.mean_over_processes", lambda value: own.append(value) or value)
    for shard in shards:
        Reweighting()(*shard)
    monkeypatch.setattr("lit_prune.losses.debiasing.mean_over_processes", lambda value: sum(own) / len(parts))
    together = sum(Reweighting()(*shard) * shard[1].weight for shard in shards) / len(parts)
    monkeypatch.undo()
    torch.testing.assert_close(together, Reweighting()(logits, whole))


@pytest.mark.parametrize("loss", [CrossEntropy(), ProductOfExperts(), Reweighting(), ConfidenceRegularisation()])
def test_half_precision_logits_are_computed_in_float32(loss):
    logits, with_bias = random_case()
    with_bias.teacher = with_bias.bias.flip(0)
    half = logits.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(half, with_bias)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(half.float(), with_bias))


# ---- labels of merged classes --------------------------------------------------------------------------------------


def test_product_of_experts_of_merged_classes():
    logits, merged = merged_case()
    shares = (logits + merged.bias).softmax(-1)
    likely = torch.stack([*shares.T, shares[:, 0] + shares[:, 2]], dim=-1)
    expected = -likely.gather(-1, merged.labels[:, None]).log().mean()
    torch.testing.assert_close(ProductOfExperts()(logits, merged), expected)


# ---- confidence regularisation ---------------------------------------------------------------------------------------


def taught_case(num_classes=3, num_rows=8):
    logits, with_bias = random_case(num_classes, num_rows)
    with_bias.teacher = torch.randn(num_rows, num_classes).log_softmax(-1)
    return logits, with_bias


def test_confidence_regularisation_by_hand():
    # The bias model gives the label .5: the teacher's (.64, .32, .04) to the power of .5 is .8, .4 sqrt 2, .2.
    taught = batch([0], torch.tensor([[0.5, 0.25, 0.25]]).log())
    taught.teacher = torch.tensor([[0.64, 0.32, 0.04]]).log()
    target = torch.tensor([0.8, 0.4 * math.sqrt(2), 0.2])
    target = target / target.sum()
    logits = torch.tensor([[0.5, 0.25, 0.25]]).log() + 7
    expected = -(target * torch.tensor([0.5, 0.25, 0.25]).log()).sum()
    torch.testing.assert_close(ConfidenceRegularisation()(logits, taught), expected)


def test_confidence_regularisation_of_two_classes_scales_the_teachers_logit():
    logits, taught = taught_case(num_classes=2)
    right = taught.bias.exp()[torch.arange(8), taught.labels]
    target = torch.sigmoid((1 - right) * (taught.teacher[:, 1] - taught.teacher[:, 0]))
    expected = F.binary_cross_entropy_with_logits(logits[:, 1] - logits[:, 0], target)
    torch.testing.assert_close(ConfidenceRegularisation()(logits, taught), expected)


def test_confidence_regularisation_gradient_against_finite_differences_in_double():
    logits, taught = taught_case()
    loss = ConfidenceRegularisation()
    assert torch.autograd.gradcheck(lambda given: loss.compute(given, taught), logits.double().requires_grad_())


def test_a_bias_model_without_a_clue_gives_distillation_and_a_sure_one_the_uniform_target():
    logits, taught = taught_case()
    taught.bias = F.one_hot(1 - taught.labels.clamp(max=1), 3).float().log()  # sure of another class: p(label) is 0
    distilled = F.kl_div(logits.log_softmax(-1), taught.teacher, reduction="batchmean", log_target=True)
    entropy = -(taught.teacher.exp() * taught.teacher).sum(-1).mean()
    torch.testing.assert_close(ConfidenceRegularisation()(logits, taught), distilled + entropy)
    taught.bias = F.one_hot(taught.labels, 3).float().log()
    taught.teacher = F.one_hot(taught.labels, 3).float().log()  # however sure the teacher is
    torch.testing.assert_close(ConfidenceRegularisation()(logits, taught), -logits.log_softmax(-1).mean())


def test_a_missing_teacher_is_a_user_error():
    logits, with_bias = random_case()
    with_bias.teacher = None
    with pytest.raises(UserError, match="the batch of ConfidenceRegularisation must have teacher"):
        ConfidenceRegularisation()(logits, with_bias)


# ---- annealing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("progress", "theta"), [(0.0, 1.5), (0.25, 1.125), (1.0, 0.0)])
@pytest.mark.parametrize("loss", [ProductOfExperts(), Reweighting(), ConfidenceRegularisation()])
def test_the_bias_is_annealed_linearly_over_the_phase(loss, progress, theta):
    logits, taught = taught_case()
    taught.progress = progress
    before = taught.bias.clone()
    powered = taught.bias.exp() ** theta
    by_hand = SimpleNamespace(**vars(taught) | {"bias": (powered / powered.sum(-1, keepdim=True)).log()})
    torch.testing.assert_close(Annealed(loss, first=1.5, last=0.0)(logits, taught), loss(logits, by_hand))
    assert torch.equal(taught.bias, before)


def test_a_class_that_the_bias_model_rules_out_stays_finite_when_annealed():
    taught = batch([0], torch.tensor([[-math.inf, 0.0]]))
    taught.progress = 1.0
    logits = torch.zeros(1, 2)
    assert Annealed(ProductOfExperts(), last=0.0)(logits, taught).item() == pytest.approx(math.log(2))
    assert Annealed(ProductOfExperts(), last=0.5)(logits, taught).item() == pytest.approx(math.log(1e8), rel=1e-5)


def test_annealing_needs_what_its_loss_needs_and_a_loss_that_reads_the_bias():
    assert Annealed(ConfidenceRegularisation()).needs == ("bias", "teacher")
    with pytest.raises(UserError, match="must use a bias model, got CrossEntropy"):
        Annealed(CrossEntropy())
    for wrong in (-0.1, math.nan, math.inf):
        with pytest.raises(UserError, match="must be finite and at least 0"):
            Annealed(ProductOfExperts(), last=wrong)


# ---- learned mixin -----------------------------------------------------------------------------------------------


def gated(num_classes=3, width=5, penalty=0.0):
    """A random case with hidden states, and a loss whose gate is not where it begins."""
    logits, case = random_case(num_classes)
    case.pooled = torch.randn(8, width)
    loss = LearnedMixin(penalty)
    loss.reset(width, NO_GROUPS)
    torch.nn.init.normal_(loss.gate.weight)
    return logits, case, loss


def test_learned_mixin_by_hand():
    # w . h + b = ln 3 gives g = ln 4; bias (.75, .25) to that power, (p, q); logits (1/2, 1/2); entropy of p / (p + q).
    loss = LearnedMixin(0.5)
    loss.reset(2, NO_GROUPS)
    torch.nn.init.zeros_(loss.gate.bias)
    with torch.no_grad():
        loss.gate.weight.copy_(torch.tensor([[1.0, 0.0]]))
    case = batch([1], torch.tensor([[0.75, 0.25]]).log())
    case.pooled = torch.tensor([[math.log(3.0), 9.0]])
    p, q = (share ** math.log(4.0) for share in (0.75, 0.25))
    shares = [p / (p + q), q / (p + q)]
    entropy = -sum(share * math.log(share) for share in shares)
    assert loss(torch.zeros(1, 2), case).item() == pytest.approx(-math.log(shares[1]) + 0.5 * entropy, rel=1e-5)


def test_learned_mixin_of_two_classes_shifts_the_logit_by_the_trusted_bias():
    logits, case, loss = gated(num_classes=2)
    trust = torch.log1p(torch.exp(case.pooled @ loss.gate.weight[0] + loss.gate.bias))
    margin = (logits[:, 1] - logits[:, 0]) + trust * (case.bias[:, 1] - case.bias[:, 0])
    expected = F.binary_cross_entropy_with_logits(margin, case.labels.float())
    torch.testing.assert_close(loss(logits, case), expected)


def test_learned_mixin_begins_as_product_of_experts_and_again_after_a_reset():
    logits, case, loss = gated()
    product = ProductOfExperts()(logits, case)
    assert (loss(logits, case) - product).abs() > 1e-3
    loss.reset(5, NO_GROUPS)
    torch.testing.assert_close(loss(logits, case), product)
    assert LearnedMixin.takes_merged


@pytest.mark.parametrize("penalty", [0.0, 0.7])
def test_the_gradients_of_learned_mixin_against_finite_differences(penalty):
    logits, case, loss = gated(penalty=penalty)
    logits, case.bias, case.pooled = logits.double(), case.bias.double(), case.pooled.double()
    inputs = [logits, case.pooled, loss.gate.weight, loss.gate.bias]
    for value in inputs:
        value.requires_grad_()
    loss(logits, case).backward()
    for value in inputs:
        number = value.numel() // 2
        step = torch.zeros(value.numel(), dtype=value.dtype)
        step[number] = 1e-2
        with torch.no_grad():
            ends = []
            for sign in (1, -1):
                value += sign * step.view_as(value)
                ends.append(float(loss(logits, case)))
                value -= sign * step.view_as(value)
        assert float(value.grad.flatten()[number]) == pytest.approx((ends[0] - ends[1]) / 2e-2, abs=1e-3)
        assert float(value.grad.abs().max()) > 1e-3


def test_the_entropy_penalty_speaks_for_trust():
    logits, case, loss = gated(penalty=1e3)
    loss(logits, case).backward()
    assert float(loss.gate.bias.grad) < 0


def test_learned_mixin_is_computed_in_float32_under_autocast():
    logits, case, loss = gated()
    expected = loss(logits, case)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(logits, case), expected)


@pytest.mark.parametrize("penalty", [-0.1, math.inf])
def test_an_entropy_penalty_that_is_none_is_refused(penalty):
    with pytest.raises(UserError, match=f"entropy_penalty must be finite and at least 0, got {penalty}"):
        LearnedMixin(penalty)


def test_an_annealed_learned_mixin_learns_too():
    logits, case, loss = gated()
    case.progress = 1.0
    annealed = Annealed(loss, last=0.0)
    annealed.reset(5, NO_GROUPS)
    torch.testing.assert_close(annealed(logits, case), CrossEntropy()(logits, case))
    assert len(list(annealed.parameters())) == 2
