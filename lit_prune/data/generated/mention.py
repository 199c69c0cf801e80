"""Pronouns and what they may refer to, as of WSC (Levesque et al. 2012), by a table of who has reason to do what.

Of Levesque et al. 2012 is the task, and that one word turns the answer round. Sentences and words are our own.
"""

import random
import re
from collections.abc import Iterator
from typing import Any

from lit_prune.data.generated import words
from lit_prune.data.generated.corpus import check_split, fill, split_of
from lit_prune.data.generated.mention_templates import DEEDS, LINKS
from lit_prune.data.generated.slots import draw_distinct


def generate_mentions(split: str, num_rows: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate sentences in which one person does something to another because "they" have reason to, and a person.

    Each deed has a counterpart and each reason another, which turn the answer round: it takes both, and who is who, to
    tell whether the pronoun is the person. No part of a row says anything alone. Splits share no text, whatever their
    seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train"; all are drawn alike.
        num_rows: How many rows to generate.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (the sentence), text_b (""), label ("same" or "other"), group
        ("subject" or "object", the person's part) and mentions (of the person and of the pronoun: where it begins and
        ends, in characters).

    Raises:
        UserError: The split is unknown.
    """
    check_split("mention", split)
    rng = random.Random(f"mention/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        label, group = rng.choice(("same", "other")), rng.choice(("subject", "object"))
        while True:  # label and group stay, so that rejected rows do not shift their shares
            deeds, reasons = rng.choice(DEEDS)
            deed = rng.randrange(2)
            of_the_subject = (group == "subject") == (label == "same")
            reason = reasons[deed if of_the_subject else 1 - deed]
            people = draw_distinct(rng, words.PEOPLE, 2, key=lambda row: row[2])
            slots = {name: f"the {noun}" for name, (noun, _, _) in zip("so", people, strict=True)}
            when = rng.choice(("", f" {rng.choice(words.MARKERS['time'])}"))
            text = fill(f"{{s}} {deeds[deed]}{when} {rng.choice(LINKS)} {reason}", slots)
            if (text, group) not in seen and split_of(text) == split:
                break
        seen.add((text, group))
        person = slots["s" if group == "subject" else "o"]
        yield {
            "id": f"mention-{split}-{seed}-{index}",
            "text_a": text,
            "text_b": "",
            "label": label,
            "group": group,
            "mentions": [_place(text, person), _place(text, "they")],
        }


def _place(text: str, mention: str) -> list[int]:
    """Return the first character of a mention's words and the one after its last."""
    return [*next(re.finditer(rf"\b{mention}\b", text, re.IGNORECASE)).span()]
