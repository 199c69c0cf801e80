"""The files of tokenizers with fewer tokens, read by the tokenizers library."""

import json

import pytest
from fixtures.vocabulary import KINDS
from tokenizers import Tokenizer

from lit_prune.errors import UserError
from lit_prune.vocabulary.tokenizer import SETTINGS, TokenizerFiles


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_those_that_the_library_reads(with_vocabulary, tmp_path, kind):
    files = TokenizerFiles(with_vocabulary(kind))
    kept = {*files.named(range(0, 10_000, 2)), *files.named(files.added.values()), *files.kind.needed([])}
    numbering = files.number(kept)
    files.write(numbering, tmp_path)
    old, new = (Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in (files.path.parent, tmp_path))
    assert new.get_vocab() == {old.id_to_token(number): new_id for new_id, number in enumerate(numbering.old_ids)}
    text = "a text [MASK] <mask>"
    assert [new.encode(text).tokens[place] for place in (0, -1)] == [
        old.encode(text).tokens[place] for place in (0, -1)
    ]


def test_special_tokens_keep_their_ids_if_there_are_as_many_tokens(with_vocabulary):
    files = TokenizerFiles(with_vocabulary("word_piece"))
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    ids = [files.kind.ids[token] for token in special]
    assert ids == [0, 10, 11, 12, 13]  # unused tokens are between
    assert [files.number({*special, *files.named(range(20, 40))}).new_ids[number] for number in ids] == ids
    few = files.number({*special, *files.named(range(20, 25))})
    assert few.new_ids[0] == 0
    assert sorted(few.new_ids.values()) == list(range(10 + len(files.beside)))


def test_the_names_of_added_tokens_in_the_settings_follow(with_vocabulary, tmp_path):
    files = TokenizerFiles(with_vocabulary("byte_level"))
    mask = files.added["<mask>"]
    files.settings["added_tokens_decoder"] = {str(mask): {"content": "<mask>"}}
    files.content["padding"] = {"pad_id": 1, "pad_token": "<pad>"}
    numbering = files.number({*files.named(files.added.values()), *files.kind.needed([])})
    files.write(numbering, tmp_path)
    written = json.loads((tmp_path / SETTINGS).read_text())
    assert written["added_tokens_decoder"] == {str(len(numbering.old_ids) - 1): {"content": "<mask>"}}
    assert json.loads(files.path.with_name(SETTINGS).read_text()).get("added_tokens_decoder") != written


def test_a_post_processor_that_adds_a_token_which_is_not_kept_is_an_error(with_vocabulary, tmp_path):
    files = TokenizerFiles(with_vocabulary("byte_level"))
    files.content["post_processor"]["sep"] = ["odd", 100]
    with pytest.raises(UserError, match="ids of special tokens must be those of kept tokens, got 100"):
        files.write(files.number({*files.named(files.added.values())}), tmp_path)


def test_texts_are_encoded_whole_without_special_tokens(with_vocabulary):
    files = TokenizerFiles(with_vocabulary("word_level"))
    texts = ["the " * 300, ""]
    ids = files.encode(texts)
    assert [len(each) for each in ids] == [300, 0]
    assert {*ids[0]} == {files.kind.ids["the"]}
