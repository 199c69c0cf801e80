import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from lit_prune.compare import figures
from lit_prune.compare.counts import count
from lit_prune.compare.sources import open_all


@pytest.fixture
def counts(three_runs):
    return count(open_all(three_runs))


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are written, as they are then."""
    seen = []
    savefig = Figure.savefig

    def keep(self, path, **options):
        seen.append(self)
        savefig(self, path, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return seen


def values(panel):
    """The numbers of a heat map, NaN where it is blank."""
    (shown,) = panel.images or panel.collections
    return np.ma.filled(shown.get_array().astype(float), np.nan)


def test_what_is_kept_is_drawn_for_each_run(counts, drawn, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.draw_density(counts, tmp_path)
    panels = drawn[0].axes
    assert [panel.get_title() for panel in panels] == [f"{i}: {name}" for i, name in enumerate(counts.names, start=1)]
    for number, panel in enumerate(panels):
        shown = values(panel)
        assert shown.shape == (3, 6)
        assert shown[1, 1] == pytest.approx(100 * counts.density(counts.select("1", "key"))[number])
        assert np.isnan(shown[0, 5]), "no classifier in a layer"


def test_overlaps_lie_below_the_diagonal_and_chance_above(counts, drawn, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.draw_overlap(counts, tmp_path)
    shown = values(drawn[0].axes[0])
    found, by_chance = counts.overlaps(counts.select())
    assert shown[[1, 2, 2], [0, 0, 1]] == pytest.approx(found)
    assert shown[[0, 0, 1], [1, 2, 2]] == pytest.approx(by_chance)
    assert np.isnan(np.diag(shown)).all()


def test_equal_masks_give_equal_files(counts, tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        figures.draw_overlap(counts, folder)
        figures.draw_density(counts, folder)
    for name in ("density.png", "density.pdf", "overlap.png", "overlap.pdf"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
