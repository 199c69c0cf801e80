"""The results pages: every verdict and table is recomputed, and no other number lacks a source."""

import re
from pathlib import Path

import ledger
import pyarrow as pa
import pyarrow.parquet
import pytest
from ledger import DOCS, LEDGER, PAGES, read_shipped, render, unmarked, verdicts

from lit_prune.report.claims import FAILS, HOLDS, OPEN
from lit_prune.report.naming import value_text
from lit_prune.report.rows import PREDICTIONS

REPOSITORY = Path(__file__).parents[1]
SHOWN = re.compile(r"<!-- (?:table|claims|stability): (\w+) -->")
NUMBER = re.compile(r"(?<![\w.])(?<!\w-)[.]?\d[\d.,]*")
CITATION = re.compile(r"(?:et al\.|Shin)\s\d{4}|(?:Fig\.|Table|[Vv]ersion|seed)\s\d+[a-z]?")


def shown(page):
    """The shipped results that a page shows."""
    specs = LEDGER["tables"] | LEDGER["claims"] | LEDGER["stability"]
    return {specs[name]["results"] for name in SHOWN.findall(page)}


def axis_values(page):
    """Numbers that name runs, such as a sparsity of 50%."""
    values = {
        value_text(axis, value)
        for name in shown(page)
        for run in read_shipped(name).runs
        for axis, value in run.axes.items()
        if axis != LEDGER["test"]["over"] and not isinstance(value, str)
    }
    return {value.removesuffix("%") for value in values}


def loose_numbers(page):
    """Numbers of a page that are neither computed nor marked with a source, nor name runs, papers or versions."""
    found = {number.rstrip(".,") for number in NUMBER.findall(CITATION.sub("", unmarked(page)))}
    return found - axis_values(page)


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("The accuracy is 0.97, a margin of -.004.", {"0.97", ".004"}),
        ("<!-- source: a run that was not kept -->\nThe accuracy is 0.97.", set()),
        ("<!-- source: a run -->\nThe accuracy is 0.97.\n\nThe AUROC is 0.98.", {"0.98"}),
        ("Of SST-2 (Liu et al. 2022, Fig. 2) `--sparsity 0.8` [shows](../a_2.png) F1 in version 1.", set()),
        ("<!-- claims: liu2022 -->\n0.97\n<!-- end -->\nMasks of 50%, not of 55%.", {"55"}),
    ],
)
def test_a_number_without_a_source_is_found(text, loose):
    assert loose_numbers(f"{text}\n") == loose


def test_a_changed_number_of_a_table_is_written_anew():
    page = (DOCS / "results/liu2022.md").read_text()
    assert "| 0.962 ± 0.006 |" in page
    assert render(page.replace("| 0.962 ± 0.006 |", "| 0.972 ± 0.006 |")) == page


def test_intervals_include_rows_where_predictions_are_shipped(tmp_path, monkeypatch):
    (tmp_path / "with_rows.csv").write_text("run,seed,nli/id/accuracy\ndense,1,0.5\nmask,1,0.75\n")
    for run, num_correct in (("dense", 2), ("mask", 3)):
        predicted = ["a"] * num_correct + ["b"] * (4 - num_correct)
        rows = {
            "id": list("1234"),
            "label": ["a"] * 4,
            "prediction": predicted,
            "task": ["nli"] * 4,
            "split": ["id"] * 4,
        }
        table = pa.table(rows | {"logits": [[0.0, 0.0]] * 4, "loss": [0.0] * 4}).select(PREDICTIONS.names)
        (folder := tmp_path / f"with_rows/run={run},seed=1").mkdir(parents=True)
        pa.parquet.write_table(table, folder / "predictions.parquet")
    claim = {"says": "-", "source": "-", "metric": "nli/id/accuracy", "where": {"run": "mask"}}
    monkeypatch.setattr(ledger, "DOCS", tmp_path)
    monkeypatch.setitem(LEDGER["results"], "with_rows", {"file": "with_rows.csv", "axes": ["run"]})
    group = {"results": "with_rows", "claims": [claim | {"reference": {"run": "dense"}}]}
    monkeypatch.setitem(LEDGER["claims"], "with_rows", group)
    ((judgement,), _) = ledger.claims_of("with_rows")
    assert judgement.difference.over == "rows"
    assert verdicts("with_rows") == [OPEN]


@pytest.mark.parametrize("name", LEDGER["claims"])
def test_a_verdict_is_that_of_the_shipped_runs(name):
    assert [claim["verdict"] for claim in LEDGER["claims"][name]["claims"]] == verdicts(name)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_tables_are_those_of_the_shipped_runs(path):
    assert render(path.read_text()) == path.read_text(), "python tests/ledger.py writes the tables anew"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_further_number_has_a_source(path):
    assert not loose_numbers(path.read_text())


def test_everything_in_the_ledger_is_shown():
    names = [name for path in PAGES for name in SHOWN.findall(path.read_text())]
    assert set(names) == {*LEDGER["tables"], *LEDGER["claims"], *LEDGER["stability"]}
    assert {spec["file"] for spec in LEDGER["results"].values()} == {
        path.relative_to(DOCS).as_posix() for path in (DOCS / "results/data").glob("*.csv")
    }


@pytest.mark.parametrize("spec", [*LEDGER["results"].values(), *LEDGER["recorded"]])
def test_results_name_their_task_version_and_a_study_that_exists(spec):
    assert "files" in spec["task"] or "version 1" in spec["task"]
    assert spec["study"] is None or (REPOSITORY / spec["study"]).is_file()


@pytest.mark.parametrize("claim", LEDGER["recorded"], ids=lambda claim: claim["says"])
def test_a_recorded_claim_has_a_verdict_and_a_page(claim):
    assert claim["verdict"] in (HOLDS, FAILS, OPEN)
    assert DOCS / claim["page"] in PAGES
