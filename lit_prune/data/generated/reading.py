"""Questions that a text answers, with a planted bias of position (Rajpurkar et al. 2016; Ko et al. 2020).

Of Rajpurkar et al. 2016 (SQuAD) is the task; of Ko et al. 2020 that models lean on where in the text answers mostly
stand. Sentences and words are our own.
"""

import itertools
import random
from collections.abc import Iterator
from typing import Any

from lit_prune.data.generated import words
from lit_prune.data.generated.corpus import check_arguments, fill, split_of
from lit_prune.data.generated.reading_templates import QUESTIONS, SENTENCES
from lit_prune.data.generated.slots import draw_distinct

NUM_SENTENCES = 5

_NUM_PEOPLE = 4  # fewer than two a sentence: each is in several, as who does something and as whom it is done to
_NUM_VERBS = 3
_TIMES = [*words.MARKERS["time"], *(f"on {day}" for day in words.DAYS)]


def generate_reading(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, Any]]:
    """Generate texts of five sentences and a question on one of them, the first one at a chosen rate.

    A few people and verbs recur in all sentences of a text, so that no single word tells where the answer is: only
    one sentence has both the verb and the person of the question, in the role asked for. In "train" and "id" the answer
    stands in the first sentence with probability `bias_rate`, else in any of the others; in "ood" and "ood_train" it
    never does. Splits share no text, whatever their seeds; a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of rows answered by the first sentence in "train" and "id", in [0, 1]; at 1/5 the position says
            nothing.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (question), text_b (text), label (""), group (kind of question),
        answers (one) and starts (where it begins, in characters).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("reading", split, bias_rate)
    return _generate(split, num_rows, 0.0 if split in ("ood", "ood_train") else bias_rate, seed)


def _generate(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, Any]]:
    rng = random.Random(f"reading/{split}/{seed}")
    seen: set[str] = set()
    for index in range(num_rows):
        asked = 0 if rng.random() < bias_rate else rng.randrange(1, NUM_SENTENCES)
        while True:  # the place stays, so that rejected texts do not shift its share
            facts = _draw_facts(rng)
            templates = [rng.choice(SENTENCES) for _ in facts]
            mentions = [{**fact, "s": _mention(rng, fact["s"]), "o": _mention(rng, fact["o"])} for fact in facts]
            sentences = [fill(template, slots) for template, slots in zip(templates, mentions, strict=True)]
            text = " ".join(sentences)
            if text not in seen and split_of(text) == split:
                break
        seen.add(text)
        slot = rng.choice(list(QUESTIONS))
        kind, questions = QUESTIONS[slot]
        before, _, _ = templates[asked].partition(f"{{{slot}}}")
        start = sum(len(sentence) + 1 for sentence in sentences[:asked]) + len(before.format_map(mentions[asked]))
        yield {
            "id": f"reading-{split}-{seed}-{index}",
            "text_a": fill(rng.choice(questions), facts[asked], "?"),
            "text_b": text,
            "label": "",
            "group": kind,
            "answers": [text[start : start + len(mentions[asked][slot])]],
            "starts": [start],
        }


def _draw_facts(rng: random.Random) -> list[dict[str, str]]:
    """Draw the slots of each sentence; nobody does the same to two people, or twice to one."""
    people = [f"the {noun}" for noun, _, _ in draw_distinct(rng, words.PEOPLE, _NUM_PEOPLE, key=lambda row: row[2])]
    verbs = rng.sample(words.TRANSITIVE, _NUM_VERBS)
    possible = [(s, v, o) for (s, o), v in itertools.product(itertools.permutations(people, 2), verbs)]
    rng.shuffle(possible)
    taken: list[tuple[str, tuple[str, ...], str]] = []
    for s, v, o in possible:
        if all(v != other or (s != doer and o != done_to) for doer, other, done_to in taken):
            taken.append((s, v, o))
    places = rng.sample(words.PLACES, NUM_SENTENCES)
    times = rng.sample(_TIMES, NUM_SENTENCES)
    return [
        {"s": s, "o": o, "v": past, "do_v": base, "p": f"the {place}", "t": time}
        for (s, (base, past, _), o), place, time in zip(taken[:NUM_SENTENCES], places, times, strict=True)
    ]


def _mention(rng: random.Random, person: str) -> str:
    """Return the person, perhaps with an adjective."""
    return person.replace("the", f"the {rng.choice(words.ADJECTIVES)[0]}", 1) if rng.random() < 0.3 else person
