"""What a study shows."""

import io
import json
from itertools import chain

import pytest
from rich.console import Console
from run_helpers import edit_record

from lit_prune.studies.ledger import Ledger
from lit_prune.studies.standing import find_standings
from lit_prune.studies.watch import Costs, Watch, duration, last_line, print_plan


@pytest.fixture
def standings(plan, out, resolve):
    return find_standings(plan, out, resolve)


@pytest.fixture
def fresh(plan, tmp_path, resolve):
    return find_standings(plan, tmp_path / "fresh", resolve)


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00:00"), (59.6, "0:01:00"), (3600 * 30, "1 day, 6:00:00")])
def test_a_duration(seconds, said):
    assert duration(seconds) == said


def test_finished_runs_tell_what_others_of_their_kind_take(standings, fresh, out):
    for number, name in enumerate(["mask/loss=poe/seed=1", "mask/loss=poe/seed=2"]):
        edit_record(
            out / name / "version_0/run.json", lambda record, own=100.0 + 100 * number: record.update(seconds=own)
        )
    masks = [each for each in standings.values() if each.run.name.startswith("mask/loss=poe")]
    costs = Costs(masks, {"mask": 1, "dense": 7})
    assert costs.remaining(fresh["mask/loss=ce/seed=1"]) == 150
    assert costs.remaining(fresh["dense/seed=1"]) == 7
    assert costs.remaining(standings["mask/loss=poe/seed=1"]) == 0
    assert Costs([], {}).remaining(fresh["dense/seed=1"]) is None


def test_what_was_spent_on_a_run_is_not_spent_again(plan, out, resolve):
    folder = out / "dense/seed=1/version_0"
    (folder / "metrics.json").unlink()
    edit_record(folder / "run.json", lambda record: record.update(seconds=40.0))
    standing = find_standings(plan, out, resolve)["dense/seed=1"]
    assert (standing.state, Costs([], {"dense": 100}).remaining(standing)) == ("resume", 60)
    assert Costs([], {"dense": 10}).remaining(standing) == 0


@pytest.mark.parametrize(
    ("said", "total"),
    [
        ({"dense": 60, "mask": 120}, "about 0:10:00"),
        ({"mask": 120}, "about 0:08:00, and an unknown time for 2 more"),
        ({}, "an unknown time"),
    ],
)
def test_the_sum_says_what_it_does_not_know(fresh, said, total, capsys):
    costs = Costs([], said)
    assert costs.remaining_text(fresh.values()) == total
    assert costs.remaining_text([]) == "nothing"
    print_plan(list(fresh.values()), costs)
    shown = capsys.readouterr().out
    assert shown.splitlines()[-1] == f"6 of 6 to do: {total}"
    assert all(name in shown for name in fresh)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", ""),
        ("a\nb\n", "b"),
        ("a\nmask 3/20\rmask 4/20", "mask 4/20"),
        ("a\rb\r  \r\n", "b"),
        ("é" * 9000 + "\nend", "end"),
    ],
)
def test_the_last_line_of_an_output(tmp_path, content, line):
    (tmp_path / "output.txt").write_bytes(content.encode())
    assert last_line(tmp_path / "output.txt") == line
    assert last_line(tmp_path / "none.txt") == ""


@pytest.fixture
def watched(fresh, tmp_path):
    """A watch of two runs, on a terminal or not: it, its ledger and what it has shown."""

    def make(terminal):
        ledger = Ledger(tmp_path / "fresh", fresh, fresh)
        watch = Watch(list(fresh.values())[:2], ledger, Costs([], {"dense": 60}))
        watch.console = Console(file=io.StringIO(), force_terminal=terminal, width=200, color_system=None)
        return watch, ledger, watch.console.file

    return make


def spend(standing, seconds):
    standing.folder.mkdir(parents=True, exist_ok=True)
    (standing.folder / "run.json").write_text(json.dumps({"seconds": seconds}))


def test_without_a_terminal_there_are_plain_lines(watched):
    watch, ledger, shown = watched(False)
    first, second = watch.standings
    with watch.live():
        for standing, (status, error) in chain(
            [(first, ("running", None)), (first, ("completed", None))],
            [(second, ("running", None)), (second, ("failed", "it broke"))],
        ):
            spend(standing, 61.0)
            ledger.set(standing.run.name, status, error)
            watch.update(standing)
    assert shown.getvalue().splitlines() == [
        "running   dense/seed=1",
        "completed dense/seed=1 in 0:01:01; 1 of 2 done, left: about 0:01:01",  # as it has learned
        "running   dense/seed=2",
        "failed    dense/seed=2: it broke",
    ]


def test_a_terminal_shows_what_runs_and_its_last_line(watched):
    watch, ledger, shown = watched(True)
    first = watch.standings[0]
    with watch.live():
        ledger.set(first.run.name, "running")
        watch.update(first)
        first.output.parent.mkdir(parents=True, exist_ok=True)
        first.output.write_text("dense 3/20\rdense 4/20")
    assert "running   dense/seed=1  dense 4/20" in shown.getvalue()
    assert "0 of 2 done, left: about 0:02:00" in shown.getvalue()
