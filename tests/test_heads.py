"""The heads against transformers' own."""

import math
from types import SimpleNamespace

import pytest
import torch
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    RobertaConfig,
)
from transformers.models.roberta.modeling_roberta import RobertaClassificationHead

from lit_prune.heads import Classification, Regression, Span, SpanPair, Tokens
from lit_prune.losses import CrossEntropy, MeanSquaredError, TokenCrossEntropy


def hidden():
    return torch.randn(4, 7, 16, generator=torch.Generator().manual_seed(0))


def test_on_a_pooled_token_it_is_one_matrix():
    head = Classification(16, 3, dropout=0.5, pooled=True).eval()
    pooled = hidden()[:, 0].tanh()
    assert set(head.state_dict()) == {"classifier.weight", "classifier.bias"}
    torch.testing.assert_close(head(hidden(), pooled), pooled @ head.classifier.weight.T)


def test_on_an_unpooled_token_it_is_robertas():
    head = Classification(16, 3, dropout=0.5, pooled=False).eval()
    config = RobertaConfig(hidden_size=16, num_labels=3, vocab_size=5, num_attention_heads=2)
    oracle = RobertaClassificationHead(config).eval()
    oracle.load_state_dict(head.state_dict())
    assert torch.equal(head(hidden(), hidden()[:, 0]), oracle(hidden()))


def test_a_number_and_its_loss_are_transformers_own_for_one_label():
    config = BertConfig(
        hidden_size=16, num_labels=1, vocab_size=5, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
    )
    oracle = BertForSequenceClassification(config).eval()
    head = Regression(16, dropout=0.5, pooled=True).eval()
    head.classifier.load_state_dict(oracle.classifier.state_dict())
    tokens, labels = torch.tensor([[1, 2, 3], [4, 3, 2]]), torch.tensor([0.5, 4.0])
    expected = oracle(tokens, labels=labels)
    output = oracle.bert(tokens)
    logits = head(output.last_hidden_state, output.pooler_output)
    torch.testing.assert_close(logits, expected.logits)
    loss = MeanSquaredError()(logits, SimpleNamespace(labels=labels))
    torch.testing.assert_close(loss, expected.loss)
    assert MeanSquaredError()(logits.bfloat16(), SimpleNamespace(labels=labels)).dtype == torch.float32


@pytest.mark.parametrize("pooled", [True, False])
def test_initial_weights_are_as_wide_as_berts_and_biases_zero(pooled):
    torch.manual_seed(0)
    for name, parameter in Classification(400, 30, dropout=0.0, pooled=pooled).named_parameters():
        expected = 0 if name.endswith("bias") else 0.02
        assert parameter.std().item() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("pooled", "num_dropped"), [(True, 1), (False, 2)])
def test_dropout_comes_before_each_matrix_in_training_only(pooled, num_dropped):
    head = Classification(16, 2, dropout=0.5, pooled=pooled)
    seen = []
    head.dropout.register_forward_hook(lambda *_: seen.append(1))
    torch.manual_seed(0)
    assert not torch.equal(*(head(hidden(), hidden()[:, 0]) for _ in range(2)))
    assert len(seen) == 2 * num_dropped
    head.eval()
    assert torch.equal(*(head(hidden(), hidden()[:, 0]) for _ in range(2)))


def test_a_spans_logits_and_loss_are_berts():
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    oracle = BertForQuestionAnswering(BertConfig(vocab_size=50, **shape)).eval()
    head = Span(16)
    head.load_state_dict({"outputs.weight": oracle.qa_outputs.weight, "outputs.bias": oracle.qa_outputs.bias})
    inputs = {"input_ids": torch.randint(50, (4, 7)), "attention_mask": torch.ones(4, 7, dtype=torch.long)}
    inputs["attention_mask"][1, 5:] = 0
    labels = torch.tensor([[0, 0], [2, 4], [6, 6], [1, 5]])
    expected = oracle(**inputs, start_positions=labels[:, 0], end_positions=labels[:, 1])
    states = oracle.bert(**inputs).last_hidden_state
    logits = head(states, states[:, 0])
    torch.testing.assert_close(logits, torch.stack([expected.start_logits, expected.end_logits], dim=-1))
    batch = SimpleNamespace(labels=labels, bias=None, classes=None)
    torch.testing.assert_close(CrossEntropy()(logits, batch), expected.loss)


@pytest.mark.parametrize(
    "make", [lambda: Span(4000), *(lambda kind=kind: kind(4000, 3, dropout=0.0) for kind in (SpanPair, Tokens))]
)
def test_the_initial_weights_over_spans_are_as_wide_as_berts(make):
    torch.manual_seed(0)
    head = make()
    before = {name: value.clone() for name, value in head.named_parameters()}
    for name, value in before.items():
        assert value.std().item() == pytest.approx(0.0 if name.endswith("bias") else 0.02, rel=0.05)
    head.reset()
    assert not any(torch.equal(value, before[name]) for name, value in head.named_parameters() if value.any())


def test_classes_of_tokens_and_their_loss_are_berts():
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    oracle = BertForTokenClassification(BertConfig(vocab_size=50, num_labels=3, **shape)).eval()
    head = Tokens(16, 3, dropout=0.5).eval()
    head.classifier.load_state_dict(oracle.classifier.state_dict())
    inputs = {"input_ids": torch.randint(50, (4, 7)), "attention_mask": torch.ones(4, 7, dtype=torch.long)}
    labels = torch.randint(-1, 3, (4, 7)).clamp(min=-1).masked_fill(torch.arange(7) > 4, -100)
    labels[labels < 0] = -100
    expected = oracle(**inputs, labels=labels)
    states = oracle.bert(**inputs).last_hidden_state
    logits = head(states, states[:, 0])
    torch.testing.assert_close(logits, expected.logits)
    batch = SimpleNamespace(labels=labels, weight=1.0)
    torch.testing.assert_close(TokenCrossEntropy()(logits, batch), expected.loss)


def test_tokens_are_dropped_from_in_training_only():
    head = Tokens(16, 3, dropout=0.5)
    torch.manual_seed(0)
    assert not torch.equal(*(head(hidden(), hidden()[:, 0]) for _ in range(2)))
    head.eval()
    assert torch.equal(*(head(hidden(), hidden()[:, 0]) for _ in range(2)))


SPANS = torch.tensor([[[1, 3], [5, 5]], [[0, 6], [2, 4]]])


def test_a_pair_of_spans_is_classified_by_means_weighted_by_their_tokens_scores():
    head = SpanPair(16, 3, dropout=0.5).eval()
    states = hidden()[:2]
    expected = []
    for row, spans in zip(states, SPANS.tolist(), strict=True):
        means = []
        for first, last in spans:
            tokens = list(row[first : last + 1])
            weights = [math.exp((head.scores.weight[0] @ token).item()) for token in tokens]
            means.append(sum(weight / sum(weights) * token for weight, token in zip(weights, tokens, strict=True)))
        expected.append(head.classifier(torch.cat(means)))
    logits = head(states, states[:, 0], SPANS)
    torch.testing.assert_close(logits, torch.stack(expected))
    states[0, 4] = states[0, 6] = 9.0  # in neither span, as padding is
    assert torch.equal(head(states, states[:, 0], SPANS), logits)
    assert not torch.allclose(head(states, states[:, 0], SPANS.flip(1)), logits)


def test_a_pair_of_spans_is_dropped_from_in_training_only():
    head = SpanPair(16, 3, dropout=0.5)
    torch.manual_seed(0)
    assert not torch.equal(*(head(hidden()[:2], hidden()[:2, 0], SPANS) for _ in range(2)))
