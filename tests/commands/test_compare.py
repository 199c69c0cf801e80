import subprocess
import sys

import pandas as pd
import pytest

from lit_prune.cli import main
from lit_prune.compare import figures


def test_it_prints_and_writes_what_runs_keep_and_share(three_runs, tmp_path, capsys):
    out = tmp_path / "compared"
    assert main(["compare", *three_runs, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "run2/version_0 seed=2" in printed
    assert "1 and 3" in printed
    assert printed.splitlines()[-1] == str(out)
    names = {"comparison.md", "density.csv", "overlap.csv"}
    assert {path.name for path in out.iterdir()} == names | {
        f"{name}.{kind}" for name in ("density", "overlap") for kind in ("png", "pdf")
    }
    assert len(pd.read_csv(out / "overlap.csv")) == 30
    text = (out / "comparison.md").read_text()
    assert "## Overlap by layer" in text
    assert "(overlap.png)" in text


def test_without_a_folder_it_only_prints(three_runs, tmp_path, monkeypatch, capsys):
    (empty := tmp_path / "empty").mkdir()
    monkeypatch.chdir(empty)
    assert main(["compare", *three_runs]) == 0
    assert "Overlap" in capsys.readouterr().out
    assert not list(empty.iterdir())


def test_one_run_has_nothing_to_share(three_runs, tmp_path):
    out = tmp_path / "alone"
    assert main(["compare", three_runs[0], "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"comparison.md", "density.csv", "density.png", "density.pdf"}


def test_nothing_is_overwritten(three_runs, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("")
    assert main(["compare", *three_runs, "--out", str(tmp_path / "out")]) == 2
    assert "nothing is overwritten" in capsys.readouterr().err


def test_an_error_leaves_no_folder(three_runs, tmp_path, capsys):
    assert main(["compare", *three_runs, three_runs[0], "--out", str(tmp_path / "out")]) == 2
    assert "twice" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_run_is_an_error(capsys):
    assert main(["compare"]) == 2
    assert "runs must be set" in capsys.readouterr().err


def test_of_many_runs_the_picture_says_which_it_shows(three_runs, tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "MOST_PANELS", 2)
    assert main(["compare", *three_runs, "--out", str(tmp_path / "out")]) == 0
    assert "first 2 of 3 runs" in (tmp_path / "out" / "comparison.md").read_text()


@pytest.mark.parametrize("module", ["lightning", "transformers", "datasets", "seaborn"])
def test_it_starts_without_what_it_does_not_need(module):
    code = f"import sys, lit_prune.commands.compare; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
