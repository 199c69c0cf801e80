"""The engine: what it calls in which order, whatever that does; and `fit` in this process."""

import json
import sys

import pytest

from lit_prune.errors import UserError
from lit_prune.studies import engine
from lit_prune.studies.ledger import Ledger
from lit_prune.studies.plan import make_plan
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import make_study


@pytest.fixture
def called(plan, tmp_path, resolve):
    """A function that runs the study by a `call`: what was told."""

    class Calls(engine.LocalExecutor):
        """Runs by a function of a run's arguments and its output."""

        def __init__(self, call):
            self.call = call

        def wait(self):
            return self.standing, self.call(self.standing.arguments, self.standing.output)

    def run(call):
        standings = find_standings(plan, tmp_path, resolve)
        ledger = Ledger(tmp_path, standings, standings)
        told = []
        engine.run_all(
            list(standings.values()),
            ledger,
            lambda standing: told.append((standing.run.name, ledger.status(standing.run.name))),
            Calls(call),
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
    assert (
        ledger.entries["dense/seed=1"]["error"]
        == f"the run ended without {tmp_path}/dense/seed=1/version_0/metrics.json"
    )
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

    monkeypatch.setattr("lit_prune.commands.fit.run", run)
    output = tmp_path / "a" / "output.txt"
    for _ in range(2):
        assert engine.run_fit(["--x=1"], output) == message
    kept = output.read_text()
    assert kept.count("printed --x=1\n") == kept.count("warned\n") == kept.count("Traceback") == 2
    assert capfd.readouterr() == ("", "")


def test_what_stops_the_process_is_not_held_up(monkeypatch, tmp_path):
    def run(arguments):
        raise SystemExit(1)

    monkeypatch.setattr("lit_prune.commands.fit.run", run)
    with pytest.raises(SystemExit):
        engine.run_fit([], tmp_path / "output.txt")


class Pool:
    """Runs several at once; the last that began ends first, and some fail."""

    def __init__(self, num_slots, failing=(), selections=()):
        self.num_slots, self.failing, self.selections = num_slots, failing, dict(selections)
        self.running, self.began, self.most = [], [], 0

    def start(self, standing):
        self.running.append(standing)
        self.began.append(standing.run.name)
        self.most = max(self.most, len(self.running))

    def wait(self):
        standing = self.running.pop()
        if standing.run.name in self.failing:
            return standing, "it fails"
        standing.folder.mkdir(parents=True)
        selection = self.selections.get(standing.run.name, 0.5)
        (standing.folder / "metrics.json").write_text(json.dumps({"selection": selection}))
        return standing, None


@pytest.fixture
def pooled(plan, tmp_path, resolve):
    """A function that runs the study, or another plan, by a pool: the ledger."""

    def run(pool, plan=plan):
        standings = find_standings(plan, tmp_path, resolve)
        ledger = Ledger(tmp_path, standings, standings)
        engine.run_all(list(standings.values()), ledger, lambda standing: None, pool)
        return ledger

    return run


@pytest.mark.parametrize("num_slots", [1, 2, 3, 10])
def test_as_many_run_at_once_as_there_are_slots_each_after_what_it_starts_from(pooled, names, num_slots):
    pool = Pool(num_slots)
    ledger = pooled(pool)
    assert {ledger.status(name) for name in names} == {"completed"}
    assert sorted(pool.began) == sorted(names)
    assert pool.most == min(num_slots, 3)  # a dense run, and both masks of the other: all six never can
    for name in names:
        if name.startswith("mask"):
            assert pool.began.index(name) > pool.began.index(f"dense/{name.rpartition('/')[2]}")


def test_what_starts_from_a_failed_run_is_blocked_and_the_rest_goes_on(pooled, names):
    ledger = pooled(Pool(2, failing=["dense/seed=1"]))
    states = {name: ledger.status(name) for name in names}
    assert states["dense/seed=1"] == "failed"
    assert all((state == "blocked") == ("mask" in name and "seed=1" in name) for name, state in states.items())


TRIED = ["mask/loss=poe/seed=1", "mask/loss=ce/seed=1"]
OTHERS = ["mask/loss=poe/seed=2", "mask/loss=ce/seed=2"]


@pytest.fixture
def trying(source):
    """The plan of the study whose first seed tries both losses."""
    source["runs"]["mask"]["tune"] = {"axis": "loss", "where": {"seed": [1]}}
    return make_plan(make_study(source))


@pytest.mark.parametrize("num_slots", [1, 4])
@pytest.mark.parametrize("best", [0, 1])
def test_of_values_that_are_tried_the_best_alone_is_run_on(pooled, trying, num_slots, best):
    pool = Pool(num_slots, selections={TRIED[best]: 0.9})
    ledger = pooled(pool, trying)
    assert [ledger.status(name) for name in (OTHERS[best], OTHERS[1 - best])] == ["completed", "skipped"]
    assert set(pool.began[:-1]) == {"dense/seed=1", "dense/seed=2", *TRIED}


def test_a_value_that_fails_is_not_the_best_and_where_all_fail_none_is(pooled, trying):
    failing = Pool(2, failing=TRIED[:1], selections={TRIED[0]: 0.9})
    ledger = pooled(failing, trying)
    assert [ledger.status(name) for name in OTHERS] == ["skipped", "completed"]


def test_where_nothing_can_be_chosen_by_the_rest_is_blocked(pooled, trying):
    ledger = pooled(Pool(2, failing=TRIED), trying)
    for name in OTHERS:
        entry = ledger.entries[name]
        assert (entry["status"], entry["error"]) == (
            "blocked",
            "its loss is chosen by trial runs, none of which has a validation metric",
        )


def test_what_starts_from_a_skipped_run_is_skipped(pooled, source):
    source["runs"]["mask"]["tune"] = {"axis": "loss", "where": {"seed": [1]}}
    source["runs"]["ticket"] = {**source["runs"]["mask"], "start_from": "mask"}
    del source["runs"]["ticket"]["tune"]
    ledger = pooled(Pool(2, selections={TRIED[0]: 0.9}), make_plan(make_study(source)))
    states = {name: entry["status"] for name, entry in ledger.entries.items()}
    assert {name for name, state in states.items() if state == "skipped"} == {
        f"{kind}/loss=ce/seed=2" for kind in ("mask", "ticket")
    }


def test_what_ran_when_it_is_stopped_is_planned_again(pooled, names, tmp_path, resolve, plan):
    class Stopped(Pool):
        def wait(self):
            raise KeyboardInterrupt

    standings = find_standings(plan, tmp_path, resolve)
    ledger = Ledger(tmp_path, standings, standings)
    with pytest.raises(KeyboardInterrupt):
        engine.run_all(list(standings.values()), ledger, lambda standing: None, Stopped(2))
    assert {ledger.status(name) for name in names} == {"planned"}
