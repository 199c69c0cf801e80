"""What pruning leaves empty goes, and the outputs stay."""

import json

import pytest
import torch
from models import MATRICES, TASK, layers, outputs_stay, told

from lit_prune.data.sources.given import Given
from lit_prune.data.tasks.kinds import rebuild
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.export.formats.compact import SIZES, compact, shrink_to, sizes
from lit_prune.export.model import Changes, TaskModel
from lit_prune.export.tensor_files import load_tensors, save_tensors
from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.install import dense_state_dict, install, masked_layers
from lit_prune.sparsity.masks import FixedMask, LearnedMask, ReversibleMask, TaskMasks
from lit_prune.sparsity.structures import Rank
from lit_prune.sparsity.targets import match
from lit_prune.tuning.adapter import add_adapter

WHOLE = {"heads": [4, 4], "units": [32, 32]}


def matrices(model, layer):
    """Those of one layer by what they are."""
    matched = match(model, model.encoder.model_type, MATRICES)
    return {target: model.get_submodule(names[layer]) for target, names in matched.items()}


def check(model, inputs):
    """Compact it: all outputs are the same; what was removed."""
    return outputs_stay(compact, model, inputs)


@torch.no_grad()
def empty_values(own):
    own["value"].weight[4:8] = 0


@torch.no_grad()
def empty_reads_of_heads(own):
    own["attention_output"].weight[:, 0:4] = 0
    own["attention_output"].weight[:, 12:16] = 0


@torch.no_grad()
def empty_by_halves(own):
    own["value"].weight[8:10] = 0
    own["attention_output"].weight[:, 10:12] = 0


@torch.no_grad()
def empty_input_of_units(own):
    own["intermediate"].weight[[0, 5, 31]] = 0


@torch.no_grad()
def empty_reads_of_units(own):
    own["output"].weight[:, [1, 2]] = 0


@torch.no_grad()
def empty_both_of_units(own):
    empty_input_of_units(own)
    empty_reads_of_units(own)
    own["output"].weight[:, 5] = 0


@torch.no_grad()
def empty_dimensions(own):
    own["value"].weight[[0, 4, 5, 6]] = 0
    own["attention_output"].weight[:, [8, 9, 10]] = 0


@torch.no_grad()
def empty_queries_and_keys(own):
    own["query"].weight[0:4] = 0
    own["key"].weight[4:8] = 0
    own["query"].weight[8:12] = own["key"].weight[8:12] = 0
    own["query"].bias[8:12] = 0


@torch.no_grad()
def empty_all(own):
    own["value"].weight[:] = 0
    own["output"].weight[:] = 0


WAYS = {
    empty_values: (1, 0),
    empty_reads_of_heads: (2, 0),
    empty_by_halves: (1, 0),
    empty_input_of_units: (0, 3),
    empty_reads_of_units: (0, 2),
    empty_both_of_units: (0, 5),
    empty_dimensions: (0, 0),
    empty_queries_and_keys: (0, 0),
    empty_all: (3, 32),
}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("model_type", ["bert", "roberta"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_is_empty_goes_and_outputs_stay(build, inputs, way, model_type, attention):
    model = build(model_type, attention)
    assert model.encoder.backbone.config._attn_implementation == attention
    assert sizes(model) == WHOLE
    size = budget(model).num_total
    way(matrices(model, 1))
    removed = check(model, inputs(model_type))
    heads, units = WAYS[way]
    assert (removed.heads, removed.units) == ([0, heads], [0, units])
    assert sizes(model) == {"heads": [4, 4 - heads], "units": [32, 32 - units]}
    # A head: 4 rows and biases of three matrices and 4 columns of 16; a unit: a row, a bias and a column.
    assert removed.parameters.num_total == size
    assert size - removed.parameters.num_kept == heads * (4 * 16 * 4 + 12) + units * 33
    assert size - budget(model).num_total == size - removed.parameters.num_kept
    assert compact(model).parameters.sparsity == 0


@pytest.mark.parametrize("model_type", ["xlm-roberta", "electra", "distilbert"])
def test_other_families_of_the_same_layers(build, inputs, model_type):
    model = build(model_type)
    for way in (empty_values, empty_by_halves, empty_both_of_units):
        way(matrices(model, 0))
    removed = check(model, inputs(model_type))
    assert (removed.heads, removed.units) == ([2, 0], [5, 0])
    own = matrices(model, 0)
    assert (own["query"].out_features, own["attention_output"].in_features) == (8, 8)
    assert (own["intermediate"].out_features, own["output"].in_features) == (27, 27)


def random_masks(model, density, seed, kind=FixedMask):
    """Put masks on all matrices whose rows and columns differ in how dense they are, as trained ones do."""
    generator = torch.Generator().manual_seed(seed)

    def mask(_, weight):
        def uniform(*shape):
            return torch.rand(shape, generator=generator)

        rows, columns = uniform(weight.shape[0], 1), uniform(1, weight.shape[1])
        scores = uniform(*weight.shape) * rows * columns
        keep = scores >= scores.flatten().quantile(1 - density)
        if kind is not LearnedMask:
            return kind(keep)
        learned = LearnedMask(scores)
        learned.threshold.fill_(scores[~keep].max())
        return learned

    install(model, list(layers(model)), mask)


def num_empty(dense, model):
    """The heads and the units that say nothing, one by one: by layer."""
    matched = match(model, model.encoder.model_type, MATRICES)
    heads, units = [], []
    for number in range(2):
        own = {target: dense[f"{names[number]}.weight"] for target, names in matched.items()}
        idle = [not own["value"][i].any() or not own["attention_output"][:, i].any() for i in range(16)]
        heads.append(min(3, sum(all(idle[i : i + 4]) for i in range(0, 16, 4))))
        units.append(sum(not own["intermediate"][i].any() or not own["output"][:, i].any() for i in range(32)))
    return heads, units


@pytest.mark.parametrize("model_type", ["bert", "roberta"])
@pytest.mark.parametrize("density", [0.2, 0.1, 0.05])
@pytest.mark.parametrize("seed", range(5))
def test_outputs_stay_under_random_masks(build, inputs, model_type, density, seed):
    model = build(model_type, ("sdpa", "eager")[seed % 2])
    random_masks(model, density, seed)
    expected = num_empty(dense_state_dict(model), model)
    removed = check(model, inputs(model_type))
    assert (removed.heads, removed.units) == expected
    assert min(removed.units) > 0
    assert density > 0.05 or max(removed.heads) > 0
    assert not masked_layers(model)


def of_one_task(keep):
    return TaskMasks({"nli": FixedMask(keep)})


@pytest.mark.parametrize("kind", [LearnedMask, ReversibleMask, of_one_task])
def test_masks_of_any_kind_are_folded_in(build, inputs, kind):
    model = build("bert")
    random_masks(model, 0.1, 0, kind)
    assert all((layer.weight != 0).all() for layer in layers(model).values())
    assert min(check(model, inputs("bert")).units) > 0


def test_ranks_are_folded_in(build, inputs):
    model = build("bert")
    empty_values(matrices(model, 0))
    install(model, [name for name in layers(model) if "layer.1" in name], lambda _, sigma: FixedMask(sigma > 1), Rank())
    assert check(model, inputs("bert")).heads == [1, 0]
    assert not masked_layers(model)


def test_gradients_are_wanted_or_not_as_before(build):
    model = build("bert")
    empty_values(matrices(model, 0))
    model.encoder.requires_grad_(False)
    compact(model)
    assert not any(value.requires_grad for value in model.encoder.parameters())


@pytest.mark.parametrize("model_type", ["bert", "distilbert"])
def test_a_file_and_its_sizes_are_the_model_again(build, inputs, tmp_path, model_type):
    model = build(model_type)
    empty_all(matrices(model, 0))
    random_masks(model, 0.1, 0)
    compact(model)
    save_tensors(model.state_dict(), tmp_path / "compact", {"sizes": json.dumps(sizes(model))})
    state, metadata = load_tensors(tmp_path / "compact")
    loaded = build(model_type)
    shrink_to(loaded, json.loads(metadata["sizes"]))
    assert sizes(loaded) == sizes(model) != WHOLE
    loaded.take(state)
    batch = inputs(model_type)
    torch.testing.assert_close(told(loaded, batch), told(model, batch), atol=0, rtol=0)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"heads": [4, 4]},
        WHOLE | {"layers": 2},
        WHOLE | {"heads": [4]},
        WHOLE | {"heads": [4, 0]},
        WHOLE | {"heads": [4, 5]},
        WHOLE | {"heads": [4, True]},
        WHOLE | {"heads": "44"},
        WHOLE | {"heads": {"0": 4, "1": 4}},
        WHOLE | {"units": [32, -1]},
        WHOLE | {"units": [33, 32]},
        WHOLE | {"units": [32, 3.0]},
        WHOLE | {"units": [32, None]},
    ],
    ids=str,
)
def test_malformed_sizes_are_refused_and_nothing_is_changed(build, wrong):
    model = build("bert")
    with pytest.raises(ValueError, match="must be"):
        shrink_to(model, wrong)
    assert sizes(model) == WHOLE


@pytest.mark.parametrize("model_type", ["albert", "deberta", "deberta-v2", "modernbert"])
def test_other_architectures_are_refused(tiny_family, model_type):
    model = TaskModel(PrunableEncoder(str(tiny_family(model_type)), pretrained=False), [rebuild(TASK, Given({}))])
    for refuses in (compact, sizes, lambda model: shrink_to(model, WHOLE)):
        with pytest.raises(UserError, match=f"--format compact must be of bert, rob.* got {model_type}"):
            refuses(model)


def test_what_differs_by_task_and_adapters_are_refused(build):
    model = build("bert")
    names = list(layers(model))
    model.changes = {"nli": Changes({})}
    with pytest.raises(UserError, match="got a delta that is swapped"):
        compact(model)
    model.changes = {}
    keep = torch.zeros(16, 16, dtype=torch.bool)
    install(model, names[:1], lambda *_: TaskMasks({"nli": FixedMask(keep), "qqp": FixedMask(~keep)}))
    with pytest.raises(UserError, match=r"got others for nli, qqp"):
        compact(model)
    assert len(masked_layers(model)) == 1
    model = build("bert")
    add_adapter(model.get_submodule(names[-1]), 16, 2)
    with pytest.raises(UserError, match="that has adapters"):
        compact(model)


def test_sizes_are_under_the_key_that_version_0_1_0_wrote():
    assert SIZES == "lit_prune.sizes"
