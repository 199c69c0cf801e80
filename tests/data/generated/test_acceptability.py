"""The generated acceptability corpus: its promises on labels, splits and words."""

import re
from collections import Counter

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef

from lit_prune.data.generated.acceptability import ACCEPTABLE, generate_acceptability
from lit_prune.data.generated.acceptability_templates import CHOICES, DETERMINERS, NOUNS, TEMPLATES, VERBS, with_s
from lit_prune.data.generated.corpus import SPLITS, fill, split_of
from lit_prune.errors import UserError

NUM_ROWS = 2000

# A grammar of its own, over letters for the kinds of words: small ones for one person, capitals for several.
KINDS = {
    **{with_s(noun): "N" for noun in NOUNS},
    **{noun: "n" for noun in NOUNS},
    **{word: "D" for word in DETERMINERS[True]},
    **{word: "d" for word in DETERMINERS[False]},
    **{
        word: letter
        for slot, letter in {"adj": "a", "adv": "v", "near": "p", "place": "l"}.items()
        for word in CHOICES[slot]
    },
    **{verb: kind.upper() for kind, verbs in VERBS.items() for verb in verbs},
    **{with_s(verb): kind for kind, verbs in VERBS.items() for verb in verbs},
    **{"the": "e", "who": "w", "whom": "m", "that": "c", "and": "&", "because": "&", "in": "@"},
}
ONE, SEVERAL = "[ed]a?n", "[eD]?a?N"
ANY = f"(?:{ONE}|{SEVERAL})"


def clause(people, t, i):
    modifier = f"(?:p{ANY}|w(?:{t}{ANY}|{i})|m(?:{ONE}t|{SEVERAL}T))?"
    return f"{people}{modifier}(?:v?{t}{ANY}(?:p{ANY})?|{i}(?:p{ANY}|@el)?)"


CLAUSE = f"(?:{clause(ONE, 't', 'i')}|{clause(SEVERAL, 'T', 'I')})"
SENTENCE = re.compile(f"{CLAUSE}(?:&{CLAUSE})?|(?:{ONE}k|{SEVERAL}K)c{CLAUSE}")


def in_words(text):
    return f"{text[0].lower()}{text[1:-1]}".split()


def is_acceptable(words):
    return SENTENCE.fullmatch("".join(KINDS[word] for word in words)) is not None


@pytest.fixture(scope="module")
def rows():
    drawn = {split: list(generate_acceptability(split, NUM_ROWS, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_acceptability("train", NUM_ROWS, seed=2))}


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix_and_another_seed_gives_other_rows(split):
    assert list(generate_acceptability(split, 50, 3)) == list(generate_acceptability(split, 200, 3))[:50]
    assert list(generate_acceptability(split, 50, 3)) != list(generate_acceptability(split, 50, 4))


def test_a_sentence_is_acceptable_if_and_only_if_a_grammar_accepts_it(rows):
    for row in (row for drawn in rows.values() for row in drawn):
        expected = "acceptable" if is_acceptable(in_words(row["text_a"])) else "unacceptable"
        assert row["label"] == expected, row


def test_both_sides_of_every_template_occur_at_the_share_of_the_acceptable(rows):
    for drawn in rows.values():
        labels = Counter(row["label"] for row in drawn)
        assert labels["acceptable"] / NUM_ROWS == pytest.approx(ACCEPTABLE, abs=0.03)
        assert {(row["group"], row["label"]) for row in drawn} == {
            (name, label) for name in TEMPLATES for label in labels
        }


def test_no_word_tells_the_label(rows):
    vectoriser = CountVectorizer(token_pattern="[a-z]+")
    counts, labels = (
        vectoriser.fit_transform([row["text_a"] for row in rows["train"]]),
        [row["label"] for row in rows["train"]],
    )
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(counts, labels)
    predicted = model.predict(vectoriser.transform([row["text_a"] for row in rows["id"]]))
    assert abs(matthews_corrcoef([row["label"] for row in rows["id"]], predicted)) < 0.1


def test_splits_share_no_sentence_even_across_seeds_and_none_is_repeated(rows):
    texts = {name: {row["text_a"] for row in drawn} for name, drawn in rows.items()}
    assert all(len(each) == NUM_ROWS for each in texts.values())
    assert not any(texts[one] & texts[other] for one in SPLITS for other in SPLITS if one < other)


def test_a_sentence_without_its_mistake_is_of_the_same_split(rows):
    other_form = {
        form: other
        for verbs in VERBS.values()
        for verb in verbs
        for form, other in ((verb, with_s(verb)), (with_s(verb), verb))
    }
    for split in SPLITS:
        for row in rows[split]:
            if (row["group"], row["label"]) == ("agreement", "unacceptable"):
                words = in_words(row["text_a"])
                changed = [
                    [*words[:at], other_form[word], *words[at + 1 :]]
                    for at, word in enumerate(words)
                    if word in other_form
                ]
                (corrected,) = filter(is_acceptable, changed)
                assert split_of(fill(" ".join(corrected), {})) == split


def test_no_word_is_of_two_kinds():
    listed = [word for words in (NOUNS, *CHOICES.values(), *VERBS.values()) for word in words]
    listed += [with_s(word) for words in (NOUNS, *VERBS.values()) for word in words]
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("doctor", "doctors"),
        ("lass", "lasses"),
        ("notary", "notaries"),
        ("boy", "boys"),
        ("thief", "thieves"),
        ("blush", "blushes"),
    ],
)
def test_words_get_their_s(word, expected):
    assert with_s(word) == expected


def test_an_unknown_split_names_the_choices():
    with pytest.raises(UserError, match="unknown split 'dev' of the generated acceptability corpus"):
        next(generate_acceptability("dev", 1, 0))
