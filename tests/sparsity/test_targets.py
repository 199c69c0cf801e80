import pytest
from torch import nn
from transformers import AutoModel, BertConfig, RobertaConfig

from lit_prune.errors import UserError
from lit_prune.sparsity.targets import DEFAULT_TARGETS, TARGETS, match

SMALL = {"vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}


class Head(nn.Module):
    """Children as named, each a matrix."""

    def __init__(self, *names):
        super().__init__()
        for name in names:
            setattr(self, name, nn.Linear(8, 8))


def model(model_type):
    config = {"bert": BertConfig, "roberta": RobertaConfig}[model_type](**SMALL)
    children = {"bert": ["classifier"], "roberta": ["dense", "out_proj"]}[model_type]
    root, encoder = nn.Module(), nn.Module()
    encoder.backbone = AutoModel.from_config(config, add_pooling_layer=model_type == "bert")
    root.encoder = encoder
    root.heads = nn.ModuleDict({task: Head(*children) for task in ("nli", "qqp")})
    return root


@pytest.mark.parametrize("model_type", TARGETS)
def test_the_default_targets_are_all_matrices_and_disjoint(model_type):
    root = model(model_type)
    matched = match(root, model_type, DEFAULT_TARGETS)
    found = [name for names in matched.values() for name in names]
    assert tuple(matched) == DEFAULT_TARGETS
    assert sorted(found) == sorted(name for name, module in root.named_modules() if isinstance(module, nn.Linear))
    assert all(len(matched[target]) == 2 for target in DEFAULT_TARGETS[:6])


def test_names_are_in_module_order():
    root = model("bert")
    matched = match(root, "bert", ["output", "classifier", "pooler"])
    assert matched == {
        "output": ["encoder.backbone.encoder.layer.0.output.dense", "encoder.backbone.encoder.layer.1.output.dense"],
        "classifier": ["heads.nli.classifier", "heads.qqp.classifier"],
        "pooler": ["encoder.backbone.pooler.dense"],
    }
    assert match(model("roberta"), "roberta", ["pooler"]) == {"pooler": ["heads.nli.dense", "heads.qqp.dense"]}


def test_patterns_extend_and_override_the_table():
    root = model("bert")
    patterns = {"first": "encoder.backbone.encoder.layer.0.*.dense", "classifier": "heads.nli.*"}
    assert match(root, "bert", ["first", "classifier", "pooler"], patterns) == {
        "first": [f"encoder.backbone.encoder.layer.0.{name}.dense" for name in ("intermediate", "output")],
        "classifier": ["heads.nli.classifier"],
        "pooler": ["encoder.backbone.pooler.dense"],
    }
    assert match(root, "electra", ["first"], patterns) == {"first": match(root, "bert", ["first"], patterns)["first"]}


@pytest.mark.parametrize(
    ("model_type", "targets", "message"),
    [
        ("electra", ["query"], "'electra'.*bert.*roberta"),
        ("bert", ["querry"], "querry.*query"),
        ("bert", ["embeddings"], "embeddings.*Embedding.*leave it out"),
        ("roberta", ["classifier"], "classifier.*nothing"),
    ],
)
def test_wrong_targets_are_named(model_type, targets, message):
    with pytest.raises(UserError, match=message):
        match(model("bert"), model_type, targets)
