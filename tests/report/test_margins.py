"""The figure of claims, read back from the canvas."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from records import numbers

from lit_prune.report.claims import judge
from lit_prune.report.margins import draw_margins

GAINS = (0.1, 0.2) * 5


@pytest.fixture
def drawn(study, monkeypatch, tmp_path):
    """A function: claims about twenty runs of two losses -> the figure's canvas and captions."""
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))
    for seed, gain in enumerate(GAINS):
        study.add(f"ce-{seed}", numbers(0.9, 0.5, auroc=0.6), loss="ce", seed=seed)
        study.add(f"poe-{seed}", numbers(0.9, 0.5 + gain, auroc=0.6 - gain), loss="poe", seed=seed)
    study.add("kl", loss="kl", seed=0)

    def draw_it(*claims):
        fixed = {"source": "a paper", "reference": {"loss": "ce"}}
        study.define(claims=[fixed | claim for claim in claims])
        captions = draw_margins(judge(*study.read()), "seed", tmp_path / "claims.png")
        return (canvases or [None])[-1], captions

    return draw_it


CLAIM = {"says": "poe is better", "metric": "nli/ood/accuracy", "where": {"loss": "poe"}}


def test_each_seed_is_a_point_beside_mean_and_interval(drawn):
    canvas, captions = drawn(CLAIM)
    (panel,) = canvas.axes
    (points,) = panel.collections
    np.testing.assert_allclose(points.get_offsets()[:, 0], [10, 20] * 5)
    interval, mean, zero = panel.lines
    assert [*mean.get_xdata()] == [pytest.approx(15)]
    margin = 2.262157 * np.std([10, 20] * 5, ddof=1) / np.sqrt(10)
    np.testing.assert_allclose(interval.get_xdata(), [15 - margin, 15 + margin])
    assert {*zero.get_xdata()} == {0}
    assert [text.get_text() for text in panel.texts] == ["poe is better"]
    assert panel.get_xlabel() == "margin, accuracy (%)"
    assert "Points: single seeds" in captions["claims"]


def test_decided_and_exploratory_claims_differ_in_colour(drawn):
    canvas, _ = drawn(CLAIM | {"primary": True}, CLAIM)
    (panel,) = canvas.axes
    decided, exploratory = (to_rgb(line.get_color()) for line in panel.lines if line.get_marker() == "D")
    assert decided != exploratory


def test_metrics_have_panels_of_their_own_and_what_was_not_run_is_left_out(drawn):
    canvas, _ = drawn(CLAIM, CLAIM | {"metric": "nli/ood/auroc"}, CLAIM | {"where": {"loss": "kl"}})
    assert [panel.get_title(loc="left") for panel in canvas.axes] == ["nli OOD accuracy", "nli OOD AUROC"]
    assert [len(panel.collections) for panel in canvas.axes] == [1, 1]
    assert canvas.axes[1].collections[0].get_offsets()[0, 0] == pytest.approx(-0.1)


def test_without_a_margin_there_is_no_figure(drawn):
    assert drawn(CLAIM | {"where": {"loss": "kl"}}) == (None, {})
    assert drawn() == (None, {})


def test_a_long_claim_is_wrapped(drawn):
    canvas, _ = drawn(CLAIM | {"says": "a claim of many words " * 6})
    (text,) = canvas.axes[0].texts
    assert max(map(len, text.get_text().splitlines())) <= 56
    assert canvas.axes[0].collections[0].get_offsets()[0, 1] == len(text.get_text().splitlines())
