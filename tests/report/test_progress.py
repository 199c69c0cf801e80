"""Selection, OOD metrics and sparsity over the steps, read back from the canvas."""

import json

import pytest
from matplotlib.figure import Figure
from records import numbers
from torch.utils.tensorboard import SummaryWriter

from lit_prune.report.progress import draw_progress

TAGS = ("selection", "nli/ood/accuracy", "sparsity/total")


@pytest.fixture
def add(study):
    """A function that adds a run which logged a level, and 0.1 more at the second of two steps."""

    def add_run(name, seed, level, tags=TAGS, steps=(10, 20)):
        place = study.add(name, numbers(0.9, 0.6), listed=False, seed=seed, method=name.split("-")[0])
        record = json.loads((place / "run.json").read_text()) | {"selection": {"nli": "accuracy"}}
        (place / "run.json").write_text(json.dumps(record))
        with SummaryWriter(str(place)) as writer:
            for number, step in enumerate(steps):
                for tag in (*tags, "train/loss"):
                    writer.add_scalar(tag, level + number / 10, step)
        return place

    return add_run


@pytest.fixture
def drawn(study, monkeypatch, tmp_path):
    """A function that draws the progress of the study: its canvas and caption, None if there is none."""
    canvases = []
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **_: (canvases.append(self), path.touch()))

    def draw_it():
        captions = draw_progress(*study.read(), tmp_path / "progress.png")
        return (canvases[-1], captions["progress"]) if captions else None

    return draw_it


def curves(panel):
    return [[round(float(y), 3) for y in line.get_ydata()] for line in panel.lines]


def test_what_a_run_logged_is_drawn_in_words(add, drawn):
    add("poe", 1, 0.5)
    canvas, caption = drawn()
    titles = {panel.get_title(loc="left"): (panel.get_ylabel(), *curves(panel)) for panel in canvas.axes}
    assert titles == {
        "selection metric": ("accuracy", [0.5, 0.6]),
        "nli accuracy, out of distribution": ("accuracy (%)", [50, 60]),
        "sparsity": ("removed (%)", [50, 60]),
    }
    assert canvas.axes[-1].get_xlabel() == "optimizer step"
    assert not canvas.legends
    assert "The selection metric picks the checkpoint" in caption


def test_seeds_are_thin_beside_their_mean(add, drawn):
    add("poe-1", 1, 0.4)
    add("poe-2", 2, 0.6)
    canvas, caption = drawn()
    assert curves(canvas.axes[0]) == [[0.4, 0.5], [0.6, 0.7], [0.5, 0.6]]
    widths = [line.get_linewidth() for line in canvas.axes[0].lines]
    assert widths[0] == widths[1] < widths[2]
    assert "Bold: mean over seeds, thin: single seeds." in caption


def test_the_legend_names_rows_that_logged_something(add, drawn):
    add("poe", 1, 0.5)
    add("sam", 1, 0.7, tags=("selection",))
    add("silent", 1, 0.7, tags=())
    canvas, _ = drawn()
    (legend,) = canvas.legends
    assert [text.get_text() for text in legend.get_texts()] == ["method poe", "method sam"]
    assert [len(panel.lines) for panel in canvas.axes] == [2, 1, 1]
    canvas.draw_without_rendering()
    box = legend.get_window_extent(canvas._get_renderer())
    assert not any(box.overlaps(panel.get_window_extent()) for panel in canvas.axes)
    assert min(text.get_fontsize() for panel in canvas.axes for text in (panel.yaxis.label, panel.title)) >= 9


def test_more_rows_than_colours_are_left_out(add, drawn):
    for number in range(10):
        add(f"m{number}", 1, 0.5)
    canvas, caption = drawn()
    assert len(canvas.legends[0].get_texts()) == 8
    assert "the first 8 of 10 rows" in caption


def test_infinite_values_have_no_point(add, drawn):
    add("poe", 1, float("inf"), tags=("selection",))
    assert drawn() is None


def test_runs_that_logged_nothing_have_no_figure(study, drawn):
    study.add("a", numbers(0.9, 0.6), seed=1)
    assert drawn() is None


def test_a_damaged_event_file_costs_the_curves_of_its_run(add, drawn):
    add("poe", 1, 0.5)
    (path,) = add("sam", 1, 0.5).glob("events*")
    path.write_bytes(b"x" * 100)
    with pytest.warns(UserWarning, match="figures do not show the curves of this run"):
        canvas, _ = drawn()
    assert [len(panel.lines) for panel in canvas.axes] == [1, 1, 1]
