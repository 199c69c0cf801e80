"""Words in token windows, against a search by hand over the tokens of whole texts."""

import random

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from lit_prune.data.batch import NO_LABEL
from lit_prune.data.sources.words import find_words, join_words
from lit_prune.data.tasks.word_windows import NO_TOKEN, tokenise_words


def columns(*texts, words=None):
    words = words or [find_words(text) for text in texts]
    tags = [list(range(1, len(each) + 1)) for each in words]  # a tag of its own for each word
    rows = [str(number) for number in range(len(texts))]
    return {"id": rows, "text_a": list(texts), "group": [""] * len(texts), "words": words, "tags": tags}


def windows(made, text=0):
    """The windows of a text: [(positions, tags, label, ids)]."""
    rows = [number for number, name in enumerate(made["id"]) if name == str(text)]
    return [tuple(np.array(made[name][row]) for name in ("positions", "tags", "label", "input_ids")) for row in rows]


def random_text(draw, known):
    """Known words, words of several tokens, and some that have none."""
    kinds = [
        draw.choice(known),
        "".join(draw.choices("abcdef", k=draw.randint(2, 9))),
        draw.choice(["\u200b", "\x7f", "\ufffd"]),
    ]
    return join_words(draw.choices(kinds, [5, 3, 1], k=draw.randint(1, 60)))


def test_the_first_token_stands_for_a_word(tokenizer):
    made = tokenise_words(columns("the zzz a.", "b"), tokenizer, 32, 0.25)
    ((positions, _, label, ids),) = windows(made)
    tokens = tokenizer.convert_ids_to_tokens(ids)
    assert tokens[:4] == ["[CLS]", "the", "z", "##z"]
    assert [tokens[position] for position in positions] == ["the", "z", "a", "."] or tokens[positions[3]] == "[UNK]"
    assert label.tolist() == [NO_LABEL, 1, 2, NO_LABEL, NO_LABEL, 3, 4, NO_LABEL]
    assert made["words"][0].tolist() == [[0, 3], [4, 7], [8, 9], [9, 10]]
    assert made["id"] == ["0", "1"]


@pytest.mark.parametrize("odd", ["\u200b", "\x7f", "\u200d\u200d"])
def test_words_without_a_token_shift_nothing(tokenizer, odd):
    text, places = join_words([odd, "a", odd, odd, "b", odd])
    ((positions, tags, label, ids),) = windows(tokenise_words(columns(text, words=[places]), tokenizer, 32, 0.25))
    assert positions.tolist() == [NO_TOKEN, 1, NO_TOKEN, NO_TOKEN, 2, NO_TOKEN]
    assert tags.tolist() == [1, 2, 3, 4, 5, 6]
    assert label.tolist() == [NO_LABEL, 2, 5, NO_LABEL]
    assert tokenizer.convert_ids_to_tokens(ids) == ["[CLS]", "a", "b", "[SEP]"]


def test_a_text_of_no_token_at_all_stays(tokenizer):
    made = tokenise_words(columns("\u200b \u200b"), tokenizer, 32, 0.25)
    ((positions, _, label, _),) = windows(made)
    assert positions.tolist() == [NO_TOKEN] * 2
    assert label.tolist() == [NO_LABEL] * 2


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("max_length", [5, 8, 17])
def test_every_word_is_once_in_the_window_that_shows_most_around_it(tokenizer, overlap, max_length):
    draw = random.Random(max_length)
    known = [word for word in tokenizer.get_vocab() if word.isalpha()]
    texts = [random_text(draw, known) for _ in range(10)]
    rows = columns(*(text for text, _ in texts), words=[places for _, places in texts])
    made = tokenise_words(rows, tokenizer, max_length, overlap)
    room = max_length - 2
    step = room - int(overlap * room)
    for number, (text, places) in enumerate(texts):
        whole = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        offsets = whole["offset_mapping"]
        # by hand: a word's first token in the whole text, and the windows that have it
        first = [next((t for t, (s, e) in enumerate(offsets) if s < end and e > start), None) for start, end in places]
        count = max(1, -(-(len(offsets) - room) // step) + 1)
        bounds = [(k * step, min(k * step + room, len(offsets))) for k in range(count)]
        expected = {}
        for word, token in enumerate(first):
            if token is not None:
                around = [min(token - a + 1, b - token) if a <= token < b else -1 for a, b in bounds]
                expected[word] = token, int(np.argmax(around))
        found, order, own = {}, [], []
        for positions, tags, label, ids in windows(made, number):
            order += tags.tolist()
            has_token = positions != NO_TOKEN
            assert label[positions[has_token]].tolist() == tags[has_token].tolist()
            assert (label != NO_LABEL).sum() == has_token.sum()
            found |= dict(zip(tags[has_token] - 1, ids[positions[has_token]], strict=True))
            own.append((tags[has_token] - 1).tolist())
            assert len(ids) <= max_length
        assert order == list(range(1, len(places) + 1))
        assert found == {word: whole["input_ids"][token] for word, (token, _) in expected.items()}
        kept = [[word for word, (_, best) in expected.items() if best == window] for window in range(count)]
        assert [each for each in own if each] == [each for each in kept if each]


def test_a_token_over_several_words_stands_for_the_first():
    pieces = {"[UNK]": 0, "a": 1, "bc": 2, "[PAD]": 3}
    whole = Tokenizer(models.WordLevel(pieces, unk_token="[UNK]"))
    whole.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=whole, unk_token="[UNK]", pad_token="[PAD]")
    made = tokenise_words(columns("a bc", words=[[[0, 1], [2, 3], [3, 4]]]), tokenizer, 8, 0.25)
    ((positions, _, label, _),) = windows(made)
    assert positions.tolist() == [0, 1, NO_TOKEN]
    assert label.tolist() == [1, 2]
