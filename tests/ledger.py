"""The claims ledger: tables and verdicts of the results pages, recomputed from the shipped results.

`python tests/ledger.py` writes the tables of the pages anew.
"""

import csv
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from lit_prune.display.table import NONE, Table
from lit_prune.report.claims import claims_table, judge
from lit_prune.report.results import Key, Results
from lit_prune.report.run import Run
from lit_prune.report.selection import select
from lit_prune.report.settings import ClaimSettings, ReportSettings
from lit_prune.report.stability import spreads, stability_tables
from lit_prune.report.statistics import summarize
from lit_prune.report.tuned import select_tuned

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted((DOCS / "results").glob("*.md"))
LEDGER = yaml.safe_load((DOCS / "claims.yaml").read_text())
OVER = LEDGER["test"]["over"]

ZERO = "zero"  # a model whose metrics are 0: the reference of numbers that are margins already
_COMPUTED = re.compile(r"(<!-- (table|claims|stability): (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


@cache
def read_shipped(name):
    """The runs of a shipped csv file; the tuned setting is chosen on validation."""
    spec = LEDGER["results"][name]
    path = DOCS / spec["file"]
    with path.open() as file:
        rows = list(csv.DictReader(file))
    metrics = [column for column in rows[0] if column not in (*spec["axes"], OVER, "model")]
    found = {}
    for row in rows:
        axes = {axis: yaml.safe_load(row[axis]) for axis in (*spec["axes"], OVER) if row[axis]}
        model = row.get("model", "result")
        numbers = {metric: float(row[metric]) for metric in metrics if row[metric]}
        of_run = found.setdefault(tuple(axes.items()), {})
        of_run |= {Key.of(model, metric): value for metric, value in numbers.items()}
        of_run |= {Key.of(ZERO, metric): 0.0 for metric in numbers if spec.get("margins")}
        of_run |= {Key.of("constant", metric): value for metric, value in spec.get("constants", {}).items()}
    keys = tuple(dict.fromkeys(key for numbers in found.values() for key in numbers))
    runs = []
    for axes in found:
        title = ",".join(f"{axis}={value}" for axis, value in axes)
        runs.append(Run(title, path.with_suffix("") / title, "completed", None, "", dict(axes), *[None] * 5))
    values = np.array([[numbers.get(key, np.nan) for key in keys] for numbers in found.values()])
    results = Results((*spec["axes"], OVER), tuple(runs), keys, values)
    return select_tuned(results, ReportSettings(over=OVER, tuned=spec.get("tuned")))[0]


def claims_of(name):
    """The judgements of a group of claims, and the settings of their report."""
    group = LEDGER["claims"][name]
    claims = [{key: value for key, value in claim.items() if key != "verdict"} for claim in group["claims"]]
    settings = ReportSettings(over=OVER, claims=[ClaimSettings(**claim) for claim in claims])
    return judge(read_shipped(group["results"]), settings), settings


def verdicts(name):
    """The verdicts of each claim of a group, by cell where there are several."""
    found, settings = claims_of(name)
    cells = zip(found, claims_table(found, settings).rows, strict=True)
    by_claim = [{} for _ in settings.claims]
    for judgement, row in cells:
        (number,) = (number for number, claim in enumerate(settings.claims) if claim is judgement.claim)
        by_claim[number][row[3]] = judgement.verdict
    return [next(iter(each.values())) if len(each) == 1 else each for each in by_claim]


def judged(name):
    """The table of a group of claims."""
    return replace(claims_table(*claims_of(name)), notes=[])


def runs_table(name):
    """A table of runs: a metric's value, both extremes of two seeds, or the standard deviation of more."""
    spec = LEDGER["tables"][name]
    results = read_shipped(spec["results"])
    rows = []
    for label, where in spec["rows"].items():
        runs = select(results, where)
        others = {
            tuple(item for item in run.axes.items() if item[0] != OVER)
            for run, is_selected in zip(results.runs, runs, strict=True)
            if is_selected
        }
        assert len(others) == 1, f"{name}: {label} must select runs that differ in {OVER} alone, got {others}"
        model = where.get("model", "result")
        summaries = [summarize(results.column(model, metric)[runs]) for metric in spec["columns"].values()]
        rows.append([label, str(runs.sum()), *map(_text, summaries)])
    return Table(name, [spec.get("of", "run"), f"{OVER}s", *spec["columns"]], rows, 1)


def _text(found):
    if found is None:
        return NONE
    mean, low, high = (f"{value:.3f}" for value in (found.mean, found.low, found.high))
    if found.num > 2:
        return f"{mean} ± {found.std:.3f}"
    return mean if low == high else f"{mean} ({low} to {high})"


def stability_table(name):
    """Means and standard deviations of methods with their ranks, means near the constant baseline unranked."""
    spec = LEDGER["stability"][name]
    settings = ReportSettings(over=OVER, **{key: value for key, value in spec.items() if key != "results"})
    return stability_tables(spreads(read_shipped(spec["results"]), settings), settings)[-1]


_TABLES = {"table": runs_table, "claims": judged, "stability": stability_table}


def render(page):
    """A page with its computed tables written anew."""

    def block(match):
        head, kind, name, end = match.groups()
        _, _, table = _TABLES[kind](name).markdown().partition("\n\n")  # without the title
        return f"{head}\n{table}\n\n{end}"

    return _COMPUTED.sub(block, page)


def unmarked(page):
    """The text of a page without computed tables, blocks with a source, code, links and comments."""
    text = re.sub(r"```.*?```", "", _COMPUTED.sub("", page), flags=re.DOTALL)
    text = re.sub(r"^<!-- source: .+? -->\n(.+\n)+", "", text, flags=re.MULTILINE)
    return re.sub(r"<!--.*?-->|`[^`\n]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(render(path.read_text()))
