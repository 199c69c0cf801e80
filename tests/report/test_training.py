"""Curves of what runs logged."""

import pytest
from matplotlib.figure import Figure
from torch.utils.tensorboard import SummaryWriter

from lit_prune.errors import UserError
from lit_prune.report.training import draw_curves


@pytest.fixture
def logged(study):
    """Two methods with two seeds each, of which the loss at three steps is known."""
    for method, level in (("sam", 1.0), ("diffpruning", 2.0)):
        for seed in (1, 2):
            folder = study.add(f"{method}-{seed}", {"t/id/accuracy": 0.5}, method=method, seed=seed)
            with SummaryWriter(str(folder)) as writer:
                for step in range(3):
                    writer.add_scalar("train/loss", level + seed + 10 * step, step)
    return study


def test_a_line_is_the_mean_over_the_seeds_at_each_step(logged, monkeypatch, tmp_path):
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))
    logged.define(metrics=["t/id/accuracy"], curves=[{"name": "loss", "lines": "method"}])
    results, settings = logged.read()
    caption = draw_curves(results, settings.curves[0], "seed", tmp_path / "loss.png")
    (panel,) = canvases[0].axes
    lines = {line.get_label(): line for line in panel.lines if len(line.get_xdata())}
    assert sorted(tuple(line.get_ydata()) for line in lines.values()) == [(2.5, 12.5, 22.5), (3.5, 13.5, 23.5)]
    assert caption == "train/loss by optimizer step, mean over the seeds."


def test_what_nobody_logged_is_named(logged, tmp_path):
    logged.define(metrics=["t/id/accuracy"], curves=[{"name": "c", "scalars": ["search/none"]}])
    results, settings = logged.read()
    with pytest.raises(UserError, match="scalars of figure c must be logged by a complete run, got search/none"):
        draw_curves(results, settings.curves[0], "seed", tmp_path / "c.png")
