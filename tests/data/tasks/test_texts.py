"""Texts and pairs of texts as examples: classes by number, word overlap, and tokens."""

import pytest
from rows import LABELS, nli

from lit_prune.data.tasks.texts import tokenise_pairs, with_class
from lit_prune.errors import UserError

ROW = {"id": "7", "text_a": "a b", "text_b": "b c", "label": "neutral", "group": "g"}


def test_a_class_becomes_its_number_beside_the_overlap_of_the_texts():
    found = with_class(ROW, "id", {"neutral": 2})
    assert found == {**ROW, "label": 2, "overlap": 0.5}
    assert nli().converter("id", labelled=True)(ROW)["label"] == LABELS.index("neutral")


def test_an_unknown_class_and_a_list_of_labels_are_errors_that_name_the_row():
    with pytest.raises(UserError, match=r"unknown label 'neutral' of row '7' in split 'id': choose from a, b$"):
        with_class(ROW, "id", {"a": 0, "b": 1})
    with pytest.raises(UserError, match=r"choose from a; say in ood_train.labels of the task what it stands for"):
        with_class(ROW, "ood_train", {"a": 0})
    with pytest.raises(UserError, match=r"row '7' in split 'id' must be one class, got the list \['neutral'\]"):
        with_class({**ROW, "label": "", "labels": ["neutral"]}, "id", {"neutral": 0})


def test_texts_are_tokenised_alone_or_in_pairs_and_truncated(tokenizer):
    def texts(second, max_length=16):
        tokens = tokenise_pairs({"text_a": ["a b"], "text_b": [second]}, tokenizer, max_length)
        assert len(tokens["input_ids"][0]) <= max_length
        return tokenizer.decode(tokens["input_ids"][0])

    assert texts("") == "[CLS] a b [SEP]"
    assert texts("c d e") == "[CLS] a b [SEP] c d e [SEP]"
    assert texts("c d e", 7) == "[CLS] a b [SEP] c d [SEP]"
