"""What all tests share: caches of their own, no network, and tiny random encoders in folders as transformers writes."""

# ruff: noqa: E402

import os
import tempfile
from pathlib import Path

# Read when the libraries are first imported; subprocesses of tests inherit it.
CACHE = tempfile.TemporaryDirectory(prefix="lit_prune_tests_")
os.environ |= {
    "HF_HOME": CACHE.name,
    "HF_HUB_CACHE": f"{CACHE.name}/hub",
    "HF_DATASETS_CACHE": f"{CACHE.name}/datasets",
    "HF_HUB_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaModel,
)

from lit_prune.data import GeneratedNli
from lit_prune.data.bias import words

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="session")
def corpus_words():
    """The words of a small generated corpus, in lower case, and single letters."""
    rows = GeneratedNli(num_train=300).rows("train", None)
    known = {word.lower() for row in rows for text in (row["text_a"], row["text_b"]) for word in words(text)}
    return sorted(known | set("abcdefghijklmnopqrstuvwxyz"))


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory, corpus_words):
    """A folder with a random BERT, 16 wide, 2 layers, and a tokenizer that knows the generated corpus."""
    folder = tmp_path_factory.mktemp("tiny_bert")
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *corpus_words]
    pieces += [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n")
    BertTokenizerFast.from_pretrained(str(folder)).save_pretrained(folder)
    _save(BertModel, BertConfig(**SHAPE, vocab_size=len(pieces), max_position_embeddings=64), folder)
    return folder


@pytest.fixture(scope="session")
def tiny_roberta(tmp_path_factory, corpus_words):
    """A folder with a random RoBERTa of the same shape, without a pooler, and a tokenizer of whole words."""
    folder = tmp_path_factory.mktemp("tiny_roberta")
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *corpus_words]
    tokenizer = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        bos_token="<s>",
        cls_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        sep_token="</s>",
        unk_token="<unk>",
    ).save_pretrained(folder)
    config = RobertaConfig(**SHAPE, vocab_size=len(pieces), max_position_embeddings=66, type_vocab_size=1)
    _save(RobertaModel, config, folder, add_pooling_layer=False)
    return folder


def _save(model: type, config: object, folder: Path, **options: bool) -> None:
    torch.manual_seed(0)
    model(config, **options).save_pretrained(folder)
