"""Rows that the package writes itself: no files, no network, and a bias whose strength is known."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from lit_prune.data import generated
from lit_prune.data.generated.facts import generate_facts
from lit_prune.data.generated.nli import generate_nli
from lit_prune.data.generated.paraphrase import generate_paraphrase
from lit_prune.data.generated.reading import generate_reading
from lit_prune.data.generated.similarity import generate_similarity
from lit_prune.data.sources.source import Row, Source


class Generated(Source):
    """A corpus with the splits train, id, ood and ood_train.

    Args:
        bias_rate: Share of the train and ID rows in which the bias gives the label away.
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

    @abstractmethod
    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, Any]]:
        """The rows of a split."""

    def available(self, root: str | None) -> list[str]:
        """The splits train, id and ood, and ood_train if it has rows."""
        return ["train", "id", "ood"] + ["ood_train"] * (self.num_ood_train > 0)

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """The arguments, and a digest of the generators' code: a corpus is never older than what writes it."""
        code = b"".join(path.read_bytes() for path in sorted(Path(generated.__path__[0]).glob("*.py")))
        corpus = type(self).__name__
        return {"corpus": corpus, "split": split, **vars(self), "code": hashlib.sha256(code).hexdigest()}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        num_rows = {"train": self.num_train, "ood_train": self.num_ood_train}.get(split, self.num_eval)
        return cast(Iterator[Row], self.generate(split, num_rows))


class GeneratedNli(Generated):
    """Natural-language inference, biased by word overlap: see `generate_nli`. At bias rate 1/2 there is no bias."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_nli`."""
        return generate_nli(split, num_rows, self.bias_rate, self.seed)


class GeneratedParaphrase(Generated):
    """Duplicate questions, biased by word overlap: see `generate_paraphrase`. At bias rate 1/2 there is no bias."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_paraphrase`."""
        return generate_paraphrase(split, num_rows, self.bias_rate, self.seed)


class GeneratedFacts(Generated):
    """Fact verification, biased by cues in the claim: see `generate_facts`. At bias rate 1/3 there is no bias."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_facts`."""
        return generate_facts(split, num_rows, self.bias_rate, self.seed)


class GeneratedReading(Generated):
    """Questions answered by spans, biased by the answer's place: see `generate_reading`. At 1/5 there is no bias."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, Any]]:
        """See `generate_reading`."""
        return generate_reading(split, num_rows, self.bias_rate, self.seed)


class GeneratedSimilarity(Generated):
    """How alike two sentences are, from 0 to 5, biased by word overlap: see `generate_similarity`."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_similarity`."""
        return generate_similarity(split, num_rows, self.bias_rate, self.seed)
