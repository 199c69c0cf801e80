"""How figures look: names that matplotlib knows."""

import matplotlib as mpl
from matplotlib.figure import Figure

from lit_prune.display.style import FONTS, PANEL, STYLE, colors_of, num_columns, save


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
