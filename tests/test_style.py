"""How figures look: names that matplotlib knows."""

import matplotlib as mpl

from lit_prune.style import FONTS, PANEL, STYLE, num_columns


def test_each_setting_is_one_of_matplotlibs():
    assert {*STYLE, *FONTS} <= set(mpl.rcParams)
    assert all(side > 0 for side in PANEL)


def test_four_panels_are_a_square_and_others_rows_of_three():
    assert [num_columns(num) for num in range(1, 7)] == [1, 2, 3, 2, 3, 3]
