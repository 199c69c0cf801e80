"""The generated reading corpus: every answer stands where it should, and nowhere else."""

import hashlib
import re
from collections import Counter

import pytest

from lit_prune.data.generated import words
from lit_prune.data.generated.corpus import SPLITS
from lit_prune.data.generated.reading import NUM_SENTENCES, generate_reading
from lit_prune.data.generated.reading_templates import QUESTIONS, SENTENCES
from lit_prune.errors import UserError

NUM_ROWS = 1000


@pytest.fixture(scope="module")
def rows():
    """Rows of every split, and of a second seed of "train"."""
    drawn = {split: list(generate_reading(split, NUM_ROWS, 1 / 5, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_reading("train", NUM_ROWS, 1 / 5, seed=2))}


def sentences(row):
    return re.findall(r"[^.]+\.", row["text_b"])


def sentence_of(row):
    """Number of the sentence that the answer stands in."""
    return row["text_b"][: row["starts"][0]].count(".")


def test_rows_are_the_same_in_every_process():
    rows = list(generate_reading("id", 100, 0.9, 7))
    # A changed grammar changes this digest.
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == "5231ca2bce44d743"


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix(split):
    assert list(generate_reading(split, 31, 0.9, 3)) == list(generate_reading(split, 80, 0.9, 3))[:31]


def test_every_answer_stands_at_its_start_and_is_whole(rows):
    people = r"([Tt]he)( [a-z]+){1,2}"
    patterns = {
        "who": people,
        "whom": people,
        "where": r"the [a-z]+",
        "when": r"([Oo]n \w+day|[A-Za-z]+( [a-z]+){0,2})",
    }
    for row in (row for drawn in rows.values() for row in drawn):
        (answer,), (start,) = row["answers"], row["starts"]
        end = start + len(answer)
        assert row["text_b"][start:end] == answer
        assert not row["text_b"][start - 1 : start].isalpha()
        assert not row["text_b"][end : end + 1].isalpha()
        assert re.fullmatch(patterns[row["group"]], answer)
        assert row["label"] == ""


NOUN = f"({'|'.join(noun for noun, _, _ in words.PEOPLE)})"
BASE = {past: base for base, past, _ in words.TRANSITIVE}


def fact(sentence):
    """Who does what to whom in a sentence: (doer, past, whom)."""
    person = rf"the (?:\w+ )?{NOUN}"
    passive = re.search(rf"{person} was (?:in the \w+ and was )?(\w+) by {person}\b", sentence.lower())
    if passive:
        return passive.groups()[::-1]
    return re.search(rf"{person}(?: who| was in the \w+ and)? (\w+) {person}\b", sentence.lower()).groups()


def fits(doer, past, whom, question):
    """Whether a sentence's fact is what is asked after, by all forms that a question has."""
    asked = {
        "who": [f"{past} the {whom}", f"whom was the {whom} {past}"],
        "whom": [f"did the {doer} {BASE[past]}", f"was {past} by the {doer}"],
        "where": [f"did the {doer} {BASE[past]} the {whom}", f"was the {whom} {past} by the {doer}"],
    }
    return any(each in question["text_a"].lower() for each in asked.get(question["group"], asked["where"]))


def test_only_the_sentence_of_the_answer_has_what_the_question_says(rows):
    for row in rows["train"]:
        found = [number for number, sentence in enumerate(sentences(row)) if fits(*fact(sentence), row)]
        assert found == [sentence_of(row)], row


def test_the_others_share_its_people_and_verbs(rows):
    """Neither the verb nor the person of the question alone tells the sentence."""
    shared = Counter()
    for row in rows["train"]:
        facts = [fact(sentence) for sentence in sentences(row)]
        doer, past, whom = facts.pop(sentence_of(row))
        shared["verb"] += any(other == past for _, other, _ in facts)
        shared["person"] += any({doer, whom} & {one, other} for one, _, other in facts)
    assert min(shared.values()) > 0.7 * NUM_ROWS


@pytest.mark.parametrize("bias_rate", [0.0, 1 / 5, 0.9, 1.0])
@pytest.mark.parametrize("split", ["train", "id"])
def test_the_first_sentence_answers_at_the_bias_rate_and_the_others_alike(split, bias_rate):
    counts = Counter(sentence_of(row) for row in generate_reading(split, NUM_ROWS, bias_rate, seed=5))
    assert counts[0] / NUM_ROWS == pytest.approx(bias_rate, abs=0.04 if 0 < bias_rate < 1 else 0)
    for number in range(1, NUM_SENTENCES):
        assert counts[number] / NUM_ROWS == pytest.approx((1 - bias_rate) / (NUM_SENTENCES - 1), abs=0.04)


@pytest.mark.parametrize("split", ["ood", "ood_train"])
def test_out_of_distribution_the_first_sentence_never_answers(rows, split):
    assert {sentence_of(row) for row in rows[split]} == set(range(1, NUM_SENTENCES))
    assert list(generate_reading(split, 48, 0.1, 1)) == list(generate_reading(split, 48, 0.9, 1))


def test_splits_share_no_text_even_across_seeds_and_none_is_repeated(rows):
    texts = {name: {row["text_b"] for row in drawn} for name, drawn in rows.items()}
    assert {len(each) for each in texts.values()} == {NUM_ROWS}
    for number, name in enumerate(texts):
        assert not any(texts[name] & texts[other] for other in list(texts)[:number])


def test_all_kinds_of_questions_are_asked_alike(rows):
    counts = Counter(row["group"] for row in rows["train"])
    assert {kind: count / NUM_ROWS for kind, count in counts.items()} == pytest.approx(
        {kind: 1 / 4 for kind, _ in QUESTIONS.values()}, abs=0.05
    )


def test_every_template_names_each_slot_once():
    for template in SENTENCES:
        assert sorted(re.findall(r"{(\w+)}", template)) == ["o", "p", "s", "t", "v"]
    for slot, (_, questions) in QUESTIONS.items():
        assert all(f"{{{slot}}}" not in question for question in questions)


def test_sentences_are_clean(rows):
    for row in (row for drawn in rows.values() for row in drawn):
        assert re.fullmatch(r"[A-Z][a-z]+( [A-Za-z]+)*\?", row["text_a"]), row
        assert re.fullmatch(r"([A-Z][a-z]*(,? [A-Za-z]+)*\. ?)+", row["text_b"]), row
        assert len(sentences(row)) == NUM_SENTENCES


@pytest.mark.parametrize(("split", "rate", "message"), [("dev", 0.5, "'dev' of the"), ("id", 1.5, "got 1.5")])
def test_what_cannot_be_generated_is_refused_at_once(split, rate, message):
    with pytest.raises(UserError, match=message):
        generate_reading(split, 10, rate, 1)
