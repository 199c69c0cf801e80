"""The generated corpus of mentions: its promises on what tells whom a pronoun means, splits and words."""

import re
from collections import Counter

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from lit_prune.data.generated.corpus import SPLITS
from lit_prune.data.generated.mention import generate_mentions
from lit_prune.data.generated.mention_templates import DEEDS, LINKS
from lit_prune.errors import UserError

NUM_ROWS = 2000
PERSON = "[Tt]he [a-z]+"


@pytest.fixture(scope="module")
def rows():
    drawn = {split: list(generate_mentions(split, NUM_ROWS, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_mentions("train", NUM_ROWS, seed=2))}


def said(row):
    """The texts of a row's mentions."""
    return [row["text_a"][start:end] for start, end in row["mentions"]]


def meant(text):
    """Whom the pronoun means, by the table of deeds and reasons alone, and the deed."""
    found = []
    for deeds, reasons in DEEDS:
        for number, deed in enumerate(deeds):
            does = re.escape(deed).replace(r"\{o\}", f"(?P<o>{PERSON})")
            for which, reason in enumerate(reasons):
                links = "|".join(LINKS)
                pattern = rf"(?P<s>{PERSON}) {does}( [a-z ]+)?? (?:{links}) {re.escape(reason)}\."
                if match := re.fullmatch(pattern, text):
                    found.append((match["s" if number == which else "o"], deed))
    ((person, deed),) = found
    return person, deed


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix_and_another_seed_gives_other_rows(split):
    assert list(generate_mentions(split, 50, 3)) == list(generate_mentions(split, 200, 3))[:50]
    assert list(generate_mentions(split, 50, 3)) != list(generate_mentions(split, 50, 4))


def test_the_mentions_are_a_person_and_the_pronoun_and_same_where_the_reason_is_the_persons(rows):
    for row in rows["train"]:
        person, pronoun = said(row)
        assert re.fullmatch(PERSON, person)
        assert pronoun == "they"
        assert row["text_a"].startswith(person) == (row["group"] == "subject")
        assert (meant(row["text_a"])[0] == person) == (row["label"] == "same"), row


def test_labels_and_parts_are_uniform_and_all_deeds_are_there(rows):
    for drawn in rows.values():
        shares = Counter((row["label"], row["group"]) for row in drawn)
        assert {key: count / NUM_ROWS for key, count in shares.items()} == pytest.approx(
            {(label, group): 1 / 4 for label in ("same", "other") for group in ("subject", "object")}, abs=0.04
        )
    assert {meant(row["text_a"])[1] for row in rows["train"]} == {deed for deeds, _ in DEEDS for deed in deeds}


def test_the_words_and_the_persons_part_do_not_tell_the_label(rows):
    vectoriser = CountVectorizer(token_pattern="[a-z]+")

    def texts(drawn):
        return [f"{row['text_a']} {row['group']}" for row in drawn]

    counts = vectoriser.fit_transform(texts(rows["train"]))
    model = LogisticRegression(max_iter=1000).fit(counts, [row["label"] for row in rows["train"]])
    assert model.score(vectoriser.transform(texts(rows["id"])), [row["label"] for row in rows["id"]]) < 0.56


def test_splits_share_no_text_even_across_seeds_and_no_row_is_repeated(rows):
    texts = {name: {row["text_a"] for row in drawn} for name, drawn in rows.items()}
    assert not any(texts[one] & texts[other] for one in SPLITS for other in SPLITS if one < other)
    assert all(len({(row["text_a"], row["group"]) for row in drawn}) == NUM_ROWS for drawn in rows.values())


def test_an_unknown_split_names_the_choices():
    with pytest.raises(UserError, match="unknown split 'dev' of the generated mention corpus"):
        next(generate_mentions("dev", 1, 0))
