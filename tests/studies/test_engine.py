"""The engine: what it calls in which order, whatever that does; and `fit` in this process."""

import sys

import pytest

from lit_prune.errors import UserError
from lit_prune.studies import engine
from lit_prune.studies.ledger import Ledger
from lit_prune.studies.standing import find_standings


@pytest.fixture
def called(plan, tmp_path, resolve):
    """A function that runs the study by a `call`: what was told."""

    def run(call):
        standings = find_standings(plan, tmp_path, resolve)
        ledger = Ledger(tmp_path, standings, standings)
        told = []
        engine.run_all(
            list(standings.values()),
            ledger,
            lambda standing: told.append((standing.run.name, ledger.status(standing.run.name))),
            call,
        )
        return told, ledger

    return run


def test_every_run_is_called_with_its_arguments_after_what_it_starts_from(called, tmp_path, names):
    calls = []

    def call(arguments, output):
        calls.append((arguments[-1].removeprefix("--experiment="), output))
        folder = output.parent / "version_0"
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text("{}")

    told, _ = called(call)
    assert calls == [(name, tmp_path / name / "output.txt") for name in names]
    assert told == [(name, status) for name in names for status in ("running", "completed")]


def test_a_run_without_metrics_has_failed(called, tmp_path):
    told, ledger = called(lambda arguments, output: None)
    assert told[:2] == [("dense/seed=1", "running"), ("dense/seed=1", "failed")]
    assert ledger.entries["dense/seed=1"]["error"] == f"it ended without {tmp_path}/dense/seed=1/version_0/metrics.json"
    assert told[-1] == ("mask/loss=ce/seed=2", "blocked")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UserError("the value is 3:\n use 4"), "the value is 3: use 4"),
        (ZeroDivisionError("a bug"), "ZeroDivisionError: a bug"),
    ],
)
def test_what_goes_wrong_in_fit_is_a_line_and_its_output_is_kept(monkeypatch, tmp_path, capfd, error, message):
    def run(arguments):
        print("printed", *arguments)
        print("warned", file=sys.stderr)
        raise error

    monkeypatch.setattr("lit_prune.fit.run", run)
    output = tmp_path / "a" / "output.txt"
    for _ in range(2):
        assert engine.fit_here(["--x=1"], output) == message
    kept = output.read_text()
    assert kept.count("printed --x=1\n") == kept.count("warned\n") == kept.count("Traceback") == 2
    assert capfd.readouterr() == ("", "")


def test_what_stops_the_process_is_not_held_up(monkeypatch, tmp_path):
    def run(arguments):
        raise SystemExit(1)

    monkeypatch.setattr("lit_prune.fit.run", run)
    with pytest.raises(SystemExit):
        engine.fit_here([], tmp_path / "output.txt")
