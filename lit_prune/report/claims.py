"""Claims of papers, checked on the runs of a study: a claim holds if the interval of its margin lies above 0."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lit_prune.display.table import NONE, Table
from lit_prune.report.comparisons import Difference, compare
from lit_prune.report.naming import metric_label, value_text
from lit_prune.report.results import Results
from lit_prune.report.settings import ClaimSettings, ReportSettings
from lit_prune.report.tables import ENOUGH, interval_texts

HOLDS, FAILS, OPEN = "holds", "does not hold", "open"


@dataclass(frozen=True)
class Judgement:
    """The outcome of a claim at one cell of a study.

    Attributes:
        claim: The claim.
        difference: The margin of the claim, None if the runs that it compares are incomplete.
    """

    claim: ClaimSettings
    difference: Difference | None

    @property
    def verdict(self) -> str | None:
        """`HOLDS`, `FAILS` or `OPEN`; None if there is no interval."""
        if self.difference is None or self.difference.interval is None:
            return None
        return judge_interval(*self.difference.interval)


def judge_interval(low: float, high: float) -> str:
    """Return the verdict of a claim whose margin has this interval: `HOLDS`, `FAILS` or `OPEN`."""
    return HOLDS if low > 0 else FAILS if high < 0 else OPEN


def judge(results: Results, settings: ReportSettings) -> list[Judgement]:
    """Judge all claims of the report, at each cell that they are about.

    Args:
        results: The runs.
        settings: Settings with the claims and the axis that is averaged over.
    """
    found: list[Judgement] = []
    for claim in settings.claims:
        margins = compare(results, settings.over, [claim.metric], claim.reference, claim.where, claim.share)
        found += [Judgement(claim, margin) for margin in margins] or [Judgement(claim, None)]
    return found


def claims_table(found: Sequence[Judgement], settings: ReportSettings) -> Table:
    """Return a table with a row per claim and cell: margin, interval, verdict."""
    rows = []
    for each in found:
        claim, margin = each.claim, each.difference
        figures = [NONE] * 5
        if margin is not None:
            fixed = {axis for axis, value in claim.where.items() if not isinstance(value, list)}
            cell = {axis: value for axis, value in margin.cell.axes.items() if axis not in fixed}
            place = ", ".join(f"{axis} {value_text(axis, value)}" for axis, value in cell.items())
            verdict = each.verdict or NONE
            shown = verdict if margin.num >= ENOUGH or verdict == NONE else f"({verdict})"
            figures = [place or NONE, f"{margin.mean:+.3f}", interval_texts(margin)[0], str(margin.num), shown]
        rows.append([claim.says, claim.source, metric_label(claim.metric), *figures])
    header = ["claim", "of", "metric", "at", "margin", "95% interval", "pairs", "here"]
    verdicts = Counter(each.verdict for each in found)
    notes = [
        f"Of {len(found)}: {verdicts[HOLDS]} hold, {verdicts[FAILS]} do not, {verdicts[OPEN]} are open, and "
        f"{verdicts[None]} cannot be judged. The margin is the metric minus that of the runs compared with, or the "
        f"share of it that the claim names, same {settings.over} and other axes; a claim holds where the interval of "
        f"its margin (as of differences) lies above 0. In brackets: fewer than {ENOUGH} pairs, which make the interval "
        "too narrow."
    ]
    return Table("Claims of papers", header, rows, 4, notes)
