"""Short texts about any number of topics, with a planted bias of the outlet that prints them.

A text has the topics of the events that it reports. It also denies events of other topics, so that words alone do not
give the labels away. Each text names its outlet; outlets have a topic that they mostly write on, which is the bias.
Sentences and words are our own.
"""

import random
from collections.abc import Iterator
from typing import Any

from lit_prune.data.generated.corpus import check_arguments, fill, split_of
from lit_prune.data.generated.topics_templates import DENIALS, NO_TOPIC, REPORTS, TOPICS

LABELS = tuple(TOPICS)
NUM_SENTENCES = 4
_NUM_TOPICS, _WEIGHTS = (0, 1, 2, 3), (1, 4, 3, 2)
_DENIED = 0.5  # share of the sentences on none of a text's topics that deny an event of another
_ABOUT = {**TOPICS, "": NO_TOPIC}
_BYLINES = ("from the {outlet}", "as the {outlet} reports", "printed by the {outlet}")


def generate_topics(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, Any]]:
    """Generate texts of four sentences about none to three topics, in which the outlet predicts a topic.

    One in ten texts has no topic. In "train" and "id" a row is bias-aligned with probability `bias_rate`: its
    outlet is that of one of its topics (of none, for a text without a topic), else that of another. In "ood" and
    "ood_train" the outlet is drawn at random, so that it predicts nothing. Splits share no text, whatever their seeds;
    a smaller `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train".
        num_rows: How many rows to generate.
        bias_rate: Share of bias-aligned rows in "train" and "id", in [0, 1].
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a, text_b (""), label (""), labels (the topics) and group (whether
        the outlet is that of one of them: aligned or opposed).

    Raises:
        UserError: The split is unknown or the bias rate lies outside [0, 1].
    """
    check_arguments("topics", split, bias_rate)
    return _generate(split, num_rows, bias_rate, seed)


def _generate(split: str, num_rows: int, bias_rate: float, seed: int) -> Iterator[dict[str, Any]]:
    rng = random.Random(f"topics/{split}/{seed}")
    seen: set[str] = set()
    for index in range(num_rows):
        topics = rng.sample(LABELS, *rng.choices(_NUM_TOPICS, _WEIGHTS))
        own = topics or [""]
        outlets = list(_ABOUT)
        if split in ("train", "id"):
            outlets = own if rng.random() < bias_rate else [each for each in _ABOUT if each not in own]
        outlet = rng.choice(outlets)
        while (text := _text(rng, topics, outlet)) in seen or split_of(text) != split:
            pass
        seen.add(text)
        yield {
            "id": f"topics-{split}-{seed}-{index}",
            "text_a": text,
            "text_b": "",
            "label": "",
            "labels": sorted(topics, key=LABELS.index),
            "group": "aligned" if outlet in own else "opposed",
        }


def _text(rng: random.Random, topics: list[str], outlet: str) -> str:
    """Draw a report on each topic, denials, and sentences about nothing, in any order; the byline is first or last."""
    sentences = [fill(rng.choice(REPORTS), {"event": _event(rng, topic)}) for topic in topics]
    others = [topic for topic in LABELS if topic not in topics]
    while len(sentences) < NUM_SENTENCES:
        if rng.random() < _DENIED:
            sentences.append(fill(rng.choice(DENIALS), {"event": _event(rng, rng.choice(others))}))
        else:
            sentences.append(fill("{event}", {"event": _event(rng, "")}))
    rng.shuffle(sentences)
    byline = fill(rng.choice(_BYLINES), {"outlet": _ABOUT[outlet][0]})
    return " ".join([byline, *sentences] if rng.random() < 0.5 else [*sentences, byline])


def _event(rng: random.Random, topic: str) -> str:
    template, *words = rng.choice(_ABOUT[topic][1])
    return template.format_map(dict(zip("ab", map(rng.choice, words), strict=True)))
