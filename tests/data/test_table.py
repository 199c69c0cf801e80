"""What the cache of rows and tokens depends on."""

from functools import partial

import pytest
from datasets import Dataset
from transformers import AutoTokenizer

from lit_prune.data import GeneratedNli
from lit_prune.data.table import count_tokens, read_table, tokenise_table
from lit_prune.errors import UserError

CALLS = []


class Counted(GeneratedNli):
    """Generated rows, whose readings are counted."""

    def rows(self, split, root):
        CALLS.append(split)
        return super().rows(split, root)


def text_of(row, upper):
    return {"text": row["text_a"].upper() if upper else row["text_a"], "words": [row["text_a"].split()]}


def lengths(rows, tokenizer, scale):
    return {"length": [scale * len(tokenizer(text)["input_ids"]) for text in rows["text"]]}


def halved(rows, tokenizer):
    return {"half": [text[:3] for text in rows["text"]] * 2}


def halved_twice(rows, tokenizer):
    return halved(rows, tokenizer)


def refused(row):
    raise UserError("no such rows")


def read(num_rows=4, upper=False):
    types = {"text": "string", "words": [["string"]]}
    return read_table(partial(text_of, upper=upper), types, Counted(num_eval=num_rows), "id", None)


def test_rows_are_read_once_for_a_source_and_a_conversion():
    CALLS.clear()
    first = read()
    assert read()["text"][:] == first["text"][:]
    assert CALLS == ["id"]
    assert read(upper=True)["text"][0] == first["text"][0].upper()
    assert first["words"][0] == [first["text"][0].split()]
    assert len(read(5)) == 5
    assert CALLS == ["id"] * 3


def test_tokens_go_beside_the_rows_or_take_their_place(tokenizer):
    rows = read()
    tokens = tokenise_table(rows, partial(lengths, scale=2), tokenizer)
    assert tokens["length"][:] == [2 * len(tokenizer(text)["input_ids"]) for text in rows["text"]]
    assert tokens["text"][:] == rows["text"][:]
    assert tokenise_table(rows, partial(lengths, scale=3), tokenizer)["length"][:] != tokens["length"][:]
    halves = tokenise_table(rows, halved, tokenizer, one_to_one=False)
    assert halves.column_names == ["half"]
    assert len(halves) == 8
    assert tokenise_table(rows, halved_twice, tokenizer, one_to_one=False)._fingerprint != halves._fingerprint


def test_the_cache_is_of_the_tokenizer_not_of_its_state(tokenizer, tiny_roberta):
    rows = read()
    before = tokenise_table(rows, partial(lengths, scale=2), tokenizer)._fingerprint
    tokenizer(["a", "b c"], padding=True, truncation=True, max_length=3)
    assert tokenise_table(rows, partial(lengths, scale=2), tokenizer)._fingerprint == before
    other = AutoTokenizer.from_pretrained(tiny_roberta)
    assert tokenise_table(rows, partial(lengths, scale=2), other)._fingerprint != before


def test_tokens_are_counted_row_by_row_of_a_selection_too():
    rows = Dataset.from_dict({"input_ids": [[1, 2], [], [3], [4, 5, 6]]})
    assert count_tokens(rows).tolist() == [2, 0, 1, 3]
    assert count_tokens(rows.select([3, 0])).tolist() == [3, 2]


def test_what_is_wrong_with_the_rows_is_said_as_it_is():
    with pytest.raises(UserError, match=r"^no such rows$"):
        read_table(refused, {}, GeneratedNli(), "id", None)


def test_no_rows_are_an_error_that_names_the_split():
    source = Counted(num_eval=4)
    source.rows = lambda split, root: iter(())
    with pytest.raises(UserError, match="split 'id' of Counted must have rows, got none"):
        read_table(refused, {}, source, "id", None)
