"""Cuts of a training set for selection that were published: which rows of the official file they take."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from datasets import Dataset

from lit_prune.errors import UserError

_FILES = {"fu2023": "fu2023_splits.json"}  # who published -> the file here: data set -> its rows, those of the cut


@cache
def _cuts() -> dict[str, dict[str, Any]]:
    return {
        f"{who}/{name}": cut
        for who, file in _FILES.items()
        for name, cut in json.loads((files("lit_prune.data") / file).read_text()).items()
    }


def check_published(name: str) -> str:
    """The name of a cut; a UserError where there is none of that name."""
    if name not in _cuts():
        raise UserError(f"validation is {name!r}, needed is a published cut, one of {', '.join(_cuts())}")
    return name


def published_cut(name: str, rows: Dataset) -> tuple[Dataset, Dataset]:
    """The rows that remain and those cut off, both in their order.

    Args:
        name: `fu2023/<data set>`: the tenth of the official training set that Fu et al. 2023 select on.
        rows: The whole official training set, in its order.

    Raises:
        UserError: it has another number of rows.
    """
    cut = _cuts()[name]
    if len(rows) != cut["rows"]:
        raise UserError(
            f"the published cut {name} is of a training set of {cut['rows']} rows, this one has {len(rows)}: give the "
            "official file whole (no drop_incomplete, no `id` cut from it), or leave `validation` out"
        )
    off = np.isin(np.arange(len(rows)), cut["validation"])
    return rows.select(np.flatnonzero(~off)), rows.select(np.flatnonzero(off))
