"""The heads against transformers' own."""

from types import SimpleNamespace

import pytest
import torch
from transformers import BertConfig, BertForQuestionAnswering, RobertaConfig
from transformers.models.roberta.modeling_roberta import RobertaClassificationHead

from lit_prune.heads import Classification, Span
from lit_prune.losses import CrossEntropy


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


def test_a_spans_initial_weights_are_as_wide_as_berts():
    torch.manual_seed(0)
    head = Span(4000)
    assert head.outputs.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not head.outputs.bias.any()
    before = head.outputs.weight.clone()
    head.reset()
    assert not torch.equal(head.outputs.weight, before)
