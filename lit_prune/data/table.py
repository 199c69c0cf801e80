"""Rows of a source as a table, and its tokens, both cached by content: `datasets` keeps them on disk."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow.compute
from datasets import Dataset, Features
from datasets.exceptions import DatasetGenerationError
from datasets.fingerprint import Hasher
from transformers import PreTrainedTokenizerBase

import lit_prune
from lit_prune.data.sources.source import Source
from lit_prune.errors import UserError


def read_table(
    generate: Callable[..., Iterator[dict[str, Any]]],
    features: Mapping[str, Any],
    source: Source,
    split: str,
    root: str | None,
    **options: Any,
) -> Dataset:
    """The rows of a split, read once for the state that the source is in.

    Args:
        generate: Gives the rows from source, split, root, key and the options; the key is there for the cache alone.
        features: The columns' types.
        source: Where the rows come from.
        split: Which of them.
        root: Folder of the data.
        **options: Further arguments of `generate`; no lists, which `datasets` would take for shards.

    Raises:
        UserError: `generate` does.
    """
    key = Hasher.hash([source.fingerprint(split, root), lit_prune.__version__])
    known = {"source": source, "split": split, "root": root, "key": key}
    try:
        return Dataset.from_generator(generate, features=Features(features), gen_kwargs=known | options)
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from None
        raise


def tokenise_table(
    rows: Dataset,
    tokenise: Callable[..., dict[str, Any]],
    tokenizer: PreTrainedTokenizerBase,
    one_to_one: bool = True,
    **options: Any,
) -> Dataset:
    """The rows with their tokens, made once for each tokenizer.

    Args:
        rows: A table that `read_table` gave.
        tokenise: Gives new columns from a batch of rows' columns, the tokenizer and the options.
        tokenizer: The encoder's.
        one_to_one: Whether the new columns have a value per row and go beside the old ones; else they take their place.
        **options: Further arguments of `tokenise`.
    """
    # The tokenizer's own hash changes with use (it remembers its last padding): its vocabulary and rules do not.
    # Families that share a vocabulary differ in special tokens (post_processor) or in whether there are token types.
    parts = ("model", "normalizer", "pre_tokenizer", "post_processor")
    rules = [getattr(tokenizer.backend_tokenizer, part) for part in parts], tokenizer.model_input_names
    return rows.map(
        tokenise,
        batched=True,
        fn_kwargs={"tokenizer": tokenizer, **options},
        remove_columns=None if one_to_one else rows.column_names,
        new_fingerprint=Hasher.hash([rows._fingerprint, Hasher.hash(rules), options, lit_prune.__version__]),
    )


def count_tokens(rows: Dataset) -> np.ndarray:
    """Tokens of each row (rows,), of choices those of all; counted in Arrow: no Python list is made of any row."""
    tables = rows.select_columns("input_ids").with_format("arrow").iter(batch_size=10_000)
    return np.concatenate([_lengths(table["input_ids"]) for table in tables])


def _lengths(lists: pyarrow.ChunkedArray) -> np.ndarray:
    lengths: np.ndarray = pyarrow.compute.list_value_length(lists).to_numpy()
    if pyarrow.types.is_list(lists.type.value_type) or pyarrow.types.is_large_list(lists.type.value_type):
        ends = np.cumsum(lengths)
        inner = pyarrow.compute.list_value_length(pyarrow.compute.list_flatten(lists)).to_numpy()
        return np.add.reduceat(inner, ends - lengths)
    return lengths
