"""Single sentences that are acceptable or not, as of CoLA (Warstadt et al. 2019), by a few rules of English grammar.

Of Warstadt et al. 2019 is the task. What is wrong with a sentence is known: the form of a verb, the order of words, a
determiner, or what a verb goes with. Sentences and words are our own.
"""

import random
from collections.abc import Iterator

from lit_prune.data.generated.acceptability_templates import CHOICES, DETERMINERS, NOUNS, TEMPLATES, VERBS, with_s
from lit_prune.data.generated.corpus import check_split, fill, split_of

ACCEPTABLE = 0.7  # the share of such rows, as in CoLA


def generate_acceptability(split: str, num_rows: int, seed: int) -> Iterator[dict[str, str]]:
    """Generate sentences: seven in ten are acceptable, the others have one mistake.

    Every word is as likely in the ones as in the others, and what has to agree may stand apart. Splits share no
    sentence, nor what it is without its mistake, whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train"; all are drawn alike.
        num_rows: How many rows to generate.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (sentence), text_b (""), label ("acceptable" or "unacceptable") and
        group (the rule that the sentence keeps or breaks).

    Raises:
        UserError: The split is unknown.
    """
    check_split("acceptability", split)
    rng = random.Random(f"acceptability/{split}/{seed}")
    seen: set[str] = set()
    for index in range(num_rows):
        acceptable = rng.random() < ACCEPTABLE
        family = rng.choice(list(TEMPLATES))
        while True:  # the label and family stay, so that rejected sentences do not shift their shares
            slots = _Slots(rng)
            right, wrong = rng.choice(TEMPLATES[family])
            corrected = fill(right, slots)
            text = corrected if acceptable else fill(rng.choice(wrong), slots)
            if text not in seen and split_of(text) == split_of(corrected) == split:
                break
        seen.add(text)
        yield {
            "id": f"acceptability-{split}-{seed}-{index}",
            "text_a": text,
            "text_b": "",
            "label": "acceptable" if acceptable else "unacceptable",
            "group": family,
        }


class _Slots(dict[str, str]):
    """The words of one sentence; each is drawn when a template first asks for it and then stays."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self._people = dict(zip("abcxy", rng.sample(NOUNS, 5), strict=True))
        self._are_several = {name: rng.random() < 0.5 for name in "abc"} | {"x": False, "y": True}
        self._verbs = {kind: rng.choice(verbs) for kind, verbs in VERBS.items()}

    def __missing__(self, slot: str) -> str:
        self[slot] = self._draw(slot)
        return self[slot]

    def _draw(self, slot: str) -> str:
        name, *form, owner = slot.split("_") if "_" in slot else ("phrase", slot)
        if slot in CHOICES:
            return self._rng.choice(CHOICES[slot])
        several = self._are_several[owner]
        if name in self._verbs:
            return self._verbs[name] if several != bool(form) else with_s(self._verbs[name])
        if name == "noun":
            return with_s(self._people[owner]) if several else self._people[owner]
        if name == "det":
            return self._rng.choice(DETERMINERS[several])
        parts = [self[f"noun_{owner}"]]
        if self._rng.random() < 0.3:
            parts.insert(0, self._rng.choice(CHOICES["adj"]))
        if not several or self._rng.random() < 0.7:
            parts.insert(0, self[f"det_{owner}"])
        return " ".join(parts)
