"""Models with a part of their vocabulary, by plain transformers: for texts within it they compute what they did."""

import json

import pytest
import torch
from fixtures.vocabulary import KINDS, NEVER, SHAPE
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
)

from lit_prune.errors import UserError
from lit_prune.vocabulary.texts import TextSet
from lit_prune.vocabulary.write import prune_vocabulary

pytestmark = pytest.mark.filterwarnings("ignore:.*does not contain .*pooler")


def plain(folder, first, second, auto=AutoModelForSequenceClassification):
    """The tokens and the logits of texts, by transformers alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(first, second, padding=True, return_tensors="pt")
    model, loaded = auto.from_pretrained(folder, output_loading_info=True)
    assert not any(loaded[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    with torch.inference_mode():
        return [tokenizer.convert_ids_to_tokens(each) for each in inputs["input_ids"]], model.eval()(**inputs).logits


@pytest.mark.parametrize("kind", KINDS)
def test_texts_within_the_vocabulary_have_the_same_tokens_and_logits(with_vocabulary, nli_rows, tmp_path, kind):
    source, out = with_vocabulary(kind), tmp_path / "out"
    first, second = ([row[field] for row in nli_rows[:20]] for field in ("text_a", "text_b"))
    prune_vocabulary(str(source), str(out), [*first, *second], None, {})
    for texts in ((first, second), (second[::-1], first)):  # in other pairs too
        (tokens, logits), (new_tokens, new_logits) = (plain(folder, *texts) for folder in (source, out))
        assert new_tokens == tokens
        torch.testing.assert_close(new_logits, logits)

    old, new = (AutoTokenizer.from_pretrained(folder) for folder in (source, out))
    size = len(new)
    assert size < len(old)
    assert AutoConfig.from_pretrained(out).vocab_size == size == len(new.get_vocab())
    assert sorted(new.get_vocab().values()) == list(range(size))
    weights = [value for name, value in load_file(out / "model.safetensors").items() if value.shape[0] == size]
    assert [value.shape[1] for value in weights] == [16]
    for token in old.all_special_tokens:
        number = old.convert_tokens_to_ids(token)
        if number < size - 1:  # special tokens at the end stay at the end
            assert new.convert_tokens_to_ids(token) == number
    ids = {name: value for name, value in AutoConfig.from_pretrained(out).to_dict().items() if name.endswith("_id")}
    for name in ("pad_token_id", "bos_token_id", "eos_token_id"):
        before = getattr(AutoConfig.from_pretrained(source), name)
        assert new.convert_ids_to_tokens(ids[name]) == old.convert_ids_to_tokens(before)


@pytest.mark.parametrize("kind", KINDS)
def test_other_texts_are_longer_and_spelt_in_kept_tokens(with_vocabulary, nli_rows, tmp_path, kind):
    source, out = with_vocabulary(kind), tmp_path / "out"
    texts = [row["text_a"] for row in nli_rows[:20]]
    table = prune_vocabulary(str(source), str(out), texts, None, {"in": TextSet(texts), "out": TextSet(NEVER)})
    figures = {row[0]: row[1:] for row in table.rows}
    old, new = (AutoTokenizer.from_pretrained(folder) for folder in (source, out))
    lengths = [sum(len(each(text, add_special_tokens=False)["input_ids"]) for text in NEVER) for each in (old, new)]
    assert figures["tokens per text, original"][1] == f"{lengths[0] / len(NEVER):.2f}"
    assert figures["tokens per text, smaller vocabulary"][1] == f"{lengths[1] / len(NEVER):.2f}"
    ids = [number for text in NEVER for number in new(text, add_special_tokens=False)["input_ids"]]
    assert figures["unknown tokens, smaller vocabulary"][1] == f"{ids.count(new.unk_token_id) / len(ids):.3%}"
    assert figures["texts with the same tokens"] == ["100.0%", "0.0%"]
    assert figures["cosine to the original"][0] == "1.0000"
    assert float(figures["cosine to the original"][1]) < 1
    assert figures["same predictions"][0] == "100.0%"
    if kind in ("word_piece", "byte_level", "byte_fallback"):  # these spell anything
        assert new.unk_token_id not in ids
        assert lengths[1] > lengths[0]
    else:
        assert new.unk_token_id in ids
    for note in (f"{len(new)} of {len(old)} tokens are kept", "Weights and tokenizer take"):
        assert note in (out / "README.md").read_text()


def test_a_masked_language_model_keeps_its_tied_head(with_vocabulary, nli_rows, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    classifier = with_vocabulary("byte_level")
    tokenizer = AutoTokenizer.from_pretrained(classifier)
    tokenizer.save_pretrained(source)
    model = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(classifier))
    torch.nn.init.normal_(model.lm_head.bias)
    model.save_pretrained(source)
    texts = [row["text_a"] for row in nli_rows[:10]]
    prune_vocabulary(str(source), str(out), texts, None, {})
    (_, before), (_, after) = (plain(folder, texts, None, AutoModelForMaskedLM) for folder in (source, out))
    new = AutoTokenizer.from_pretrained(out)
    rows = [tokenizer.convert_tokens_to_ids(new.convert_ids_to_tokens(number)) for number in range(len(new))]
    torch.testing.assert_close(after, before[:, :, rows])


def test_shards_stay_shards(with_vocabulary, nli_rows, tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    whole = with_vocabulary("word_piece")
    AutoTokenizer.from_pretrained(whole).save_pretrained(source)
    AutoModelForSequenceClassification.from_pretrained(whole).save_pretrained(source, max_shard_size="10KB")
    assert len(list(source.glob("model-*.safetensors"))) > 1
    texts = [row["text_a"] for row in nli_rows[:10]]
    prune_vocabulary(str(source), str(out), texts, None, {})
    torch.testing.assert_close(plain(out, texts, None)[1], plain(whole, texts, None)[1])
    tensors = {name: value for path in out.glob("model-*.safetensors") for name, value in load_file(path).items()}
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(value.nbytes for value in tensors.values())
    assert index["weight_map"].keys() == tensors.keys()


def test_a_size_is_the_number_of_rows(with_vocabulary, nli_rows, tmp_path):
    out = tmp_path / "out"
    prune_vocabulary(str(with_vocabulary("byte_level")), str(out), [row["text_a"] for row in nli_rows], 350, {})
    assert AutoConfig.from_pretrained(out).vocab_size == len(AutoTokenizer.from_pretrained(out)) == 350


def test_padding_from_which_positions_are_computed_must_stay(tmp_path):
    source, out = tmp_path / "source", tmp_path / "out"
    tokens = ["<s>", "</s>", "<unk>", *"abcdefgh", "<pad>"]
    words = WordLevel({token: number for number, token in enumerate(tokens)}, unk_token="<unk>")
    special = {"cls_token": "<s>", "sep_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), **special).save_pretrained(source)
    config = AutoConfig.for_model("roberta", vocab_size=12, pad_token_id=11, max_position_embeddings=30, **SHAPE)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(source)
    with pytest.raises(UserError, match="computes positions from the id of its padding token, which must stay"):
        prune_vocabulary(str(source), str(out), ["a"], None, {})
    assert not out.exists()


def damaged_tokenizer(folder):
    (folder / "tokenizer.json").write_text((folder / "tokenizer.json").read_text()[:-100])


def no_embeddings(folder):
    (folder / "model.safetensors").rename(folder / "other.safetensors")


def weights_cut_off(folder):
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:-1000])


def of_words_with_suffix(folder):
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"]["end_of_word_suffix"] = "</w>"
    (folder / "tokenizer.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damaged_tokenizer, "encoder.backbone must be the folder of a model"),
        (no_embeddings, "encoder.backbone must be the folder of a model"),
        (weights_cut_off, "encoder.backbone must be the folder of a model"),
        (of_words_with_suffix, "end_of_word_suffix of the tokenizer must be empty, got '</w>'"),
    ],
)
def test_damaged_models_are_errors(with_vocabulary, tmp_path, damage, message):
    source, out = tmp_path / "source", tmp_path / "out"
    whole = with_vocabulary("byte_fallback")
    source.mkdir()
    for path in whole.iterdir():
        (source / path.name).write_bytes(path.read_bytes())
    damage(source)
    with pytest.raises(UserError, match=message):
        prune_vocabulary(str(source), str(out), ["a text"], None, {})
    assert not out.exists()
