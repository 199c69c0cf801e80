"""Small exported models: their layers, and what they say."""

import torch

from lit_prune.sparsity.masks import LearnedMask
from lit_prune.sparsity.select import keep_largest, num_kept
from lit_prune.sparsity.targets import layers_in, match

TASK = {"kind": "Task", "name": "nli", "labels": ["yes", "no"]}
MATRICES = ("query", "key", "value", "attention_output", "intermediate", "output")


def layers(model):
    """The matrices of the Transformer layers by name."""
    return {name: model.get_submodule(name) for name in layers_in(match(model, model.encoder.model_type, MATRICES))}


def told(model, inputs):
    """The hidden states of all tokens, padding too, and the logits."""
    with torch.inference_mode():
        return model.encoder(inputs)[0], model(**inputs).logits


def learned(keep):
    """A learned mask that keeps this."""
    mask = LearnedMask(keep.float())
    mask.threshold.fill_(0.5)
    return mask


def set_anew(pool, scores, sparsity):
    """Keep the largest scores of a pool of reversible masks."""
    keeps = keep_largest(scores, num_kept(sum(each.numel() for each in scores), sparsity))
    for mask, keep in zip(pool, keeps, strict=True):
        mask.keep.copy_(keep)


def outputs_stay(change, model, inputs):
    """Change a model in place: it says the same; what the change returns."""
    expected = told(model, inputs)
    result = change(model)
    torch.testing.assert_close(told(model, inputs), expected, atol=1e-5, rtol=0)
    return result
