"""`lit_prune configs`: the shipped configurations on the console."""

import pytest

from lit_prune.cli import main
from lit_prune.shipped import shipped_configs


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A working directory without configurations, and a file in the place of a console."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def test_all_are_listed_with_a_line_each_experiments_first(capsys):
    assert main(["configs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(shipped_configs(), key=lambda name: (name.count("/"), name))
    assert max(map(len, lines)) <= 160
    (line,) = (each for each in lines if each.startswith("srnet_ce "))
    assert line.split(maxsplit=1)[1].startswith("The control of srnet_poe: the same mask training with cross-entropy")


@pytest.mark.parametrize("name", ["facts", "configs/data/facts.yaml"])
def test_one_is_printed_as_it_is_or_its_path(name, capsys):
    path = shipped_configs()["data/facts"]
    assert main(["configs", name]) == 0
    assert capsys.readouterr().out == path.read_text()
    assert main(["configs", name, "--path"]) == 0
    assert capsys.readouterr().out == f"{path}\n"


def test_an_unknown_name_is_one_line(capsys):
    assert main(["configs", "srnt_ce"]) == 2
    assert "error: unknown config srnt_ce: choose from srnet_ce" in capsys.readouterr().err
