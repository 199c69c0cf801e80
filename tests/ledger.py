"""The claims ledger: tables and verdicts of the results pages, recomputed from the shipped results.

`python tests/ledger.py` writes the tables of the pages anew.
"""

import csv
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from scipy.stats import levene

from lit_prune.display.table import NONE, Table
from lit_prune.report.claims import FAILS, HOLDS, OPEN, claims_table, judge
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
CERTIFICATES = DOCS / "results/data/certificates"
AT_CHANCE = "largest distance from chance (AUROC .5) of models of one text, n-grams or lengths"

_OURS = ("key", "verdict")  # of the ledger alone
LEVEL = 0.05  # of the tests of ratios
ZERO = "zero"  # a model whose metrics are 0: the reference of numbers that are margins already
_COMPUTED = re.compile(r"(<!-- (table|claims|stability|ratios|certificates): (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


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
    claims = [{key: value for key, value in claim.items() if key not in _OURS} for claim in group["claims"]]
    settings = ReportSettings(over=OVER, claims=[ClaimSettings(**claim) for claim in claims])
    return judge(read_shipped(group["results"]), settings), settings


def verdicts(name):
    """The verdicts of each claim of a group, by cell where there are several."""
    return [next(iter(cells.values())) if len(cells) == 1 else cells for cells in cell_verdicts(name)]


def cell_verdicts(name):
    """The verdicts of each claim of a group, by cell."""
    found, settings = claims_of(name)
    cells = zip(found, claims_table(found, settings).rows, strict=True)
    by_claim = [{} for _ in settings.claims]
    for judgement, row in cells:
        (number,) = (number for number, claim in enumerate(settings.claims) if claim is judgement.claim)
        by_claim[number][row[3]] = judgement.verdict
    return by_claim


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


def _ratio(name, method, metric):
    """A method's standard deviation over the reference's, its number of runs, and the p-value of their difference."""
    spec = LEDGER["ratios"][name]
    results = read_shipped(spec["results"])
    samples = []
    for each in (method, spec["reference"]):
        values = results.column("result", metric)[select(results, {"method": each})]
        samples.append(values[np.isfinite(values)])
    own, reference = (sample.std(ddof=1) for sample in samples)
    return own / reference, len(samples[0]), levene(*samples, center="median").pvalue


def ratios_table(name):
    """Ratios of standard deviations by method and task, with numbers of seeds and p-values in brackets."""
    spec = LEDGER["ratios"][name]
    methods = dict.fromkeys(run.axes["method"] for run in read_shipped(spec["results"]).runs)
    rows = []
    for method in methods:
        if method != spec["reference"]:
            found = [_ratio(name, method, metric) for metric in spec["metrics"].values()]
            rows.append([method, *(f"{ratio:.2f} [{num}, {p_value:.3f}]" for ratio, num, p_value in found)])
    return Table(name, ["method", *spec["metrics"]], rows, 1)


def ratio_verdicts(name):
    """The verdicts of the claims about ratios: all of a claim's methods are below 1, all above, or neither."""
    verdicts = []
    for claim in LEDGER["ratios"][name]["claims"]:
        found = [_ratio(name, method, claim["metric"]) for method in claim["methods"]]
        differ = all(p_value < LEVEL for *_, p_value in found)
        lower = [ratio < 1 for ratio, *_ in found]
        verdicts.append(HOLDS if differ and all(lower) else FAILS if differ and not any(lower) else OPEN)
    return verdicts


def certificates_table(name):
    """The figures of the certificates of a task, by seed: those with a bound, then the OOD AUROC of each model."""
    found = [json.loads(path.read_text()) for path in sorted(CERTIFICATES.glob(f"{name}_seed*.json"))]
    at_chance = [[check for check in each["checks"] if check["is_maximum"]] for each in found]
    largest = [max(check["value"] for check in checks) for checks in at_chance]
    rows = [[AT_CHANCE, f"<= {at_chance[0][0]['bound']:.2f}", *(f"{value:.3f}" for value in largest)]]
    for checks in zip(*([check for check in each["checks"] if not check["is_maximum"]] for each in found), strict=True):
        title, bound = checks[0]["name"].partition(" (")[0], checks[0]["bound"]
        rows.append([title, f">= {bound:.2f}", *(f"{check['value']:.3f}" for check in checks)])
    for model in found[0]["models"]:
        for split in found[0]["ood"]:
            values = (each["models"][model][f"{split}/auroc"] for each in found)
            rows.append([f"{split} AUROC: {model}", NONE, *(f"{value:.3f}" for value in values)])
    rows.append(["certified", NONE, *("yes" if each["holds"] else "no" for each in found)])
    return Table(name, ["figure", "bound", *(f"seed {each['seed']}" for each in found)], rows, 1)


_TABLES = {
    "table": runs_table,
    "claims": judged,
    "stability": stability_table,
    "ratios": ratios_table,
    "certificates": certificates_table,
}


def render(page):
    """A page with its computed tables written anew."""

    def block(match):
        head, kind, name, end = match.groups()
        _, _, table = _TABLES[kind](name).markdown().partition("\n\n")  # without the title
        return f"{head}\n{table}\n\n{end}"

    return _COMPUTED.sub(block, page)


def computed_text(page, name):
    """The computed tables of a name, as the page shows them."""
    return "\n".join(match[0] for match in _COMPUTED.finditer(page) if match[3] == name)


def unmarked(page):
    """The text of a page without computed tables, blocks with a source, code, links and comments."""
    text = re.sub(r"```.*?```", "", _COMPUTED.sub("", page), flags=re.DOTALL)
    text = re.sub(r"^<!-- source: .+? -->\n(.+\n)+", "", text, flags=re.MULTILINE)
    return re.sub(r"<!--.*?-->|`[^`\n]*`|\]\([^)]*\)", "", text, flags=re.DOTALL)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(render(path.read_text()))
