"""Pairs of texts without labels, from files."""

import pytest

from lit_prune.data import PairFiles
from lit_prune.data.sources import TextSplit
from lit_prune.errors import UserError


def test_pairs_are_read_with_file_and_line(tmp_path):
    (tmp_path / "faq.csv").write_text("question,answer,kind\nWhere?,Here.,place\nWhen?,Now.,time\n")
    columns = {"text_a": "question", "text_b": "answer", "group": "kind"}
    source = PairFiles({"train": TextSplit(paths=["faq.csv"], columns=columns)})
    rows = list(source.rows("train", str(tmp_path)))
    assert [(row["text_a"], row["text_b"], row["label"], row["group"]) for row in rows] == [
        ("Where?", "Here.", "", "place"),
        ("When?", "Now.", "", "time"),
    ]
    (tmp_path / "faq.csv").write_text("question,answer,kind\nWhere?,Here.,place\n,Now.,time\n")
    with pytest.raises(UserError, match=r"faq\.csv:3: column 'question' must hold a text, got none"):
        list(source.rows("train", str(tmp_path)))


def test_a_label_is_no_column_of_pairs():
    with pytest.raises(UserError, match=r"columns must map text_a and any of text_b, id, group"):
        TextSplit(paths=["faq.csv"], columns={"text_a": "question", "label": "score"})
