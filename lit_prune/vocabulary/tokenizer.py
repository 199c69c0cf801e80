"""`TokenizerFiles`: the files of a fast tokenizer as data, and the same with fewer tokens."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from lit_prune.errors import UserError
from lit_prune.limits import read_bounded
from lit_prune.vocabulary.kinds import Kind, kind_of

FILE = "tokenizer.json"
SETTINGS = "tokenizer_config.json"


@dataclass(frozen=True)
class Numbering:
    """The tokens of a smaller vocabulary.

    Attributes:
        tokens: Those of the tokenizer's model, in the order of their new ids.
        old_ids: The old id of each new id, for the model's tokens and the added ones after them.
    """

    tokens: Sequence[str]
    old_ids: Sequence[int]

    @cached_property
    def new_ids(self) -> dict[int, int]:
        """Old id -> new id."""
        return {old: new for new, old in enumerate(self.old_ids)}

    def convert(self, value: Any) -> Any:
        """Return an id, or a list of ids, of the new vocabulary.

        Raises:
            UserError: A token is not kept.
        """
        if isinstance(value, list):
            return [self.convert(each) for each in value]
        if value not in self.new_ids:
            raise UserError(f"ids of special tokens must be those of kept tokens, got {value}: correct {FILE}")
        return self.new_ids[value]


class TokenizerFiles:
    """The files of a fast tokenizer.

    Args:
        folder: A folder that a tokenizer was saved to.

    Raises:
        UserError: The kind of tokenizer is unknown, or has merges that cannot be rewritten.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.content: dict[str, Any] = json.loads(read_bounded(self.path))
        self.settings: dict[str, Any] = json.loads(read_bounded(folder / SETTINGS))
        self.kind: Kind = kind_of(self.content["model"])
        self._tokenizer = Tokenizer.from_file(str(self.path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the ids of texts, without special tokens around them."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    @property
    def added(self) -> dict[str, int]:
        """The added tokens, special ones among them, which all stay: token -> id."""
        return {each["content"]: each["id"] for each in self.content["added_tokens"]}

    @property
    def beside(self) -> list[int]:
        """Ids of added tokens that the tokenizer's model lacks, in their order."""
        return sorted(number for token, number in self.added.items() if token not in self.kind.ids)

    def named(self, ids: Iterable[int]) -> list[str]:
        """Return the tokens that some ids have, without those that the tokenizer's model lacks."""
        tokens = {number: token for token, number in self.kind.ids.items()}
        return [tokens[number] for number in ids if number in tokens]

    def number(self, kept: set[str]) -> Numbering:
        """Number the kept tokens of the model from 0, in their order, and the added tokens that it lacks after them.

        Added tokens keep their ids if these are below the number of tokens, as do RoBERTa's, which computes positions
        from the id of padding.
        """
        ids = self.kind.ids
        fixed = {ids[token]: token for token in kept & self.added.keys() if ids[token] < len(kept)}
        others = iter(sorted(kept - set(fixed.values()), key=ids.__getitem__))
        tokens = [fixed[number] if number in fixed else next(others) for number in range(len(kept))]
        return Numbering(tokens, [*(ids[token] for token in tokens), *self.beside])

    def write(self, numbering: Numbering, folder: Path) -> None:
        """Write the files with fewer tokens.

        Args:
            numbering: The tokens.
            folder: An existing folder.

        Raises:
            UserError: The post-processor adds a token that is not kept.
        """
        convert = numbering.convert
        added = sorted(
            ({**each, "id": convert(each["id"])} for each in self.content["added_tokens"]), key=lambda each: each["id"]
        )
        content = {
            **self.content,
            "added_tokens": added,
            "post_processor": _converted(self.content["post_processor"], convert),
            "model": self.kind.with_tokens(numbering.tokens),
        }
        if content.get("padding"):
            content["padding"] = {**content["padding"], "pad_id": convert(content["padding"]["pad_id"])}
        settings = dict(self.settings)
        if "added_tokens_decoder" in settings:
            decoder = settings["added_tokens_decoder"].items()
            settings["added_tokens_decoder"] = {str(convert(int(number))): each for number, each in decoder}
        for name, values in ((FILE, content), (SETTINGS, settings)):
            (folder / name).write_text(json.dumps(values, ensure_ascii=False, indent=1))


def _converted(processor: Mapping[str, Any] | None, convert: Callable[[Any], Any]) -> dict[str, Any] | None:
    """Return a post-processor with new ids."""
    if processor is None:
        return None
    changed = dict(processor)
    for name in {"sep", "cls"} & changed.keys():  # of BERT and RoBERTa: pairs of token and id
        token, number = changed[name]
        changed[name] = [token, convert(number)]
    if processor["type"] == "TemplateProcessing":
        tokens = processor["special_tokens"].items()
        changed["special_tokens"] = {name: {**each, "ids": convert(each["ids"])} for name, each in tokens}
    if processor["type"] == "Sequence":
        changed["processors"] = [_converted(each, convert) for each in processor["processors"]]
    return changed
