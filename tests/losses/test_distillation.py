"""Distillation against plain formulas, in NumPy and SciPy, for every kind of logits."""

import numpy as np
import pytest
import torch
from loss_cases import random_case
from scipy.special import expit, log_softmax, rel_entr, softmax

from lit_prune.errors import UserError
from lit_prune.losses import (
    BinaryCrossEntropy,
    CosineSquaredError,
    CrossEntropy,
    Distillation,
    EmbeddingDistillation,
    Examples,
    InBatchContrastive,
    LearnedMixin,
    MeanSquaredError,
    ProductOfExperts,
    TokenCrossEntropy,
)
from lit_prune.losses.loss import HiddenStates

IGNORED = -100


def draw(*shape):
    return np.random.default_rng(sum(shape)).normal(size=(2, *shape)).astype(np.float32)


def classes():
    own, teacher = draw(8, 3)
    return own, log_softmax(teacher, -1), np.arange(8) % 3


def spans():
    own, teacher = draw(4, 6, 2)
    teacher[:, 4:] = -np.inf  # beyond the windows' end
    return own, log_softmax(teacher, 1), np.array([[1, 2], [0, 0], [3, 3], [2, 3]])


def tokens():
    own, teacher = draw(4, 6, 3)
    labels = np.arange(24).reshape(4, 6) % 3
    labels[:, ::2] = IGNORED
    labels[0, 1] = -1  # stands for a word without a tag
    return own, log_softmax(teacher, -1), labels


def several_labels():
    own, teacher = draw(8, 5)
    return own, teacher, (np.arange(40).reshape(8, 5) % 3 == 0).astype(np.float32)


def numbers():
    own, teacher = draw(8, 1)
    return own, teacher, np.linspace(0, 1, 8, dtype=np.float32)


def embeddings():
    own, teacher = draw(8, 6)  # four pairs
    return own, teacher, np.linspace(0, 1, 4, dtype=np.float32)


def kl_over(axis):
    def apart(own, teacher, labels, temperature):
        divergences = rel_entr(softmax(teacher / temperature, axis), softmax(own / temperature, axis)).sum(axis)
        return temperature**2 * divergences.mean()

    return apart


def of_tokens(own, teacher, labels, temperature):
    found = labels != IGNORED
    return kl_over(-1)(own[found], teacher[found], None, temperature)


def of_labels(own, teacher, labels, temperature):
    p, q = (expit(np.float64(each) / temperature) for each in (teacher, own))
    return temperature**2 * (rel_entr(p, q) + rel_entr(1 - p, 1 - q)).mean()


def squared(own, teacher, labels, temperature):
    return ((own - teacher) ** 2).mean()


def cosine(own, teacher, labels, temperature):
    norms = np.linalg.norm(own, axis=1) * np.linalg.norm(teacher, axis=1)
    return 1 - ((own * teacher).sum(1) / norms).mean()


KINDS = {
    "classes": (classes, CrossEntropy(), kl_over(1)),
    "spans": (spans, CrossEntropy(), kl_over(1)),
    "tokens": (tokens, TokenCrossEntropy(), of_tokens),
    "labels": (several_labels, BinaryCrossEntropy(), of_labels),
    "numbers": (numbers, MeanSquaredError(), squared),
    "scored pairs": (embeddings, CosineSquaredError(), cosine),
    "pairs": (embeddings, InBatchContrastive(), cosine),
    "texts": (embeddings, EmbeddingDistillation(), cosine),
}


@pytest.fixture(params=KINDS)
def kind(request):
    case, loss, apart = KINDS[request.param]
    own, teacher, labels = case()
    return torch.from_numpy(own), Examples(torch.from_numpy(labels), teacher=torch.from_numpy(teacher)), loss, apart


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_distance_is_that_of_the_plain_formula(kind, temperature):
    logits, batch, loss, apart = kind
    value = Distillation(1.0, temperature).for_task(loss)(logits, batch)
    expected = apart(logits.numpy(), batch.teacher.numpy(), batch.labels.numpy(), temperature)
    assert float(value) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def gradient(loss, logits, batch):
    logits = logits.clone().requires_grad_()
    value = loss(logits, batch)
    (found,) = torch.autograd.grad(value, logits)
    return value.detach(), found


def test_hardness_mixes_the_two_terms(kind):
    logits, batch, loss, _ = kind
    if isinstance(loss, TokenCrossEntropy):
        batch.labels[batch.labels == -1] = 0
    values = {}
    for hardness in (0.0, 0.25, 1.0):
        values[hardness] = gradient(Distillation(hardness).for_task(loss), logits, batch)
    for found, expected in zip(values[0.0], gradient(loss, logits, batch), strict=True):
        assert torch.equal(found, expected)
    for mixed, supervised, taught in zip(values[0.25], values[0.0], values[1.0], strict=True):
        torch.testing.assert_close(mixed, 0.75 * supervised + 0.25 * taught)


def test_with_hardness_1_labels_are_unused(kind):
    logits, batch, loss, _ = kind
    distilled = Distillation(1.0).for_task(loss)
    assert not distilled.reads_labels
    expected = gradient(distilled, logits, batch)
    is_word = batch.labels != IGNORED
    batch.labels = torch.where(is_word, 1 - batch.labels.abs(), batch.labels)  # no class at all for some
    for found, before in zip(gradient(distilled, logits, batch), expected, strict=True):
        assert torch.equal(found, before)


def test_the_distance_is_0_for_the_teacher_itself(kind):
    _, batch, loss, _ = kind
    logits = batch.teacher.clamp(min=-1e4)
    value, found = gradient(Distillation(1.0).for_task(loss), logits, batch)
    assert float(value) == pytest.approx(0, abs=1e-6)
    assert found.abs().max() < 1e-6


def test_the_gradient_keeps_its_size_at_any_temperature():
    """In the limit of high temperature it is that of the squared error of centred logits (Hinton et al., eq. 4)."""
    own, teacher, labels = classes()
    logits, batch = torch.from_numpy(own), Examples(torch.from_numpy(labels), teacher=torch.from_numpy(teacher))
    _, found = gradient(Distillation(1.0, 1e3), logits, batch)
    centred = (own - own.mean(1, keepdims=True)) - (teacher - teacher.mean(1, keepdims=True))
    np.testing.assert_allclose(found.numpy(), centred / 3 / len(own), atol=2e-4)


def test_it_goes_with_a_debiasing_loss():
    logits, batch = random_case()
    batch.teacher = torch.roll(batch.bias, 1, 0)
    debiased = ProductOfExperts()
    loss = Distillation(0.5, 1.0, debiased)
    assert set(loss.needs) == {"bias", "teacher"}
    taught = Distillation(1.0, 1.0)(logits, batch)
    torch.testing.assert_close(loss(logits, batch), (debiased(logits, batch) + taught) / 2)
    learned = Distillation(0.5, loss=LearnedMixin())
    learned.reset(4, torch.zeros(0))
    assert learned.has_state
    assert {name for name, _ in learned.named_parameters()} == {"loss.gate.weight", "loss.gate.bias"}


def test_the_hidden_state_error_is_relative_to_the_teachers_states_of_tokens():
    states = draw(3, 4, 5, 6)  # three layers, four texts of five tokens
    attended = np.array([[1] * length + [0] * (5 - length) for length in (5, 3, 4, 1)])
    hidden = HiddenStates(*(list(torch.from_numpy(each)) for each in states), torch.from_numpy(attended))
    logits, batch = random_case()
    batch.hidden = hidden
    mask = attended[..., None]
    errors = [((own - of) ** 2 * mask).sum() / (of**2 * mask).sum() for own, of in zip(*states, strict=True)]
    value = Distillation(0.0, hidden_weight=3.0)(logits, batch) - CrossEntropy()(logits, batch)
    assert float(value) == pytest.approx(3 * np.mean(errors), rel=1e-4)
    hidden.own = [each + 1e3 * (1 - torch.from_numpy(mask)) for each in hidden.own]  # padding has no part in it
    again = Distillation(0.0, hidden_weight=3.0)(logits, batch) - CrossEntropy()(logits, batch)
    assert float(again) == pytest.approx(float(value), rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"hardness": 1.1}, "hardness of Distillation must be from 0 to 1, got 1.1"),
        ({"hardness": float("nan")}, "hardness of Distillation must be from 0 to 1"),
        ({"temperature": 0.0}, "temperature of Distillation must be finite and above 0, got 0.0"),
        ({"hidden_weight": -1.0}, "hidden_weight of Distillation must be finite and at least 0, got -1.0"),
        ({"hardness": 1.0, "loss": ProductOfExperts()}, "must be below 1 with ProductOfExperts, got 1"),
    ],
)
def test_settings_out_of_range_are_errors(settings, named):
    with pytest.raises(UserError, match=named):
        Distillation(**settings)
