"""Parameters that pruned Transformer layers need, by the figures of the paper."""

import pytest
import torch
from transformers import BertConfig, BertModel

from lit_prune.sparsity.budget import break_even, budget
from lit_prune.sparsity.install import install, masked_layers
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.masks import FixedMask, LearnedMask, ReversibleMask, TaskMasks
from lit_prune.sparsity.targets import layers_in, match


@pytest.fixture
def root():
    """BERT-base with two of its layers, on the meta device but for what is put into it."""
    config = BertConfig(num_hidden_layers=2, vocab_size=100)
    backbone = BertModel(config)
    head = torch.nn.ModuleDict({"classifier": torch.nn.Linear(768, 2)})
    encoder = torch.nn.ModuleDict({"backbone": backbone})
    return torch.nn.ModuleDict({"encoder": encoder, "heads": torch.nn.ModuleDict({"nli": head})})


def by_rank(root, rank):
    """Put factors of random values into the place of the matrices, `rank` of 768 ranks kept."""
    for name in layers_in(match(root, "bert", without=("pooler", "classifier"))):
        linear = root.get_submodule(name)
        shapes = (768, linear.out_features), (768,), (768, linear.in_features)
        layer = LowRankLinear(*(torch.empty(shape) for shape in shapes), bias=linear.bias)
        layer.mask = ReversibleMask(torch.arange(768) < rank)
        root.set_submodule(name, layer)


@pytest.mark.parametrize(("rank", "printed"), [(38, 7.6), (76, 15.0)])
def test_ranks_need_what_the_paper_s_table_2_prints(root, rank, printed):
    by_rank(root, rank)
    found = budget(root)
    assert found.num_total == 2 * 7_087_872
    assert found.num_kept == 2 * (13_824 * rank + 9_984)
    assert 100 * found.figures()["parameter_density"] == pytest.approx(printed, abs=0.05)
    assert found.figures()["wasted_ranks"] == 0
    assert tuple(found.figures()) == ("parameter_density", "stored_density", "mask_bits", "wasted_ranks")


def test_above_break_even_the_whole_matrix_is_smaller(root):
    assert break_even(768, 768) == 384
    assert break_even(768, 3072) == pytest.approx(614.4)
    by_rank(root, 500)
    found = budget(root)
    # Of a layer the four square matrices are whole, of the other two are factors.
    assert found.num_kept == 2 * (4 * 768 * 768 + 2 * 500 * (768 + 3072) + 9_984)
    assert found.num_ranks == 12 * 500
    assert found.num_wasted == 8 * (500 - 384)


def test_elements_are_counted_with_biases_and_layer_norms_but_without_what_lies_outside(root):
    names = layers_in(match(root, "bert"))
    install(root, names, lambda _, weight: FixedMask(torch.zeros_like(weight, dtype=torch.bool)))
    assert "encoder.backbone.pooler.dense" in masked_layers(root)
    found = budget(root)
    assert (found.num_kept, found.num_total) == (2 * 9_984, 2 * 7_087_872)
    assert found.figures().keys() == {"parameter_density", "stored_density", "mask_bits"}


def test_without_transformer_layers_there_is_nothing_to_say():
    assert budget(torch.nn.Linear(2, 3)).figures() == {}


ENTRIES = 2 * 7_077_888  # of the matrices of two layers
OTHERS = 2 * 9_984  # their biases and LayerNorms


def by_task(root, shared=None, **shares):
    """Mask the matrices: a task keeps these entries of each, from one share of all to another."""

    def make(_, weight):
        along = torch.arange(weight.numel()).reshape(weight.shape) / weight.numel()
        keeps = {task: (along >= low) & (along < high) for task, (low, high) in shares.items()}
        if shared is None:
            return TaskMasks({task: FixedMask(keep) for task, keep in keeps.items()})
        masks = {task: LearnedMask(keep.float()) for task, keep in keeps.items()}
        common = LearnedMask(((along >= shared[0]) & (along < shared[1])).float())
        for mask in (*masks.values(), common):
            mask.threshold.fill_(0.5)
        return TaskMasks(masks, common)

    install(root, layers_in(match(root, "bert", without=("pooler", "classifier"))), make)


def test_separate_masks_are_stored_once_each(root):
    by_task(root, nli=(0.0, 0.1), qqp=(0.5, 0.6))
    found = budget(root)
    assert found.num_total == ENTRIES + OTHERS
    assert found.figures()["parameter_density"] == pytest.approx(0.1 + 0.9 * OTHERS / found.num_total, abs=1e-5)
    assert round(found.figures()["parameter_density"], 3) == 0.101  # what a task needs
    assert round(found.figures()["stored_density"], 3) == 0.201  # what two need that share nothing
    assert found.figures()["mask_bits"] == 2 * ENTRIES


def test_what_tasks_share_is_stored_once(root):
    by_task(root, nli=(0.0, 0.1), qqp=(0.01, 0.11))  # .11 of each matrix
    found = budget(root)
    expected = sum(-(-11 * entries // 100) for entries in 8 * [768 * 768] + 4 * [768 * 3072])
    assert found.num_stored == pytest.approx(expected + OTHERS, abs=12)  # of a matrix, one entry by rounding
    assert round(found.figures()["stored_density"], 3) == 0.111


def test_hybrid_masks_need_what_a_task_keeps_on_average_and_store_the_union(root):
    by_task(root, shared=(0.0, 0.1), nli=(0.05, 0.1), qqp=(0.05, 0.2))  # .1 for nli, .2 for qqp, .2 for both
    found = budget(root)
    assert found.num_kept == pytest.approx(0.15 * ENTRIES + OTHERS, abs=12)
    assert found.num_stored == pytest.approx(0.2 * ENTRIES + OTHERS, abs=12)


def test_one_mask_for_all_is_stored_as_it_is_needed(root):
    by_rank(root, 38)
    found = budget(root)
    assert found.num_stored == found.num_kept
    assert found.num_mask_bits == 12 * 768


def test_ranks_of_tasks_are_stored_as_vectors_however_many_there_are(root):
    by_rank(root, 1)
    ranks = torch.arange(768)
    for layer in masked_layers(root).values():
        layer.mask = TaskMasks({"nli": FixedMask(ranks < 400), "qqp": FixedMask(ranks >= 368)})
    found = budget(root)
    # Alone, a task has the square matrices whole (400 is above 384); together all 768 ranks are there.
    assert found.num_kept == 2 * (4 * 768 * 768 + 2 * 400 * (768 + 3072) + 9_984)
    assert found.num_stored == 2 * (768 * 13_824 + 9_984)
    assert found.num_ranks == 2 * 12 * 400
    assert found.num_wasted == 2 * 8 * (400 - 384)
    assert found.num_mask_bits == 2 * 12 * 768
