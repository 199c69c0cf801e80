import pytest
from torch import nn

from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.heads import Classification, Span
from lit_prune.sparsity.count import count, total
from lit_prune.sparsity.install import install
from lit_prune.sparsity.masks import FixedMask
from lit_prune.sparsity.targets import TARGETS, layer_of, layers_in, match, named_by, targets_of

LAYERS = {"query", "key", "value", "attention_output", "intermediate", "output"}
FUSED = {"query_key_value", "attention_output", "intermediate", "output"}
# Matrices that only widen a narrow embedding table.
EMBEDDING_PROJECTIONS = {"electra": "embeddings_project", "albert": "encoder.embedding_hidden_mapping_in"}


@pytest.fixture
def model(tiny_family):
    """A function that gives a small encoder of a model type under two heads, as a paradigm holds them."""

    def build(model_type, **config):
        root = nn.Module()
        root.encoder = PrunableEncoder(str(tiny_family(model_type)), pretrained=False, config=config)
        shape = 16, 3, 0.1, root.encoder.has_pooler, root.encoder.head_transform
        root.heads = nn.ModuleDict({task: Classification(*shape) for task in ("nli", "qqp")})
        return root

    return build


@pytest.mark.parametrize("model_type", TARGETS)
def test_the_default_targets_are_all_matrices_and_disjoint(model, model_type):
    root = model(model_type)
    assert root.encoder.model_type == model_type
    matched = match(root, model_type)
    found = [name for names in matched.values() for name in names]
    matrices = {name for name, module in root.named_modules() if isinstance(module, nn.Linear)}
    assert set(matched) == (FUSED if "query_key_value" in matched else LAYERS) | {"pooler", "classifier"}
    assert sorted(found) == sorted(matrices - {f"encoder.backbone.{EMBEDDING_PROJECTIONS.get(model_type)}"})


@pytest.mark.parametrize("model_type", TARGETS)
def test_a_target_is_what_its_name_says(model, model_type):
    root = model(model_type)
    shapes = {
        target: {tuple(root.get_submodule(name).weight.shape) for name in names}
        for target, names in match(root, model_type).items()
    }
    assert shapes["output"] == {(16, 32)}
    assert shapes["intermediate"] == {(64 if model_type == "modernbert" else 32, 16)}
    assert shapes["attention_output"] == shapes["pooler"] == {(16, 16)}
    assert shapes["classifier"] == {(3, 16)}
    positions = {(16, 16)} if model_type == "deberta" else set()
    assert shapes.get("query_key_value", {(48, 16)} | positions) == {(48, 16)} | positions
    assert all(shapes.get(target, {(16, 16)}) == {(16, 16)} for target in ("query", "key", "value"))


@pytest.mark.parametrize("model_type", ["bert", "roberta"])
def test_heads_without_a_target_lack_it_unless_it_is_asked_for(model, model_type):
    root = model(model_type)
    root.heads["reading"] = Span(16)
    assert not any(name.startswith("heads.reading") for names in match(root, model_type).values() for name in names)
    del root.heads["nli"], root.heads["qqp"]
    assert set(match(root, model_type)) == LAYERS | ({"pooler"} if model_type == "bert" else set())
    with pytest.raises(UserError, match=r"target 'classifier' .* must match nn.Linear layers, got nothing"):
        match(root, model_type, ["query", "classifier"])


def test_names_are_in_module_order(model):
    matched = match(model("bert"), "bert", ["output", "classifier", "pooler"])
    assert matched == {
        "output": ["encoder.backbone.encoder.layer.0.output.dense", "encoder.backbone.encoder.layer.1.output.dense"],
        "classifier": ["heads.nli.classifier", "heads.qqp.classifier"],
        "pooler": ["encoder.backbone.pooler.dense"],
    }
    assert match(model("roberta"), "roberta", ["pooler"]) == {"pooler": ["heads.nli.dense", "heads.qqp.dense"]}


@pytest.mark.parametrize("share", [True, False])
def test_projections_of_positions_are_matched_where_they_are_not_shared(model, share):
    matched = match(model("deberta-v2", share_att_key=share), "deberta-v2")
    for target in ("query", "key"):
        names = {f"{target}_proj"} if share else {f"{target}_proj", f"pos_{target}_proj"}
        assert {name.rsplit(".", 1)[1] for name in matched[target]} == names


@pytest.mark.parametrize(("groups", "inner"), [(1, 1), (2, 1), (1, 2)])
def test_a_shared_layer_is_masked_and_counted_once(model, groups, inner):
    root = model("albert", num_hidden_layers=4, num_hidden_groups=groups, inner_group_num=inner)
    names = [name for names in match(root, "albert").values() for name in names]
    install(root, names, lambda _, weight: FixedMask(weight > 0))
    layer = 4 * 16 * 16 + 2 * 16 * 32
    assert len(set(names)) == len(names) == len(count(root)) == 6 * groups * inner + 3
    assert total(count(root).values()).num_total == groups * inner * layer + 16 * 16 + 2 * 3 * 16


def test_patterns_extend_and_override_the_table(model):
    root = model("bert")
    patterns = {"first": "encoder.backbone.encoder.layer.0.*.dense", "classifier": "heads.nli.classifier"}
    first = {"first": [f"encoder.backbone.encoder.layer.0.{name}.dense" for name in ("intermediate", "output")]}
    assert match(root, "bert", ["first", "classifier", "pooler"], patterns) == {
        **first,
        "classifier": ["heads.nli.classifier"],
        "pooler": ["encoder.backbone.pooler.dense"],
    }
    assert match(root, "other", ["first"], patterns) == first
    assert match(root, "other", None, {"first": patterns["first"]}) == first


@pytest.mark.parametrize(
    ("model_type", "targets", "message"),
    [
        ("other", ["query"], r"unknown targets \['query'\] of other: choose from attention.output.dense, "),
        ("bert", ["querry"], "querry.*query"),
        ("bert", ["embeddings"], "embeddings.*Embedding.*leave it out"),
        ("roberta", ["classifier"], "classifier.*nothing"),
        ("modernbert", ["query"], r"\['query'\] of modernbert: choose from .*query_key_value"),
    ],
)
def test_wrong_targets_are_named(model, model_type, targets, message):
    with pytest.raises(UserError, match=message):
        match(model("bert"), model_type, targets)


def test_a_family_without_a_table_has_the_linear_layers_of_its_blocks_as_targets(model):
    root = model("bert")
    known = match(root, "bert", without=("pooler", "classifier"))
    with pytest.warns(UserWarning, match="other has no table of targets: .*attention.self.query, .*output.dense"):
        matched = match(root, "other")
    assert list(matched) == [
        *(f"attention.self.{name}" for name in ("query", "key", "value")),
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
    ]
    assert layers_in(matched) == layers_in(known)
    assert {target: names[0].partition(".layer.0.")[2] for target, names in matched.items()} == {
        target: target for target in matched
    }


def test_lists_in_a_block_belong_to_it_and_a_network_without_blocks_is_an_error(model):
    root = model("t5")
    assert layers_in(match(root, "other")) == [
        name for target in match(root, "other") for name in match(root, "other", [target])[target]
    ]
    assert set(match(root, "other")) == {
        *(f"layer.SelfAttention.{name}" for name in "qkvo"),
        "layer.DenseReluDense.wi",
        "layer.DenseReluDense.wo",
    }
    root.encoder.backbone.encoder.block = nn.Identity()
    with pytest.raises(UserError, match="unknown model type 'other', without linear layers in repeated blocks"):
        match(root, "other")


@pytest.mark.parametrize("model_type", TARGETS)
def test_targets_and_layers_are_told_by_the_names_alone(model, model_type):
    matched = match(model(model_type), model_type)
    expected = {name: target for target, names in matched.items() for name in names}
    assert targets_of(expected) == expected
    layers = {layer_of(name) for name in expected}
    assert layers == ({"0.0", ""} if model_type == "albert" else {"0", "1", ""})
    assert not layer_of("heads.2.classifier"), "a task may be called 2"


def test_unknown_names_are_targets_of_their_own():
    names = ["encoder.backbone.h.0.attn.c_attn", "encoder.backbone.h.1.attn.c_attn", "heads.nli.out_proj"]
    assert list(targets_of(names).values()) == ["h.attn.c_attn", "h.attn.c_attn", "classifier"]


def test_patterns_name_parameters_in_their_order():
    names = ["a.weight", "a.bias", "b.weight"]
    assert named_by(None, names, "trained") == names
    assert named_by(["b.*", "*.bias"], names, "trained") == ["a.bias", "b.weight"]
    with pytest.raises(UserError, match=r"trained must match parameters, got 'c\.\*': their names are like b.weight"):
        named_by(["a.*", "c.*"], names, "trained")
