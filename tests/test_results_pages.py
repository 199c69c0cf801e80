"""The results pages: every verdict and table is recomputed, and no other number lacks a source."""

import re
from pathlib import Path

import ledger
import pyarrow as pa
import pyarrow.parquet
import pytest
from ledger import (
    CERTIFICATES,
    DOCS,
    LEDGER,
    PAGES,
    cell_verdicts,
    computed_text,
    ratio_verdicts,
    read_shipped,
    render,
    unmarked,
    verdicts,
)

from lit_prune.report.claims import FAILS, HOLDS, OPEN
from lit_prune.report.naming import value_text
from lit_prune.report.rows import PREDICTIONS

REPOSITORY = Path(__file__).parents[1]
SHOWN = re.compile(r"<!-- (?:table|claims|stability|ratios): (\w+) -->")
CERTIFIED = re.compile(r"<!-- certificates: (\w+) -->")
NUMBER = re.compile(r"(?<![\w.])(?<!\w-)[.]?\d[\d.,]*")
COUNT = r"(?:one|two|three|four|five|six|seven|eight|nine|ten)"
PART = r"(?:half|halves|thirds?|quarters?|fifths?|tenths?|twentieths?|twice|times|percent|points?)"
WORD = re.compile(rf"\b(?:{PART}|{COUNT} (?:of|in) (?:the )?{COUNT}|all {COUNT})\b", re.IGNORECASE)
FROM = re.compile(r"^<!-- from: (\w+) -->\n((?:.+\n)+)", re.MULTILINE)  # numbers of a computed table of the page
LISTS = {"What holds": HOLDS, "What does not hold": FAILS, "What is open": OPEN}
LIST = re.compile(rf"^\*\*({'|'.join(LISTS)})\*\*\n(.*?)(?=^\*\*|^#|\Z)", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- (claim|contrast): (.+?) -->")
NOT_RECOMPUTED = "not recomputed"
CITATION = re.compile(r"(?:et al\.|Shin)\s\d{4}|(?:Fig\.|Table|[Vv]ersion|seed)\s\d+[a-z]?")


def shown(page):
    """The shipped results that a page shows."""
    specs = LEDGER["tables"] | LEDGER["claims"] | LEDGER["stability"] | LEDGER["ratios"]
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


def numbers(text):
    """The numbers of a text, in digits or in words that state a share or a multiple."""
    text = CITATION.sub("", text)
    return {number.rstrip(".,") for number in NUMBER.findall(text)} | {word.lower() for word in WORD.findall(text)}


def loose_numbers(page):
    """Numbers of a page that are neither computed nor marked with a source, nor name runs, papers or versions."""
    found = numbers(unmarked(FROM.sub("", page)))
    for name, block in FROM.findall(page):
        found |= numbers(unmarked(block)) - numbers(computed_text(page, name))
    return found - axis_values(page)


def items(page):
    """The items of the lists of claims of a page: the verdict of the list, and the text."""
    return [
        (LISTS[title], item)
        for title, text in LIST.findall(page)
        for item in re.findall(r"^- .*\n(?:  .*\n)*", text, re.MULTILINE)
    ]


def keyed_verdicts():
    """The verdicts of the ledger by key, and by cell."""
    found = {}
    for name, group in LEDGER["claims"].items():
        for claim, cells in zip(group["claims"], cell_verdicts(name), strict=True):
            found[claim["key"]] = cells
    for group in LEDGER["ratios"].values():
        found |= {claim["key"]: {"-": claim["verdict"]} for claim in group["claims"]}
    for claim in LEDGER["recorded"]:
        found[claim["key"]] = {"-": claim["verdict"][NOT_RECOMPUTED]}
    return found


def misplaced(page):
    """Items of the lists of a page without a claim, and claims whose verdicts do not agree with the list."""
    ledger_verdicts = keyed_verdicts()
    found = []
    for listed, item in items(page):
        marks = MARK.findall(item)
        found += [] if marks else [item]
        for kind, keys in marks:
            for each in keys.split("; "):
                key, _, cell = each.partition(" at ")
                parts = set(cell.split(", ")) if cell else set()
                cells = [verdict for at, verdict in ledger_verdicts[key].items() if parts <= set(at.split(", "))]
                is_right = set(cells) == {listed} if kind == "claim" else cells and listed not in cells
                found += [] if is_right else [f"{kind}: {each}"]
    return found


@pytest.mark.parametrize(
    ("text", "loose"),
    [
        ("The accuracy is 0.97, a margin of -.004.", {"0.97", ".004"}),
        ("<!-- source: a run that was not kept -->\nThe accuracy is 0.97.", set()),
        ("<!-- source: a run -->\nThe accuracy is 0.97.\n\nThe AUROC is 0.98.", {"0.98"}),
        ("Of SST-2 (Liu et al. 2022, Fig. 2) `--sparsity 0.8` [shows](../a_2.png) F1 in version 1.", set()),
        ("<!-- claims: liu2022 -->\n0.97\n<!-- end -->\nMasks of 50%, not of 55%.", {"55"}),
        ("<!-- claims: liu2022 -->\n0.97\n<!-- end -->\n\n<!-- from: liu2022 -->\n0.97, 0.98\n", {"0.98"}),
        ("One of two seeds gains a third of a point, three times as much.", {"one of two", "third", "point", "times"}),
        ("<!-- source: a run -->\nFour of six.\n\nTwo seeds of one model.", set()),
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


@pytest.mark.parametrize("name", LEDGER["ratios"])
def test_a_verdict_about_standard_deviations_is_that_of_the_shipped_runs(name):
    assert [claim["verdict"] for claim in LEDGER["ratios"][name]["claims"]] == ratio_verdicts(name)


def test_keys_of_claims_differ():
    groups = (*LEDGER["claims"].values(), *LEDGER["ratios"].values(), {"claims": LEDGER["recorded"]})
    keys = [claim["key"] for group in groups for claim in group["claims"]]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("item", "wrong"),
    [
        ("- <!-- claim: gradual_auroc --> A claim.\n", []),
        ("- <!-- claim: informed --> A claim.\n", ["claim: informed"]),
        ("- <!-- claim: loss_auroc --> A claim.\n", ["claim: loss_auroc"]),
        ("- <!-- claim: loss_auroc at sparsity 90% --> <!-- contrast: loss_id -->\n  A claim.\n", []),
        ("- <!-- claim: loss_auroc at sparsity 95% --> A claim.\n", ["claim: loss_auroc at sparsity 95%"]),
        ("- A claim.\n", ["- A claim.\n"]),
    ],
)
def test_an_item_in_the_wrong_list_is_found(item, wrong):
    assert misplaced(f"**What holds**\n\n{item}\n## Claims\n") == wrong


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_items_of_each_list_agree_with_their_verdicts(path):
    assert not misplaced(path.read_text())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_tables_are_those_of_the_shipped_runs(path):
    assert render(path.read_text()) == path.read_text(), "python tests/ledger.py writes the tables anew"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_further_number_has_a_source(path):
    assert not loose_numbers(path.read_text())


def test_everything_in_the_ledger_is_shown():
    names = [name for path in PAGES for name in SHOWN.findall(path.read_text())]
    assert set(names) == {*LEDGER["tables"], *LEDGER["claims"], *LEDGER["stability"], *LEDGER["ratios"]}
    assert {spec["file"] for spec in LEDGER["results"].values()} == {
        path.relative_to(DOCS).as_posix() for path in (DOCS / "results/data").glob("*.csv")
    }
    certified = {name for path in PAGES for name in CERTIFIED.findall(path.read_text())}
    assert certified == {path.name.partition("_seed")[0] for path in CERTIFICATES.glob("*.json")}


@pytest.mark.parametrize("spec", [*LEDGER["results"].values(), *LEDGER["recorded"]])
def test_results_name_their_task_version_and_a_study_that_exists(spec):
    assert re.search(r"files|version \d", spec["task"])
    assert spec["study"] is None or (REPOSITORY / spec["study"]).is_file()


@pytest.mark.parametrize("claim", LEDGER["recorded"], ids=lambda claim: claim["says"])
def test_a_recorded_claim_has_a_page_and_a_verdict_that_is_marked(claim):
    assert (DOCS / claim["page"]).is_file()
    assert set(claim["verdict"]) == {NOT_RECOMPUTED}
    assert claim["verdict"][NOT_RECOMPUTED] in (HOLDS, FAILS, OPEN)


def test_times_relative_to_dense_fp32_follow_from_the_table():
    page = (DOCS / "results/speed.md").read_text()
    fp32, bf16 = map(float, re.search(r"takes (\d+) ms in fp32, (\d+) ms in bf16", page).groups())
    (in_bf16,) = re.findall(r"^\| 76 ranks \|(?:[^|]*\|){3} ([.\d]+) \|", page, re.MULTILINE)
    assert f"76 ranks in bf16 take {float(in_bf16) * bf16 / fp32:.2f} of".replace(" 0.", " .") in page
    assert f"{fp32 / bf16:.1f} times as fast" in page
