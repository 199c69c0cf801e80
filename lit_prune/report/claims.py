"""Claims of papers, checked on the runs of a study: primary ones are decided by a test, others stay exploratory.

A primary claim is decided by the paired permutation test of its margin, corrected for all primary claims of the report
(Holm 1979). The test is two-sided, as a claim may turn out either way; the sign of the margin gives the direction. It
needs `ENOUGH` pairs of runs: five pairs cannot have a two-sided p-value below 2 / 2**5 = .0625.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lit_prune.display.table import NONE, Table
from lit_prune.errors import UserError
from lit_prune.report.comparisons import Difference, compare
from lit_prune.report.naming import metric_label, value_text
from lit_prune.report.results import Results
from lit_prune.report.settings import ClaimSettings, ReportSettings
from lit_prune.report.statistics import LEVEL, adjust_holm, paired_p_value
from lit_prune.report.tables import interval_texts, intervals_note

HOLDS, FAILS, OPEN = "holds", "does not hold", "open"
ENOUGH = 10  # pairs of runs to decide a claim


@dataclass(frozen=True)
class Judgement:
    """The outcome of a claim at one cell of a study.

    Attributes:
        claim: The claim.
        difference: The margin of the claim, None if the runs that it compares are incomplete.
        p_value: Two-sided p-value, adjusted for all primary claims. None if the claim is exploratory.
    """

    claim: ClaimSettings
    difference: Difference | None
    p_value: float | None = None

    @property
    def verdict(self) -> str | None:
        """`HOLDS`, `FAILS` or `OPEN`, by the test or, if exploratory, by the interval; None if there is neither."""
        if self.difference is None or self.difference.interval is None:
            return None
        if self.p_value is None:
            low, high = self.difference.interval
        elif self.p_value <= 1 - LEVEL:
            low = high = self.difference.mean
        else:
            return OPEN
        return HOLDS if low > 0 else FAILS if high < 0 else OPEN

    @property
    def place(self) -> str:
        """The cell in words, without the axes that the claim fixes."""
        if self.difference is None:
            return NONE
        fixed = {axis for axis, value in self.claim.where.items() if not isinstance(value, list)}
        cell = {axis: value for axis, value in self.difference.cell.axes.items() if axis not in fixed}
        return ", ".join(f"{axis} {value_text(axis, value)}" for axis, value in cell.items()) or NONE


def judge(results: Results, settings: ReportSettings) -> list[Judgement]:
    """Judge all claims of the report, at each cell that they are about.

    Args:
        results: The runs.
        settings: Settings with the claims and the axis that is averaged over.

    Raises:
        UserError: A primary claim is about several cells.
    """
    found: list[Judgement] = []
    for claim in settings.claims:
        margins = compare(results, settings.over, [claim.metric], claim.reference, claim.where, claim.share)
        judgements = [Judgement(claim, margin) for margin in margins] or [Judgement(claim, None)]
        if claim.primary and len(judgements) > 1:
            places = "; ".join(each.place for each in judgements)
            raise UserError(f"a primary claim must be about one cell, got {places}: choose one in the claim's `where`")
        found += judgements
    return _decide(found)


def _decide(found: Sequence[Judgement]) -> list[Judgement]:
    """Add the p-values of primary claims; those without enough pairs count in the correction, with p = 1."""
    primary = [number for number, each in enumerate(found) if each.claim.primary]
    tested = {number: p_value for number in primary if (p_value := _p_value(found[number])) is not None}
    adjusted = adjust_holm(np.array([tested.get(number, 1.0) for number in primary]))
    decided = {number: float(p_value) for number, p_value in zip(primary, adjusted, strict=True) if number in tested}
    return [replace(each, p_value=decided.get(number)) for number, each in enumerate(found)]


def _p_value(found: Judgement) -> float | None:
    if found.difference is None or found.difference.num < ENOUGH:
        return None
    return paired_p_value(np.array(found.difference.values))


def claims_table(found: Sequence[Judgement], settings: ReportSettings) -> Table:
    """Return a table with a row per claim and cell: margin, interval, p-value if any is decided, verdict."""
    has_p_values = any(each.p_value is not None for each in found)
    rows = []
    for each in found:
        claim, margin = each.claim, each.difference
        figures = [NONE] * 3 if margin is None else [f"{margin.mean:+.3f}", interval_texts(margin)[0], str(margin.num)]
        if has_p_values:
            figures.append(NONE if each.p_value is None else f"{each.p_value:.3f}")
        rows.append([claim.says, claim.source, metric_label(claim.metric), each.place, *figures, _verdict_text(each)])
    header = ["claim", "of", "metric", "at", "margin", f"{LEVEL:.0%} interval", "pairs"]
    return Table(
        "Claims of papers",
        [*header, *(["p (Holm)"] if has_p_values else []), "here"],
        rows,
        4,
        [_note(found, settings), _method_note(found)],
    )


def _verdict_text(found: Judgement) -> str:
    if found.verdict is None:
        return NONE
    return f"exploratory ({found.verdict})" if found.p_value is None else found.verdict


def _note(found: Sequence[Judgement], settings: ReportSettings) -> str:
    decided = Counter(each.verdict for each in found if each.p_value is not None)
    num_without = sum(each.verdict is None for each in found)
    return (
        f"Of {len(found)}: {decided[HOLDS]} hold, {decided[FAILS]} do not, {decided[OPEN]} are open, "
        f"{len(found) - decided.total() - num_without} are exploratory, and {num_without} cannot be judged. The margin "
        "is the metric minus that of the runs compared with, or the share of it that the claim names, same "
        f"{settings.over} and other axes. {intervals_note(settings)}"
    )


def _method_note(found: Sequence[Judgement]) -> str:
    return (
        f"Primary claims: {sum(each.claim.primary for each in found)}. With {ENOUGH} pairs or more, a primary claim is "
        "decided by a two-sided paired permutation test (signs of margins flipped), with Holm's correction for all "
        f"primary claims, at {1 - LEVEL:.0%}; the sign of the margin gives the direction. Exploratory claims are not "
        f"decided: in brackets, {HOLDS} stands for an interval above 0, {FAILS} for one below 0, without a correction "
        "for the number of claims."
    )
