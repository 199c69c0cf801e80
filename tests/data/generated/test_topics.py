"""The generated corpus of topics: its promises on labels, outlets and splits."""

from collections import Counter

import pytest

from lit_prune.data.generated.corpus import SPLITS
from lit_prune.data.generated.topics import LABELS, generate_topics
from lit_prune.data.generated.topics_templates import DENIALS, NO_TOPIC, TOPICS
from lit_prune.errors import UserError

NUM_ROWS = 1500
OUTLETS = {outlet: topic for topic, (outlet, _) in {**TOPICS, "": NO_TOPIC}.items()}


@pytest.fixture(scope="module")
def rows():
    drawn = {split: list(generate_topics(split, NUM_ROWS, 0.7, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_topics("train", NUM_ROWS, 0.7, seed=2))}


def topic_of_outlet(row):
    (found,) = [topic for outlet, topic in OUTLETS.items() if outlet in row["text_a"]]
    return found


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix(split):
    assert list(generate_topics(split, 50, 0.9, 3)) == list(generate_topics(split, 200, 0.9, 3))[:50]


def test_texts_are_about_none_to_three_topics_each_as_often(rows):
    for drawn in rows.values():
        sizes = Counter(len(row["labels"]) for row in drawn)
        assert {size: count / NUM_ROWS for size, count in sizes.items()} == pytest.approx(
            {0: 0.1, 1: 0.4, 2: 0.3, 3: 0.2}, abs=0.04
        )
        counts = Counter(topic for row in drawn for topic in row["labels"])
        assert {topic: count / NUM_ROWS for topic, count in counts.items()} == pytest.approx(
            dict.fromkeys(LABELS, 1.6 / 6), abs=0.04
        )


def test_a_text_reports_events_of_its_topics_and_of_no_other(rows):
    denied = [frame.partition("{")[0] for frame in DENIALS]
    words = {
        topic: {word.lower() for _, *slots in templates for slot in slots for word in slot}
        for topic, (_, templates) in TOPICS.items()
    }
    for row in rows["train"]:
        sentences = row["text_a"].lower().split(". ")
        reported = [each for each in sentences if not any(each.startswith(start) for start in denied)]
        found = {topic for topic in LABELS for each in reported if sum(word in each for word in words[topic]) > 1}
        assert row["labels"] == sorted(found, key=LABELS.index)


@pytest.mark.parametrize("bias_rate", [0.0, 0.5, 0.9, 1.0])
def test_the_bias_rate_is_that_of_outlets_with_a_topic_of_the_text(bias_rate):
    drawn = list(generate_topics("train", NUM_ROWS, bias_rate, seed=5))
    for row in drawn:
        assert (row["group"] == "aligned") == (topic_of_outlet(row) in (row["labels"] or [""]))
    share = sum(row["group"] == "aligned" for row in drawn) / NUM_ROWS
    assert share == pytest.approx(bias_rate, abs=0.03 if 0 < bias_rate < 1 else 0)


@pytest.mark.parametrize("split", ["ood", "ood_train"])
def test_an_ood_outlet_predicts_nothing(rows, split):
    outlets = [topic_of_outlet(row) for row in rows[split]]
    for topic in LABELS:
        numbers = [number for number, outlet in enumerate(outlets) if outlet == topic]
        of_outlet = [topic in rows[split][number]["labels"] for number in numbers]
        assert len(of_outlet) / NUM_ROWS == pytest.approx(1 / 7, abs=0.04)
        assert sum(of_outlet) / len(of_outlet) == pytest.approx(1.6 / 6, abs=0.1)


def test_splits_share_no_text_even_across_seeds_and_none_is_repeated(rows):
    texts = {name: {row["text_a"] for row in drawn} for name, drawn in rows.items()}
    assert all(len(each) == NUM_ROWS for each in texts.values())
    names = list(SPLITS)
    assert not any(texts[one] & texts[other] for one in names for other in names if one < other)


def test_wrong_arguments_are_named():
    with pytest.raises(UserError, match=r"bias_rate must be from 0 to 1, got 1\.5"):
        next(generate_topics("train", 1, 1.5, 0))
    with pytest.raises(UserError, match="unknown split 'dev'"):
        next(generate_topics("dev", 1, 0.5, 0))
