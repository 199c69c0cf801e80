"""Slots: the same word wherever a template names them again, and words that fit together."""

import random

import pytest

from lit_prune.data.generated import words
from lit_prune.data.generated.slots import Slots

NAMES = [
    "s",
    "o",
    "x",
    "v",
    "w",
    "do_v",
    "do_w",
    "i",
    "j",
    "a",
    "b",
    "p",
    "q",
    "day",
    "place",
    "tail",
    "s_alt",
    "v_alt",
    "i_alt",
    "a_not",
    "s_kind",
    "s_hypernym",
    "adverb",
]


@pytest.fixture
def drawn():
    return [Slots(random.Random(seed)) for seed in range(300)]


def test_a_slot_stays_as_it_was_drawn(drawn):
    for slots in drawn[:20]:
        first = {name: slots[name] for name in NAMES}
        assert {name: slots[name] for name in reversed(NAMES)} == first


@pytest.mark.parametrize("pair", ["so", "ox", "pq", "ij", "vw", "ab"])
def test_slots_of_a_kind_differ(drawn, pair):
    assert all(slots[pair[0]] != slots[pair[1]] for slots in drawn)


def test_words_come_from_their_lists(drawn):
    assert {slots["q"] for slots in drawn} <= set(words.PLACES)
    assert {slots["j"] for slots in drawn} <= {past for past, _ in words.INTRANSITIVE}
    bases = {base: past for base, past, _ in words.TRANSITIVE}
    assert all(bases[slots["do_v"]] == slots["v"] for slots in drawn)
