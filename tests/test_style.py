"""How figures look: names that matplotlib knows."""

import matplotlib as mpl

from lit_prune.style import FONTS, PANEL, STYLE


def test_each_setting_is_one_of_matplotlibs():
    assert {*STYLE, *FONTS} <= set(mpl.rcParams)
    assert all(side > 0 for side in PANEL)
