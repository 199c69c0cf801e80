import pytest
from torch import nn

from lit_prune.errors import UserError
from lit_prune.sparsity.prunable import prunable


@pytest.fixture
def network():
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.embeddings = nn.Embedding(10, 4)
            self.conv = nn.Conv2d(1, 2, 3)
            self.block = nn.TransformerEncoderLayer(4, 2, 8)
            self.norm = nn.LayerNorm(4)
            self.classifier = nn.Linear(4, 10, bias=False)
            self.classifier.weight = self.embeddings.weight

    return Network()


ALL = [
    "conv.weight",
    "block.self_attn.in_proj_weight",
    "block.self_attn.out_proj.weight",
    "block.linear1.weight",
    "block.linear2.weight",
    "classifier.weight",
]


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ALL),
        ({"skip": ["classifier"]}, ALL[:-1]),
        ({"targets": ["block.*"]}, ALL[1:-1]),
        ({"targets": ["block.*"], "skip": ["*.in_proj_weight", "*.linear2"]}, ALL[2:4]),
        ({"targets": ["block.self_attn"]}, ALL[1:2]),
    ],
)
def test_linear_convolutional_and_attention_weights_are_found(network, settings, names):
    assert prunable(network, **settings) == names


def test_a_parameter_of_several_names_is_one():
    shared = nn.Linear(4, 4)
    assert prunable(nn.Sequential(shared, nn.ReLU(), shared)) == ["0.weight"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": ["encoder.*"]}, r"targets must name parameters that can be pruned, got 'encoder\.\*': .* conv"),
        ({"skip": ["norm"]}, "skip must name parameters that can be pruned, got 'norm'"),
        ({"targets": ["conv"], "skip": ["conv"]}, "the network must have a parameter to prune, got none"),
    ],
)
def test_patterns_that_name_nothing_are_errors(network, settings, message):
    with pytest.raises(UserError, match=message):
        prunable(network, **settings)


def test_a_pattern_may_be_any_name_of_a_tied_weight_and_a_single_text():
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    network[1].weight = network[0].weight
    assert prunable(network, skip="1") == ["2.weight"]
    assert prunable(network, targets="1.weight") == ["0.weight"]
