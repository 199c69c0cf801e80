"""The width of the console for tables."""

import pytest

from lit_prune.display.console import wide_console


@pytest.mark.parametrize(("arguments", "width"), [((), 160), ((120,), 120)])
def test_a_pipe_has_the_given_width(monkeypatch, capsys, arguments, width):
    monkeypatch.setenv("COLUMNS", "40")
    assert wide_console(*arguments).width == width


def test_a_terminal_keeps_its_own(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the output for a terminal
    monkeypatch.setenv("COLUMNS", "40")
    assert wide_console().width == 40
