"""How figures look: names that matplotlib knows."""

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from lit_prune.display.style import FONTS, PANEL, STYLE, colors_of, drawing, num_columns, save, set_log_ticks


def test_each_setting_is_one_of_matplotlibs():
    assert {*STYLE, *FONTS} <= set(mpl.rcParams)
    assert all(side > 0 for side in PANEL)


def test_twenty_names_have_colors_of_their_own():
    names = [str(number) for number in range(20)]
    colors = colors_of(names)
    assert list(colors) == names
    assert len(set(colors.values())) == 20
    assert len(colors_of([*names, "one more"])) == 21


def test_four_panels_are_a_square_and_others_rows_of_three():
    assert [num_columns(num) for num in range(1, 7)] == [1, 2, 3, 2, 3, 3]


def test_a_figure_is_a_png_and_a_pdf_and_equal_ones_are_equal_files(tmp_path):
    for name in ("a", "b"):
        canvas = Figure()
        canvas.subplots().plot([1, 2])
        save(canvas, tmp_path / "figures" / f"{name}.png")
    for end, beginning in {"png": b"\x89PNG", "pdf": b"%PDF"}.items():
        first, second = ((tmp_path / f"figures/{name}.{end}").read_bytes() for name in ("a", "b"))
        assert first.startswith(beginning)
        assert first == second


@pytest.mark.parametrize("text", [r"$\foo$", "$x_{$", "$x^2$"])
def test_text_is_drawn_as_it_is(text, tmp_path):
    with drawing():
        canvas = Figure()
        panel = canvas.subplots()
        panel.plot([1, 2], label=text)
        (label,) = panel.legend().get_texts()
        save(canvas, tmp_path / "a.png")
    assert (label.get_text(), label.get_parse_math()) == (text, False)


def test_labels_of_a_logarithmic_axis_are_no_formulas(tmp_path):
    with drawing():
        canvas = Figure()
        panel = canvas.subplots()
        panel.set(xscale="log", xlim=(0.1, 100))
        set_log_ticks(panel.xaxis)
        save(canvas, tmp_path / "a.png")
    labels = [label.get_text() for label in panel.get_xticklabels(which="both")]
    assert {"0.1", "1", "20"} <= set(labels)
    assert not any("$" in label for label in labels)
