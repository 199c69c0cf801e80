"""Curves of what runs logged."""

import pytest
from matplotlib.figure import Figure
from tensorboard.summary.writer.record_writer import RecordWriter
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
    (legend,) = canvases[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["diffpruning", "sam"]
    canvases[0].draw_without_rendering()
    assert not legend.get_window_extent().overlaps(panel.get_window_extent())  # never over the lines
    assert panel.get_legend() is None


def test_what_nobody_logged_is_named(logged, tmp_path):
    logged.define(metrics=["t/id/accuracy"], curves=[{"name": "c", "scalars": ["search/none"]}])
    results, settings = logged.read()
    with pytest.raises(UserError, match="scalars of figure c must be logged by a complete run, got search/none"):
        draw_curves(results, settings.curves[0], "seed", tmp_path / "c.png")


def test_steps_are_counted_from_the_first_point_of_a_later_phase(study, monkeypatch, tmp_path):
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))
    for dense_steps in (0, 10):
        folder = study.add(f"{dense_steps}", {"t/id/accuracy": 0.5}, dense_steps=dense_steps, seed=1)
        with SummaryWriter(str(folder)) as writer:
            for step in range(0, dense_steps + 30, 5):
                writer.add_scalar("t/ood/auroc", dense_steps + step, step)
                if step >= dense_steps:
                    writer.add_scalar("sparsity/total", 0.7, step)
    curve = {"name": "starts", "scalars": ["t/ood/auroc"], "lines": "dense_steps", "since": "sparsity/total"}
    study.define(metrics=["t/id/accuracy"], curves=[curve])
    results, settings = study.read()
    caption = draw_curves(results, settings.curves[0], "seed", tmp_path / "starts.png")
    (panel,) = canvases[0].axes
    lines = [(tuple(line.get_xdata()), line.get_ydata()[0]) for line in panel.lines if len(line.get_xdata())]
    assert sorted(lines) == [((0, 5, 10, 15, 20, 25), 0), ((0, 5, 10, 15, 20, 25), 20)]
    assert caption == "t/ood/auroc by optimizer step after the first of sparsity/total, mean over the seeds."
    assert panel.get_xlabel() == "optimizer step after the first of sparsity/total"


def test_a_tag_that_no_run_logged_leaves_no_points(logged, tmp_path):
    logged.define(metrics=["t/id/accuracy"], curves=[{"name": "c", "since": "sparsity/total"}])
    results, settings = logged.read()
    with pytest.raises(UserError, match="scalars of figure c must be logged by a complete run"):
        draw_curves(results, settings.curves[0], "seed", tmp_path / "c.png")


def link(path):
    path.rename(path.parents[2] / "elsewhere")
    path.symlink_to(path.parents[2] / "elsewhere")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def garble(path):
    with path.open("wb") as file:
        RecordWriter(file).write(b"\xff" * 60)  # its checksums are right


@pytest.mark.parametrize("damage", [link, flip, garble, lambda path: path.write_bytes(b"x" * 100)])
def test_a_damaged_event_file_costs_the_curves_of_its_run(logged, monkeypatch, tmp_path, damage):
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))
    (path,) = (logged.folder / "sam-1" / "version_0").glob("events*")
    damage(path)
    logged.define(metrics=["t/id/accuracy"], curves=[{"name": "loss", "lines": "method"}])
    results, settings = logged.read()
    with pytest.warns(UserWarning, match=f"{path.name} must be .*: figures do not show the curves of this run"):
        draw_curves(results, settings.curves[0], "seed", tmp_path / "loss.png")
    lines = [tuple(line.get_ydata()) for line in canvases[0].axes[0].lines if len(line.get_xdata())]
    assert sorted(lines) == [(3, 13, 23), (3.5, 13.5, 23.5)]


def test_without_any_readable_event_file_the_panel_is_empty(logged, tmp_path):
    for path in logged.folder.rglob("events*"):
        path.write_bytes(b"x" * 100)
    logged.define(metrics=["t/id/accuracy"], curves=[{"name": "c", "lines": "method"}, {"name": "d"}])
    results, settings = logged.read()
    for curves in settings.curves:
        with pytest.warns(UserWarning, match="must be an event file of TensorBoard"):
            draw_curves(results, curves, "seed", tmp_path / f"{curves.name}.png")
        assert (tmp_path / f"{curves.name}.png").is_file()


def test_a_figure_of_no_scalar_is_an_error(logged):
    logged.define(metrics=["t/id/accuracy"], curves=[{"name": "c", "scalars": []}])
    with pytest.raises(UserError, match="scalars of figure c must be TensorBoard tags, got none"):
        logged.read()
