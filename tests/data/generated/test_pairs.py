"""Pairs with planted overlap: cells, overlap and splits are as asked for."""

from lit_prune.data.generated.corpus import overlap, read_templates, split_of
from lit_prune.data.generated.pairs import MAX_LOW_OVERLAP, draw_family, overlapping_pairs

LABELS = {"A": "same", "B": "other"}
HIGH = read_templates({"swap": "A: {s} {v} {o} => {s} {v} {o} too\nB: {s} {v} {o} => {o} {v} {s}"}, LABELS)
LOW = read_templates({"word": "A: {s} {v} {o} => {s_alt} {v_alt}\nB: {s} {v} {o} => {x} {i}"}, LABELS)


def draw(num_rows, cells, split="id", least=0.8):
    remaining = iter(cells)
    cell = lambda rng: draw_family(rng, {True: HIGH, False: LOW}, *next(remaining))  # noqa: E731
    return list(overlapping_pairs("c", split, num_rows, 3, cell, least, "!"))


def test_rows_follow_their_cells():
    cells = [("same", True), ("other", True), ("same", False), ("other", False)] * 20
    rows = draw(80, cells)
    assert [row["id"] for row in rows] == [f"c-id-3-{number}" for number in range(80)]
    for row, (label, high) in zip(rows, cells, strict=True):
        assert (row["label"], row["group"]) == (label, "swap" if high else "word")
        share = overlap(row["text_a"], row["text_b"])
        assert share >= 0.8 if high else share <= MAX_LOW_OVERLAP
        assert split_of(f"{row['text_a']}\t{row['text_b']}") == "id"
        assert row["text_a"].endswith("!")
    assert len({(row["text_a"], row["text_b"]) for row in rows}) == 80


def test_what_does_not_overlap_enough_is_drawn_again():
    least = {overlap(row["text_a"], row["text_b"]) for row in draw(30, [("other", True)] * 30, least=1.0)}
    assert least == {1.0}
