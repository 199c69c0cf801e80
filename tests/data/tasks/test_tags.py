"""Tags of all schemes, against seqeval."""

import random

import pytest
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

from lit_prune.data.tasks.tags import Entity, bio_tags, find_entities, to_bio
from lit_prune.errors import UserError

TYPES = ("person", "place", "e-mail")
GOLD = [Entity("person", 0, 1), Entity("person", 2, 2), Entity("place", 4, 6), Entity("e-mail", 7, 7)]
SCHEMES = {
    "IOB2": "B-person I-person B-person O B-place I-place I-place B-e-mail O",
    "IOB1": "I-person I-person B-person O I-place I-place I-place I-e-mail O",
    "BILOU": "B-person L-person U-person O B-place I-place L-place U-e-mail O",
    "IOBES": "B-person E-person S-person O B-place I-place E-place S-e-mail O",
}


def random_tags(draw, prefixes):
    tags = ["O", *(f"{prefix}-{kind}" for prefix in prefixes for kind in "xy")]
    return draw.choices(tags, k=draw.randint(0, 9))


@pytest.mark.parametrize("name", SCHEMES)
def test_each_scheme_is_read_alike(name):
    tags = SCHEMES[name].split()
    assert find_entities(tags) == GOLD
    assert to_bio(tags, TYPES, "row") == SCHEMES["IOB2"].split()
    scheme = {"IOB1": IOB1, "IOB2": IOB2, "BILOU": BILOU, "IOBES": IOBES}[name]
    (strict,) = Entities([tags], scheme).entities
    assert [Entity(each.tag, each.start, each.end - 1) for each in strict] == GOLD


@pytest.mark.parametrize("tags", ["person person O place", "I-person I-person O I-place"])
def test_io_joins_neighbours_of_one_type(tags):
    assert to_bio(tags.split(), TYPES, "row") == ["B-person", "I-person", "O", "B-place"]


@pytest.mark.parametrize("prefixes", ["BI", "I", "BIES"])
def test_legal_and_illegal_sequences_have_the_entities_of_conlleval(prefixes):
    draw = random.Random(prefixes)
    for _ in range(500):
        tags = random_tags(draw, prefixes)
        assert [tuple(each) for each in find_entities(tags)] == get_entities(list(tags))


def test_bilou_is_bioes_with_other_letters():
    draw = random.Random(0)
    for _ in range(200):
        tags = random_tags(draw, "BIES")
        other = [tag.replace("E-", "L-").replace("S-", "U-") for tag in tags]
        assert find_entities(other) == find_entities(tags)


def test_bio_has_the_entities_of_what_it_was_made_from():
    draw = random.Random(0)
    for _ in range(200):
        tags = random_tags(draw, "BIESLU")
        bio = to_bio(tags, ["x", "y"], "row")
        assert find_entities(bio) == find_entities(tags)
        assert to_bio(bio, ["x", "y"], "row") == bio


def test_the_tags_of_types():
    assert bio_tags(["a", "b"]) == ("O", "B-a", "I-a", "B-b", "I-b")


@pytest.mark.parametrize("tag", ["B-thing", "X-person", "B", "", "o", "BI-person", "-person"])
def test_an_unknown_tag_is_named(tag):
    with pytest.raises(UserError, match=rf"unknown tag '{tag}' of row 'a': choose from O, B-person, B-place, B-e-mail"):
        to_bio(["O", tag], TYPES, "row 'a'")


def test_a_type_that_looks_like_a_tag_is_a_type():
    assert to_bio(["E-mail", "B-E-mail"], ["E-mail"], "row") == ["B-E-mail", "B-E-mail"]
