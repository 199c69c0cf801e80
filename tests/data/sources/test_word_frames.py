"""Tagged words of tables in memory."""

import pandas
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from lit_prune.data.sources import TokensRow, WordFrames
from lit_prune.errors import UserError

WORDS, TAGS = [["Ada", "Lovelace", "."], ["Rome"]], [["B-person", "I-person", "O"], ["B-place"]]
FRAME = pandas.DataFrame({"words": WORDS, "tags": TAGS, "group": ["x", "y"]})


def numbered():
    """A table as those of the hub are, with numbers for tags."""
    names = ["O", "B-person", "I-person", "B-place"]
    features = Features(
        {"id": Value("string"), "tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=names))}
    )
    numbers = [[names.index(tag) for tag in tags] for tags in TAGS]
    return Dataset.from_dict({"id": ["a", "b"], "tokens": WORDS, "ner_tags": numbers}, features=features)


def test_rows_have_texts_with_the_places_of_words():
    source = WordFrames({"train": FRAME})
    first, second = source.rows("train", None)
    assert first == TokensRow(
        id="0", text_a="Ada Lovelace .", text_b="", label="", group="x", words=[[0, 3], [4, 12], [13, 14]], tags=TAGS[0]
    )
    assert (second["id"], second["group"]) == ("1", "y")
    assert source.labels == ["person", "place"]
    assert source.available(None) == ["train"]


def test_tags_may_be_numbers_of_classes():
    source = WordFrames({"train": numbered()}, columns={"words": "tokens", "tags": "ner_tags"})
    rows = list(source.rows("train", None))
    assert [row["tags"] for row in rows] == TAGS
    assert [row["id"] for row in rows] == ["a", "b"]


def test_a_missing_group_is_none():
    (_, row) = WordFrames({"train": FRAME.assign(group=["x", float("nan")])}).rows("train", None)
    assert row["group"] == ""


def test_a_changed_table_has_another_fingerprint():
    changed = FRAME.assign(tags=[TAGS[0], ["O"]])
    assert WordFrames({"train": FRAME}).fingerprint("train", None) != WordFrames({"train": changed}).fingerprint(
        "train", None
    )


@pytest.mark.parametrize(
    ("table", "columns", "fits"),
    [
        (FRAME, None, True),
        (numbered(), {"words": "tokens"}, True),
        (numbered(), None, False),
        (FRAME.drop(columns="tags"), None, False),
    ],
)
def test_a_table_of_tagged_words_is_known_by_its_columns(table, columns, fits):
    assert WordFrames.fits(table, columns) == fits


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (FRAME.drop(columns="tags"), "train set: unknown column 'tags' in `columns`"),
        (FRAME.assign(tags=[TAGS[0], []]), "train set, row 1: words and tags must be lists of texts of one length"),
        (FRAME.assign(words=[[], ["Rome"]], tags=[[], ["O"]]), "train set, row 0: words and tags must be lists"),
        (FRAME.assign(words=[["a", "", "b"], ["Rome"]]), "train set, row 0: words and tags must be lists"),
        (FRAME.assign(tags=[[1, 2, 3], ["O"]]), "train set, row 0: words and tags must be lists"),
        (FRAME.assign(words=[WORDS[0], None]), "train set, row 1: words and tags must be lists"),
        (FRAME.assign(words=["Ada", WORDS[1]]), "train set, row 0: words and tags must be lists"),
    ],
)
def test_a_table_of_another_form_is_one_error(table, message):
    with pytest.raises(UserError, match=message):
        WordFrames({"train": table})
