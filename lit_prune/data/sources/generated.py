"""Rows that the package writes itself: no files, no network, and, where there is a bias, one of known strength."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, cast

from lit_prune.data import generated
from lit_prune.data.generated.acceptability import generate_acceptability
from lit_prune.data.generated.choice import generate_choice
from lit_prune.data.generated.entities import generate_entities
from lit_prune.data.generated.facts import generate_facts
from lit_prune.data.generated.matched_nli import generate_matched_nli
from lit_prune.data.generated.mention import generate_mentions
from lit_prune.data.generated.nli import generate_nli
from lit_prune.data.generated.paraphrase import generate_paraphrase
from lit_prune.data.generated.reading import generate_reading
from lit_prune.data.generated.similarity import generate_restatements, generate_similarity
from lit_prune.data.generated.topics import generate_topics
from lit_prune.data.ood import VALIDATION_OOD
from lit_prune.data.sources.source import Row, Source
from lit_prune.errors import UserError

_MOST_ROWS = 10_000_000


class Generated(Source):
    """A corpus with the splits train and id.

    Args:
        num_train: Rows of the train split.
        num_eval: Rows of each evaluation split.
        seed: Seed of the corpus; not the seed of the training.
        labels: Class of the corpus -> class of the rows, for example to merge two (RTE: contradiction and neutral are
            not_entailment). None keeps all names.

    Raises:
        UserError: a number of rows is out of range.
    """

    version = 1

    def __init__(
        self,
        num_train: int = 20_000,
        num_eval: int = 2_000,
        seed: int = 0,
        labels: dict[str, str] | None = None,
    ) -> None:
        for name, number in (("num_train", num_train), ("num_eval", num_eval)):
            if not 0 <= number <= _MOST_ROWS:
                raise UserError(
                    f"{name} of a generated corpus must be from 0 to {_MOST_ROWS:,}, got {number}: lower it"
                )
        self.num_train = num_train
        self.num_eval = num_eval
        self.seed = seed
        self.labels = labels or {}

    @abstractmethod
    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, Any]]:
        """Generate the rows of a split."""

    def available(self, root: str | None) -> list[str]:
        """Return train and id."""
        return ["train", "id"]

    def fingerprint(self, split: str, root: str | None) -> dict[str, Any]:
        """Return the arguments and a digest of the generators' code, so that changed code generates anew."""
        code = b"".join(path.read_bytes() for path in sorted(Path(generated.__path__[0]).glob("*.py")))
        corpus = type(self).__name__
        return {"corpus": corpus, "split": split, **vars(self), "code": hashlib.sha256(code).hexdigest()}

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`."""
        return self.first_rows(split, self.num_rows(split))

    def first_rows(self, split: str, num_rows: int) -> Iterator[Row]:
        """Yield the first rows of a split, a prefix of any larger number."""
        for row in self.generate(split, num_rows):
            yield cast(Row, {**row, "label": self.labels.get(row["label"], row["label"])})

    def num_rows(self, split: str) -> int:
        """Return the number of rows of a split."""
        return self.num_train if split == "train" else self.num_eval


class Biased(Generated):
    """A corpus with a planted bias, and further splits with none or the opposite one: ood, ood_train, validation_ood.

    Args:
        bias_rate: Share of the train and ID rows in which the bias gives the label away.
        num_train: Rows of the train split.
        num_eval: Rows of each evaluation split.
        num_ood_train: Rows of the ood_train split; 0: there is none.
        seed: Seed of the corpus; not the seed of the training.
        labels: Class of the corpus -> class of the rows. None keeps all names.
        num_validation_ood: Rows of the validation_ood split; 0: there is none.
    """

    def __init__(
        self,
        bias_rate: float = 0.9,
        num_train: int = 20_000,
        num_eval: int = 2_000,
        num_ood_train: int = 0,
        seed: int = 0,
        labels: dict[str, str] | None = None,
        num_validation_ood: int = 0,
    ) -> None:
        super().__init__(num_train, num_eval, seed, labels)
        self.bias_rate = bias_rate
        self.num_ood_train = num_ood_train
        self.num_validation_ood = num_validation_ood

    def available(self, root: str | None) -> list[str]:
        """Return train, id and ood, and ood_train if it has rows."""
        numbers = {"ood_train": self.num_ood_train, VALIDATION_OOD: self.num_validation_ood}
        return [*super().available(root), "ood", *(split for split, number in numbers.items() if number > 0)]

    def rows(self, split: str, root: str | None) -> Iterator[Row]:
        """See `Source.rows`; validation_ood has the words and templates of ood_train, and begins where that ends."""
        if split != VALIDATION_OOD:
            return super().rows(split, root)
        return islice(
            self.first_rows("ood_train", self.num_ood_train + self.num_validation_ood), self.num_ood_train, None
        )

    def num_rows(self, split: str) -> int:
        """Return the number of rows of a split."""
        return self.num_ood_train if split == "ood_train" else super().num_rows(split)


class GeneratedNli(Biased):
    """Natural-language inference, biased by word overlap. At bias rate 1/2 there is no bias.

    Args:
        bias_rate: Share of the train and ID rows in which word overlap gives the label away.
        num_train: Rows of the train split.
        num_eval: Rows of each evaluation split.
        num_ood_train: Rows of the ood_train split; 0: there is none.
        seed: Seed of the corpus; not the seed of the training.
        labels: Class of the corpus -> class of the rows. None keeps all names.
        num_validation_ood: Rows of the validation_ood split; 0: there is none. In version 2 it shares no noun, verb or
            adjective with the OOD sets, and no family of constructions with `ood_heldout`.
        version: 2: see `generate_matched_nli`; it has the further OOD set `ood_heldout`. 1: see `generate_nli`; its OOD
            labels can largely be read from the premise alone.
        train_seed: Seed of the train split: other rows to train on, beside the same evaluation sets. None for `seed`.

    Raises:
        UserError: The version is unknown.
    """

    def __init__(
        self,
        bias_rate: float = 0.9,
        num_train: int = 20_000,
        num_eval: int = 2_000,
        num_ood_train: int = 0,
        seed: int = 0,
        labels: dict[str, str] | None = None,
        num_validation_ood: int = 0,
        version: int = 2,
        train_seed: int | None = None,
    ) -> None:
        super().__init__(bias_rate, num_train, num_eval, num_ood_train, seed, labels, num_validation_ood)
        if version not in (1, 2):
            raise UserError(f"unknown version {version} of the generated NLI corpus: choose from 1, 2")
        self.version = version
        self.train_seed = train_seed

    def available(self, root: str | None) -> list[str]:
        """Return the splits of the version."""
        return super().available(root) + ["ood_heldout"] * (self.version == 2)

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_matched_nli` and `generate_nli`."""
        generate = generate_matched_nli if self.version == 2 else generate_nli
        seed = self.seed if split != "train" or self.train_seed is None else self.train_seed
        return generate(split, num_rows, self.bias_rate, seed)


class GeneratedParaphrase(Biased):
    """Duplicate questions, biased by word overlap: see `generate_paraphrase`. At bias rate 1/2 there is no bias."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_paraphrase`."""
        return generate_paraphrase(split, num_rows, self.bias_rate, self.seed)


class GeneratedFacts(Biased):
    """Fact verification, biased by cues in the claim: see `generate_facts`. At bias rate 1/3 there is no bias."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_facts`."""
        return generate_facts(split, num_rows, self.bias_rate, self.seed)


class GeneratedReading(Biased):
    """Questions answered by spans, biased by the answer's place: see `generate_reading`. At 1/5 there is no bias."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, Any]]:
        """See `generate_reading`."""
        return generate_reading(split, num_rows, self.bias_rate, self.seed)


class GeneratedSimilarity(Biased):
    """Similarity of two sentences, from 0 to 5, biased by word overlap: see `generate_similarity`."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_similarity`."""
        return generate_similarity(split, num_rows, self.bias_rate, self.seed)


class GeneratedRestatements(Generated):
    """Pairs of sentences that state the same facts, without scores: see `generate_restatements`."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_restatements`."""
        return generate_restatements(split, num_rows, self.seed)


class GeneratedTopics(Biased):
    """Texts about any number of topics, biased by the outlet that they are from: see `generate_topics`."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, Any]]:
        """See `generate_topics`."""
        for row in generate_topics(split, num_rows, self.bias_rate, self.seed):
            yield row | {"labels": list(dict.fromkeys(self.labels.get(topic, topic) for topic in row["labels"]))}


class GeneratedEntities(Biased):
    """Sentences with names of persons, places and organisations, biased by their endings: see `generate_entities`.

    Rows are as `ConllFiles` and `SpanFiles` have them. At bias rate 1/3 there is no bias.
    """

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, Any]]:
        """See `generate_entities`."""
        return generate_entities(split, num_rows, self.bias_rate, self.seed)


class GeneratedAcceptability(Generated):
    """Sentences that are acceptable or not, as CoLA: see `generate_acceptability`."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_acceptability`."""
        return generate_acceptability(split, num_rows, self.seed)


class GeneratedChoice(Generated):
    """Causes and effects to choose from, as COPA, with rows as `CopaFiles` has them: see `generate_choice`."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, str]]:
        """See `generate_choice`."""
        return generate_choice(split, num_rows, self.seed)


class GeneratedMentions(Generated):
    """Pronouns and what they may refer to, as WSC, with rows as `WscFiles` has them: see `generate_mentions`."""

    def generate(self, split: str, num_rows: int) -> Iterator[dict[str, Any]]:
        """See `generate_mentions`."""
        return generate_mentions(split, num_rows, self.seed)
