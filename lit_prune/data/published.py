"""Published validation cuts of training sets: the rows of the official file that they take."""

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from lit_prune.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

_FILES = {"fu2023": "fu2023_splits.json"}  # publication -> file: data set -> number of rows, rows of the cut


@cache
def _cuts() -> dict[str, dict[str, Any]]:
    return {
        f"{who}/{name}": cut
        for who, file in _FILES.items()
        for name, cut in json.loads((files("lit_prune.data") / file).read_text()).items()
    }


def check_published(name: str) -> str:
    """Return the name of a published cut; a UserError if there is none of that name."""
    if name not in _cuts():
        raise UserError(f"unknown validation {name!r}: choose from {', '.join(_cuts())}, the published cuts")
    return name


def published_cut(name: str, rows: "Dataset") -> "tuple[Dataset, Dataset]":
    """Return the rows that remain and those of a published cut, both in their order.

    Args:
        name: `fu2023/<data set>`: the tenth of the official training set that Fu et al. 2023 select on.
        rows: The whole official training set, in its order.

    Raises:
        UserError: the rows are more or fewer.
    """
    cut = _cuts()[name]
    if len(rows) != cut["rows"]:
        raise UserError(
            f"the training set that {name} cuts must have {cut['rows']} rows, got {len(rows)}: give the official file "
            "whole (no drop_incomplete, no `id` cut from it), or leave `validation` out"
        )
    off = np.isin(np.arange(len(rows)), cut["validation"])
    return rows.select(np.flatnonzero(~off)), rows.select(np.flatnonzero(off))
