"""Configurations and weights for a smaller vocabulary."""

import json
from copy import deepcopy

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoConfig

from lit_prune.errors import UserError
from lit_prune.vocabulary.tokenizer import Numbering
from lit_prune.vocabulary.weights import token_ids, vocabulary_dims, write_config, write_weights

NUMBERING = Numbering(["a", "b", "c"], [0, 7, 5])


def test_tensors_over_the_vocabulary_are_found_in_any_architecture():
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = AutoConfig.for_model("bert", vocab_size=16, max_position_embeddings=16, **shape)  # all sizes are equal
    other = deepcopy(config)
    other.vocab_size = 9
    assert vocabulary_dims(config, other) == {"embeddings.word_embeddings.weight": 0}
    config.architectures = ["BertForMaskedLM"]
    assert vocabulary_dims(config, other).keys() == {
        "embeddings.word_embeddings.weight",
        "bert.embeddings.word_embeddings.weight",
        "cls.predictions.bias",
        "cls.predictions.decoder.weight",
        "cls.predictions.decoder.bias",
    }
    config.architectures = ["os"]  # no class of a model
    assert vocabulary_dims(config, other) == {"embeddings.word_embeddings.weight": 0}


def test_ids_of_a_configuration_follow(tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    out.mkdir()
    config = AutoConfig.for_model("bert", vocab_size=10, pad_token_id=0, eos_token_id=[5, 7], bos_token_id=99)
    config.save_pretrained(source)
    (source / "generation_config.json").write_text(json.dumps({"eos_token_id": 7, "max_length": 5}))
    assert sorted(token_ids(config)) == [0, 5, 7, 99]
    write_config(source, out, NUMBERING)
    written = json.loads((out / "config.json").read_text())
    assert (written["vocab_size"], written["pad_token_id"], written["eos_token_id"]) == (3, 0, [2, 1])
    assert written["bos_token_id"] == 99  # no token of the tokenizer
    same = json.loads((source / "config.json").read_text())
    assert written | {name: same[name] for name in ("vocab_size", "eos_token_id")} == same
    assert json.loads((out / "generation_config.json").read_text()) == {"eos_token_id": 1, "max_length": 5}


def test_rows_of_kept_tokens_are_written_and_nothing_else_changes(with_vocabulary, tmp_path):
    source = with_vocabulary("word_piece")
    write_config(source, tmp_path, NUMBERING)
    write_weights(source, tmp_path, NUMBERING)
    before, after = (load_file(folder / "model.safetensors") for folder in (source, tmp_path))
    assert before.keys() == after.keys()
    for name, value in before.items():
        expected = value[[0, 7, 5]] if name.endswith("word_embeddings.weight") else value
        assert torch.equal(after[name], expected)


def test_weights_without_embeddings_are_an_error(with_vocabulary, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    for folder in (source, out):
        AutoConfig.from_pretrained(with_vocabulary("word_piece")).save_pretrained(folder)
    write_config(source, out, NUMBERING)
    with pytest.raises(UserError, match=r"must have its embeddings in model\.safetensors, got none there"):
        write_weights(source, out, NUMBERING)
