"""Kinds of tokenizers: what must stay, against the tokenizers themselves."""

import json

import pytest
from fixtures.vocabulary import KINDS, NEVER
from tokenizers import Tokenizer

from lit_prune.errors import UserError
from lit_prune.vocabulary.kinds import BYTES, Bpe, kind_of


@pytest.fixture
def trained(nli_rows):
    """A function: name -> the tokenizer, and its kind as data."""

    def make(name):
        texts = [row[field] for row in nli_rows for field in ("text_a", "text_b")]
        _, tokenizer, _ = KINDS[name]([*texts, *NEVER])
        return tokenizer, kind_of(json.loads(tokenizer.to_str())["model"])

    return make


@pytest.mark.parametrize("name", ["byte_level", "byte_fallback"])
def test_parts_are_the_tokens_on_the_way_of_the_merges(trained, name):
    tokenizer, kind = trained(name)
    content = json.loads(tokenizer.to_str())
    content["added_tokens"], content["post_processor"], content["pre_tokenizer"], content["normalizer"] = (
        [],
        None,
        None,
        None,
    )
    for token in list(kind.ids)[::7]:
        parts = kind.parts(token)
        assert token in parts
        if Tokenizer.from_str(json.dumps(content)).encode(token).tokens != [token]:
            continue  # no merges produce it: special tokens and bytes
        content["model"] = kind.with_tokens([*parts, "[UNK]", "<unk>"])
        assert Tokenizer.from_str(json.dumps(content)).encode(token).tokens == [token]
        for part in parts - {token}:  # none is too many
            content["model"] = kind.with_tokens([*(parts - {part}), "[UNK]", "<unk>"])
            assert Tokenizer.from_str(json.dumps(content)).encode(token).tokens != [token]
        content["model"] = kind.model


def test_merges_keep_their_order_and_have_parts_and_result(trained):
    _, kind = trained("byte_level")
    kept = sorted(kind.ids)[::2]
    merges = kind.with_tokens(kept)["merges"]
    expected = [list(pair) for pair in kind.model["merges"] if {*pair, pair[0] + pair[1]} <= {*kept}]
    assert merges == expected
    assert 0 < len(merges) < len(kind.model["merges"])


def test_merges_of_old_files_are_texts():
    vocabulary = {token: number for number, token in enumerate(["a", "b", "ab", "c"])}
    kind = Bpe({"vocab": vocabulary, "merges": ["a b"], "unk_token": None})
    assert kind.parts("ab") == {"a", "b", "ab"}
    assert kind.with_tokens(["a", "b", "ab"])["merges"] == [["a", "b"]]


def test_single_characters_of_word_piece_stay_in_both_forms(trained):
    _, kind = trained("word_piece")
    assert kind.needed([]) == {
        token for token in kind.ids if len(token) == 1 or (token[:2] == "##" and len(token) == 3)
    } | {"[UNK]"}


def test_all_bytes_stay(trained):
    _, kind = trained("byte_level")
    assert len(kind.needed([]) - {"<unk>"}) == 256
    _, kind = trained("byte_fallback")
    assert kind.needed([]) == BYTES | {"[UNK]"}


def test_the_lowest_scored_piece_and_the_scores_of_unigram_stay(trained):
    _, kind = trained("unigram")
    scores = dict(kind.model["vocab"])
    needed = kind.needed(["▁a"])
    assert min(scores[token] for token in needed) == min(scores.values())
    assert {"a", "<unk>"} <= needed
    tokens = sorted(needed)
    smaller = kind.with_tokens(tokens)
    assert smaller["vocab"] == [[token, scores[token]] for token in tokens]
    assert tokens[smaller["unk_id"]] == "<unk>"


def test_words_need_the_unknown_one_alone(trained):
    _, kind = trained("word_level")
    assert kind.needed([*kind.ids]) == {"[UNK]"}


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"type": "Other"}, "unknown kind 'Other' of tokenizer: choose from models with WordPiece, BPE, Unigram"),
        (
            {"type": "BPE", "vocab": {}, "merges": [], "continuing_subword_prefix": "##"},
            "continuing_subword_prefix of the tokenizer must be empty, got '##'",
        ),
    ],
)
def test_other_kinds_are_errors(model, message):
    with pytest.raises(UserError, match=message):
        kind_of(model)
