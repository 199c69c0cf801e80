"""Texts of tagged words as token windows that overlap; each word belongs to the window that shows most around it."""

from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from lit_prune.data.batch import NO_LABEL, UNKNOWN

KEPT = ("id", "text_a", "group")
NO_TOKEN = -1  # the position of a word without one


def tokenise_words(
    rows: dict[str, list[Any]], tokenizer: PreTrainedTokenizerBase, max_length: int, overlap: float
) -> dict[str, Any]:
    """Tokenise texts in windows, one text's after another's, and place their words.

    A word's first token, by the characters that both have, stands for it. Each word belongs to one window: the one with
    the most tokens between the word's first token and the nearer end of the window, the first of equal ones. A word
    without a token of its own belongs to the window of the word before it. Windows without a word are left out.

    Args:
        rows: Columns of examples: `id`, `text_a`, `group`, `words` (see `TokensRow`) and `tags`, a number for each word
            or `NO_LABEL`.
        tokenizer: The encoder's, a fast one.
        max_length: Maximum number of tokens of a window.
        overlap: Share of a window's tokens that the next window has too, at least 0 and below 1.

    Returns:
        A value per window: the tokenizer's columns and `KEPT`; of the words that belong to it `words`, `tags` and
        `positions`, the number of the token that stands for each, or `NO_TOKEN`; and `label`, the tag of the word that
        a token stands for, `UNKNOWN` without one, or `NO_LABEL` for other tokens.
    """
    room = max_length - tokenizer.num_special_tokens_to_add()
    encoded = tokenizer(
        rows["text_a"],
        truncation=True,
        max_length=max_length,
        stride=int(overlap * room),
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    names = [name for name in tokenizer.model_input_names if name in encoded]
    columns: dict[str, list[Any]] = {name: [] for name in (*names, *KEPT, "words", "tags", "positions", "label")}
    origins = np.array(encoded["overflow_to_sample_mapping"])
    for text in range(len(rows["text_a"])):
        windows = np.flatnonzero(origins == text)
        words, tags = np.array(rows["words"][text]), np.array(rows["tags"][text])
        owners, positions = _place(words, [np.array(encoded["offset_mapping"][window]) for window in windows])
        for number, window in enumerate(windows):
            own = np.flatnonzero(owners == number)
            if not len(own):
                continue
            label = np.full(len(encoded["input_ids"][window]), NO_LABEL)
            has_token = positions[own] != NO_TOKEN
            label[positions[own][has_token]] = np.where(tags == NO_LABEL, UNKNOWN, tags)[own][has_token]
            for name in names:
                columns[name].append(encoded[name][window])
            for name in KEPT:
                columns[name].append(rows[name][text])
            for name, values in {"words": words, "tags": tags, "positions": positions}.items():
                columns[name].append(values[own])
            columns["label"].append(label)
    return columns


def _place(words: np.ndarray, windows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Find the window that each word belongs to, and the token of it that stands for the word.

    Args:
        words: Where words begin and end in the text (words, 2).
        windows: For each window, where its tokens begin and end (tokens, 2); special ones are empty.
    """
    owners, positions = np.full(len(words), -1), np.full(len(words), NO_TOKEN)
    most, starts = np.full(len(words), -1), np.full(len(words), -1)  # tokens around each word; where its first begins
    for number, places in enumerate(windows):
        tokens = np.flatnonzero(places[:, 0] < places[:, 1])
        numbers = np.searchsorted(words[:, 1], places[tokens, 0], side="right")  # the word that ends after its start
        in_word = numbers < len(words)
        in_word[in_word] = words[numbers[in_word], 0] < places[tokens[in_word], 1]
        found, first = np.unique(numbers[in_word], return_index=True)
        positions_here = tokens[in_word][first]
        is_new = starts[found] < 0
        starts[found[is_new]] = places[positions_here[is_new], 0]
        around = np.minimum(positions_here, len(places) - 1 - positions_here)
        better = (places[positions_here, 0] == starts[found]) & (around > most[found])
        owners[found[better]], positions[found[better]] = number, positions_here[better]
        most[found[better]] = around[better]
    last = np.maximum.accumulate(np.maximum(owners, 0))
    return np.where(owners < 0, last, owners), positions
