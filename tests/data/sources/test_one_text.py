"""One text alone of another source's rows."""

import pytest

from lit_prune.data import GeneratedNli, OneText

SOURCE = GeneratedNli(num_train=6, num_eval=5, seed=3)


@pytest.mark.parametrize("text", ["text_a", "text_b"])
def test_rows_keep_one_text(text):
    source = OneText(SOURCE, text)
    assert source.available(None) == SOURCE.available(None)
    assert source.version == 2
    for split in ("train", "ood"):
        rows, whole = list(source.rows(split, None)), list(SOURCE.rows(split, None))
        assert rows == [{**row, "text_a": row[text], "text_b": ""} for row in whole]


def test_ood_rows_are_for_training_or_evaluation():
    source = OneText(SOURCE, "text_a", train_on="ood")
    ids = {split: [row["id"] for row in source.rows(split, None)] for split in ("train", "ood", "ood_heldout")}
    known = {split: [row["id"] for row in SOURCE.rows(split, None)] for split in ("ood", "ood_heldout")}
    assert ids == {"train": known["ood"][::2], "ood": known["ood"][1::2], "ood_heldout": known["ood_heldout"]}


def test_the_cache_tells_arguments_apart():
    sources = [OneText(SOURCE, "text_a"), OneText(SOURCE, "text_b"), OneText(SOURCE, "text_a", train_on="ood")]
    found = [repr(source.fingerprint("train", None)) for source in sources]
    assert len(set(found)) == 3
