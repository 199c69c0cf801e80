"""Rows that the package writes itself."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from lit_prune.data.generated import nli
from lit_prune.data.sources.source import Row, Source


class GeneratedNli(Source):
    """The NLI corpus that the package writes itself: no files, no network, and a bias whose strength is known.

    Args:
        bias_rate: Share of the train and ID rows in which word overlap gives the label away.
        num_train: Rows of the train split.
        num_eval: Rows of each evaluation split.
        num_ood_train: Rows of the ood_train split; 0: there is none.
        seed: Seed of the corpus; not the seed of the training.
    """

    def __init__(
        self,
        bias_rate: float = 0.9,
        num_train: int = 20_000,
        num_eval: int = 2_000,
        num_ood_train: int = 0,
        seed: int = 0,
    ) -> None:
        self.bias_rate = bias_rate
        self.num_train = num_train
        self.num_eval = num_eval
        self.num_ood_train = num_ood_train
        self.seed = seed

    def available(self, root: str | None) -> list[str]:
        """The splits train, id and ood, and ood_train if it has rows."""
        return ["train", "id", "ood"] + ["ood_train"] * (self.num_ood_train > 0)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """The arguments, and a digest of the generator's code: a corpus is never older than what writes it."""
        code = b"".join(path.read_bytes() for path in sorted(Path(nli.__file__).parent.glob("*.py")))
        return {"split": split, **vars(self), "code": hashlib.sha256(code).hexdigest()}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        num_rows = {"train": self.num_train, "ood_train": self.num_ood_train}.get(split, self.num_eval)
        return cast(Iterator[Row], nli.generate_nli(split, num_rows, self.bias_rate, self.seed))
