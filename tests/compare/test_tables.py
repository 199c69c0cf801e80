import pandas as pd
import pytest

from lit_prune.compare.counts import count
from lit_prune.compare.sources import open_all
from lit_prune.compare.tables import density_rows, overlap_rows, tables


@pytest.fixture
def counts(three_runs):
    return count(open_all(three_runs))


def test_the_tables_hold_the_counts(counts):
    by_title = {table.title: table for table in tables(counts)}
    assert [row[1] for row in by_title["Subnetworks"].rows] == list(counts.names)
    shares = counts.density(counts.select(target="key"))
    column = by_title["Density by kind of matrix"].header.index("key")
    assert [row[column] for row in by_title["Density by kind of matrix"].rows] == [f"{share:.3f}" for share in shares]
    found, by_chance = counts.overlaps(counts.select(layer="1"))
    column = by_title["Overlap by layer"].header.index("1")
    expected = [f"{one:.3f} ({other:.3f})" for one, other in zip(found, by_chance, strict=True)]
    assert [row[column] for row in by_title["Overlap by layer"].rows] == expected
    assert [row[0] for row in by_title["Overlap"].rows] == ["1 and 2", "1 and 3", "2 and 3"]


def test_a_single_run_has_no_table_of_overlaps(three_runs):
    assert [table.title for table in tables(count(open_all(three_runs[:1])))] == [
        "Subnetworks",
        "Density by kind of matrix",
        "Density by layer",
    ]


def test_rows_of_what_is_kept(counts):
    rows = density_rows(counts)
    assert len(rows) == 3 * 10
    assert rows["num_kept"].sum() == counts.kept.sum()
    assert rows["num_total"].sum() == 3 * counts.size.sum()
    row = rows[(rows["run"] == counts.names[2]) & (rows["layer"] == "1") & (rows["target"] == "key")].iloc[0]
    assert row["density"] == pytest.approx(counts.density(counts.select("1", "key"))[2])


def test_rows_of_overlaps(counts):
    rows = overlap_rows(counts)
    assert len(rows) == 3 * (1 + 3 + 6)
    whole = rows[rows["layer"].isna() & rows["target"].isna()]
    expected = pd.DataFrame(zip(*counts.overlaps(counts.select()), strict=True), columns=["overlap", "by_chance"])
    pd.testing.assert_frame_equal(whole[["overlap", "by_chance"]].reset_index(drop=True), expected)
    assert list(zip(whole["run"], whole["other"], strict=True)) == [
        (counts.names[one], counts.names[other]) for one, other in counts.pairs
    ]
