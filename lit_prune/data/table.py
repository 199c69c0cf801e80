"""Tables of rows and of their tokens, cached on disk by content."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow.compute
from datasets import Dataset, Features, List, Value
from datasets.exceptions import DatasetGenerationError
from datasets.fingerprint import Hasher
from transformers import PreTrainedTokenizerBase

import lit_prune
from lit_prune.data.sources.source import Row, Source
from lit_prune.errors import UserError


def read_table(
    convert: Callable[[Row], dict[str, Any]],
    features: Mapping[str, Any],
    source: Source,
    split: str,
    root: str | None,
) -> Dataset:
    """Read the rows of a split, once for each state of the source.

    Args:
        convert: Makes a row an example; a function of a module, or a `partial` of one, which the cache is keyed by.
        features: The columns and their types: a name of Arrow, or a list of one type for lists.
        source: The rows.
        split: The split.
        root: Folder of the data.

    Raises:
        UserError: the source or `convert` raises one, or there are no rows.
    """
    types = Features({name: _feature(each) for name, each in features.items()})
    key = Hasher.hash([source.fingerprint(split, root), lit_prune.__version__])
    arguments = {"convert": convert, "source": source, "split": split, "root": root, "key": key}
    try:
        return Dataset.from_generator(_examples, features=types, gen_kwargs=arguments)
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, UserError):
            raise error.__cause__ from None
        raise


def _examples(
    convert: Callable[[Row], dict[str, Any]], source: Source, split: str, root: str | None, key: str
) -> Iterator[dict[str, Any]]:
    row = None
    for row in source.rows(split, root):
        yield convert(row)
    if row is None:
        raise UserError(f"split {split!r} of {type(source).__name__} must have rows, got none: check its data")


def _feature(kind: Any) -> Any:
    return List(_feature(kind[0])) if isinstance(kind, list) else Value(kind)


def tokenise_table(
    rows: Dataset,
    tokenise: Callable[..., dict[str, Any]],
    tokenizer: PreTrainedTokenizerBase,
    one_to_one: bool = True,
) -> Dataset:
    """Tokenise the rows of a table, once for each tokenizer.

    Args:
        rows: A table that `read_table` returned.
        tokenise: Makes new columns from a batch of rows' columns and `tokenizer`; a function of a module, or a
            `partial` of one, which the cache is keyed by.
        tokenizer: The encoder's.
        one_to_one: Whether the new columns have a value per row and are added to the old ones; else they replace them.
    """
    return rows.map(
        tokenise,
        batched=True,
        fn_kwargs={"tokenizer": tokenizer},
        remove_columns=None if one_to_one else rows.column_names,
        new_fingerprint=Hasher.hash([rows._fingerprint, rules_of(tokenizer), tokenise, lit_prune.__version__]),
    )


def rules_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return a hash of what a tokenizer makes of texts: two with the same make the same tokens.

    The tokenizer's own hash changes with use (it remembers its last padding): its vocabulary and rules do not.
    """
    # Families that share a vocabulary differ in special tokens (post_processor) or in whether there are token types.
    parts = ("model", "normalizer", "pre_tokenizer", "post_processor")
    rules = [getattr(tokenizer.backend_tokenizer, part) for part in parts], tokenizer.model_input_names
    hashed: str = Hasher.hash(rules)
    return hashed


def count_tokens(rows: Dataset) -> np.ndarray:
    """Count the tokens of each row (rows,), over all of its choices; in Arrow, so that no row becomes a Python list."""
    tables = rows.select_columns("input_ids").with_format("arrow").iter(batch_size=10_000)
    return np.concatenate([_lengths(table["input_ids"]) for table in tables])


def _lengths(lists: pyarrow.ChunkedArray) -> np.ndarray:
    lengths: np.ndarray = pyarrow.compute.list_value_length(lists).to_numpy()
    if pyarrow.types.is_list(lists.type.value_type) or pyarrow.types.is_large_list(lists.type.value_type):
        ends = np.cumsum(lengths)
        inner = pyarrow.compute.list_value_length(pyarrow.compute.list_flatten(lists)).to_numpy()
        return np.add.reduceat(inner, ends - lengths)
    return lengths
