"""The generated corpus of choices: its promises on what follows from what, splits and words."""

import re
from collections import Counter

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from lit_prune.data.generated.choice import generate_choice
from lit_prune.data.generated.choice_templates import CHAINS, QUESTIONS
from lit_prune.data.generated.corpus import SPLITS, overlap, tokens
from lit_prune.errors import UserError

NUM_ROWS = 2000

# (chain, place in it) -> what its clause looks like.
CLAUSES = {
    (kind, number, place): re.compile(
        re.escape(clause)
        .replace(r"\{it\}", f"(?P<it>the (?:{'|'.join(things)}))", 1)
        .replace(r"\{s\}", "(?P<s>the [a-z]+)")
        .join(["(?i:", r")\."])
    )
    for kind, (things, chains) in enumerate(CHAINS)
    for number, chain in enumerate(chains)
    for place, clause in enumerate(chain)
}


def read(text):
    """Which clause a sentence is, and of whom and what."""
    ((*chain, place, match),) = [
        (*where, match) for where, pattern in CLAUSES.items() if (match := pattern.fullmatch(text))
    ]
    return chain, place, {name: found.lower() for name, found in match.groupdict().items()}


def parts(row):
    """Premise, right and wrong choice."""
    choices = row["text_b"].split("\n")
    right = int(row["label"]) - 1
    return row["text_a"].removesuffix(f" {QUESTIONS[row['group']]}"), choices[right], choices[1 - right]


@pytest.fixture(scope="module")
def rows():
    drawn = {split: list(generate_choice(split, NUM_ROWS, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_choice("train", NUM_ROWS, seed=2))}


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix_and_another_seed_gives_other_rows(split):
    assert list(generate_choice(split, 50, 3)) == list(generate_choice(split, 200, 3))[:50]
    assert list(generate_choice(split, 50, 3)) != list(generate_choice(split, 50, 4))


def test_the_right_choice_is_next_to_the_premise_on_the_side_asked_for_and_the_wrong_one_is_not(rows):
    turned_round = 0
    for row in rows["train"]:
        (chain, place, of), (right_chain, right, right_of), (wrong_chain, wrong, wrong_of) = map(read, parts(row))
        asked = place + {"cause": -1, "effect": 1}[row["group"]]
        assert (right_chain, right) == (chain, asked) != (wrong_chain, wrong), row
        assert wrong == asked or (wrong_chain, wrong) == (chain, 2 * place - asked), row
        turned_round += wrong != asked
        for name in ("it", "s"):
            assert len({each[name] for each in (of, right_of, wrong_of) if each.get(name)}) <= 1
    assert turned_round / NUM_ROWS == pytest.approx(1 / 4, abs=0.03)


def test_labels_and_questions_are_uniform(rows):
    for drawn in rows.values():
        for field, names in {"label": "12", "group": QUESTIONS}.items():
            shares = {name: count / NUM_ROWS for name, count in Counter(row[field] for row in drawn).items()}
            assert shares == pytest.approx(dict.fromkeys(names, 1 / 2), abs=0.04)


def test_all_clauses_of_a_line_name_the_thing_and_neighbours_share_no_other_long_word():
    for _, chains in CHAINS:
        assert len(chains) >= 4
        for chain in chains:
            assert len(chain) == 3
            assert all("{it}" in clause for clause in chain)
            words = [{word for word in clause.split() if len(word) > 3 and "{" not in word} for clause in chain]
            assert not words[1] & (words[0] | words[2])


def test_overlap_with_the_premise_does_not_tell_the_right_choice(rows):
    gains = []
    for premise, right, wrong in map(parts, rows["train"]):
        assert (set(tokens(premise)) & set(tokens(wrong))) - {"the", "a", "of", "in", "to"}
        gain = overlap(premise, right) - overlap(premise, wrong)
        gains.append((gain > 0) + (gain == 0) / 2)
    assert sum(gains) / NUM_ROWS == pytest.approx(1 / 2, abs=0.05)


def test_the_words_of_the_choices_do_not_tell_the_right_one(rows):
    vectoriser = CountVectorizer(token_pattern="[a-z]+").fit(row["text_b"] for row in rows["train"])

    def differences(drawn):
        firsts, seconds = zip(*(row["text_b"].split("\n") for row in drawn), strict=True)
        return vectoriser.transform(firsts) - vectoriser.transform(seconds)

    model = LogisticRegression(max_iter=1000).fit(differences(rows["train"]), [row["label"] for row in rows["train"]])
    assert model.score(differences(rows["id"]), [row["label"] for row in rows["id"]]) < 0.58


def test_splits_share_no_premise_with_its_question_even_across_seeds_and_no_row_is_repeated(rows):
    asked = {name: {row["text_a"] for row in drawn} for name, drawn in rows.items()}
    assert not any(asked[one] & asked[other] for one in SPLITS for other in SPLITS if one < other)
    assert all(len({(row["text_a"], row["text_b"]) for row in drawn}) == NUM_ROWS for drawn in rows.values())


def test_an_unknown_split_names_the_choices():
    with pytest.raises(UserError, match="unknown split 'dev' of the generated choice corpus"):
        next(generate_choice("dev", 1, 0))
