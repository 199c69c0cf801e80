"""The choice of the tokens to keep, by how often texts use them."""

from collections.abc import Mapping

from lit_prune.errors import UserError
from lit_prune.vocabulary.kinds import Kind


def select(kind: Kind, special: set[str], counts: Mapping[str, int], size: int | None, num_beside: int = 0) -> set[str]:
    """Choose the tokens of a tokenizer to keep.

    Args:
        kind: The tokenizer.
        special: Its tokens that must be kept, such as special ones.
        counts: Token -> how often texts use it; others are never used.
        size: The number of tokens to keep: the most frequent ones, and of those that are equally frequent the first
            ones. If None, all that texts use.
        num_beside: Tokens beside those of the kind, which `size` includes.

    Raises:
        UserError: The texts use no token, or `size` is too small or too large.
    """
    used = counts.keys() & kind.ids.keys()
    if size is None and not used - special:
        raise UserError("--keep must be files whose texts have tokens, got none: check --columns, or add a number")
    kept = special | kind.needed(used)
    kept |= {part for token in kept for part in kind.parts(token)}
    if size is None:
        return kept.union(*(kind.parts(token) for token in used))
    smallest, largest = len(kept) + num_beside, len(kind.ids) + num_beside
    if not smallest <= size <= largest:
        raise UserError(
            f"--keep must be from {smallest} to {largest} tokens, got {size}: special tokens and single characters "
            f"are always kept, and the tokenizer has {largest}"
        )
    for token in sorted(kind.ids, key=lambda each: (-counts.get(each, 0), kind.ids[each])):
        if len(kept) + num_beside == size:
            break
        more = kind.parts(token) - kept
        if len(kept) + len(more) + num_beside <= size:
            kept |= more
    return kept
