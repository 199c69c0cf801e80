"""Kinds of tokenizers, as data of `tokenizer.json`: the tokens that must stay, and the model with fewer tokens.

Each kind tokenises a text exactly as before if all tokens of the text are kept. WordPiece takes the longest token at
each place, which is still there. BPE applies the first merge of its list that fits, again and again, and all merges
that made the text's tokens are kept (`parts`). Unigram takes the segmentation of the highest score (Kudo 2018), and its
scores stay; that of unknown characters depends on the lowest-scored piece, which stays too.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from lit_prune.errors import UserError

BYTES = frozenset(f"<0x{number:02X}>" for number in range(256))  # tokens of `byte_fallback`


class Kind(ABC):
    """A kind of tokenizer.

    Args:
        model: The object `model` of a `tokenizer.json`.

    Attributes:
        ids: Token -> id.
    """

    name: ClassVar[str]

    def __init__(self, model: Mapping[str, Any]) -> None:
        self.model = model
        self.ids: dict[str, int] = self._ids()

    def _ids(self) -> dict[str, int]:
        return dict(self.model["vocab"])

    @property
    def unknown(self) -> int | None:
        """Id of the token for what no other token spells, or None."""
        return self.ids.get(self.model.get("unk_token"))  # type: ignore[arg-type]

    def needed(self, used: Collection[str]) -> set[str]:
        """Return the tokens that must stay: the unknown token, and those that spell any text.

        Args:
            used: The tokens of the texts.
        """
        return {token for token, number in self.ids.items() if number == self.unknown}

    def parts(self, token: str) -> set[str]:
        """Return the tokens without which the tokenizer cannot produce a token, with the token itself."""
        return {token}

    @abstractmethod
    def with_tokens(self, tokens: Sequence[str]) -> dict[str, Any]:
        """Return the model with some of its tokens, whose ids are their positions."""


class _Numbered(Kind):
    """A kind whose vocabulary maps tokens to ids."""

    def with_tokens(self, tokens: Sequence[str]) -> dict[str, Any]:
        """See `Kind.with_tokens`."""
        return {**self.model, "vocab": {token: number for number, token in enumerate(tokens)}}


class WordLevel(_Numbered):
    """A token for each whole word."""

    name = "WordLevel"


class WordPiece(_Numbered):
    """The longest token first (Wu et al. 2016); every single character stays, at the beginning and inside of words."""

    name = "WordPiece"

    def needed(self, used: Collection[str]) -> set[str]:
        """Return the unknown token and all single characters, with and without the prefix of continued words."""
        prefix = self.model["continuing_subword_prefix"]
        return super().needed(used) | {token for token in self.ids if len(token.removeprefix(prefix)) == 1}


class Bpe(_Numbered):
    """Byte-pair encoding (Sennrich et al. 2016), of bytes or of characters, with or without a fallback to bytes."""

    name = "BPE"

    def __init__(self, model: Mapping[str, Any]) -> None:
        super().__init__(model)
        for setting in ("continuing_subword_prefix", "end_of_word_suffix"):
            if model.get(setting):
                raise UserError(
                    f"{setting} of the tokenizer must be empty, got {model[setting]!r}: its merges cannot be rewritten"
                )
        self._merges = [tuple(pair.split(" ") if isinstance(pair, str) else pair) for pair in model["merges"]]
        self._ranks = {pair: rank for rank, pair in enumerate(self._merges)}

    def needed(self, used: Collection[str]) -> set[str]:
        """Return the unknown token and all bytes; or all characters if there is no fallback to bytes."""
        alphabet = BYTES & self.ids.keys() if self.model.get("byte_fallback") else {t for t in self.ids if len(t) == 1}
        return super().needed(used) | alphabet

    def parts(self, token: str) -> set[str]:
        """Return a token with all tokens that its merges go through.

        They are the same in every text: merges across the borders of the token would have prevented it.
        """
        symbols, seen = list(token), {token, *token}
        while len(symbols) > 1:
            pairs = list(pairwise(symbols))
            first = min(range(len(pairs)), key=lambda place: self._ranks.get(pairs[place], len(self._ranks)))
            if pairs[first] not in self._ranks:
                return {token}  # no merges lead to it: it is taken as a whole (`ignore_merges`), or never
            symbols[first : first + 2] = ["".join(pairs[first])]
            seen.add(symbols[first])
        return seen & self.ids.keys()

    def with_tokens(self, tokens: Sequence[str]) -> dict[str, Any]:
        """Return the model with the merges, in their order, whose two parts and whose result are kept."""
        kept = set(tokens)
        merges = [list(pair) for pair in self._merges if kept.issuperset((*pair, "".join(pair)))]
        return {**super().with_tokens(tokens), "merges": merges}


class Unigram(Kind):
    """The most probable segmentation (Kudo 2018)."""

    name = "Unigram"

    def _ids(self) -> dict[str, int]:
        return {token: number for number, (token, _) in enumerate(self.model["vocab"])}

    @property
    def unknown(self) -> int | None:
        """See `Kind.unknown`."""
        number: int | None = self.model["unk_id"]
        return number

    def needed(self, used: Collection[str]) -> set[str]:
        """Return the unknown token, the lowest-scored one, the characters of the texts, and bytes if they are used."""
        lowest, _ = min(self.model["vocab"], key=lambda piece: piece[1])
        fallback = BYTES if self.model.get("byte_fallback") else set()
        characters = {character for token in used for character in token}
        return super().needed(used) | {lowest} | ((characters | fallback) & self.ids.keys())

    def with_tokens(self, tokens: Sequence[str]) -> dict[str, Any]:
        """Return the model with the scores of its pieces."""
        scores = dict(self.model["vocab"])
        unknown = None if self.unknown is None else tokens.index(self.model["vocab"][self.unknown][0])
        return {**self.model, "vocab": [[token, scores[token]] for token in tokens], "unk_id": unknown}


KINDS: dict[str, type[Kind]] = {kind.name: kind for kind in (WordPiece, Bpe, Unigram, WordLevel)}


def kind_of(model: Mapping[str, Any]) -> Kind:
    """Return the kind of the object `model` of a `tokenizer.json`.

    Raises:
        UserError: The kind is unknown, or has merges that cannot be rewritten.
    """
    name = str(model.get("type"))
    if name not in KINDS:
        raise UserError(f"unknown kind {name!r} of tokenizer: choose from models with {', '.join(KINDS)}")
    return KINDS[name](model)
