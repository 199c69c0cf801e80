"""runs.json and the folder around it."""

import json
from math import isnan

import pytest
import yaml

from lit_prune.errors import UserError
from lit_prune.studies.ledger import Ledger, check_folder, lock_study, spent_seconds, write_study
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import make_study


@pytest.fixture
def standings(plan, tmp_path, resolve):
    return find_standings(plan, tmp_path, resolve)


def read(folder):
    return {each["name"]: each for each in json.loads((folder / "runs.json").read_text())}


def test_all_is_written_before_anything_is_run(standings, tmp_path, names):
    Ledger(tmp_path, standings, standings)
    listed = read(tmp_path)
    assert list(listed) == names
    assert listed["mask/loss=ce/seed=2"] == {
        "name": "mask/loss=ce/seed=2",
        "axes": {"run": "mask", "loss": "ce", "seed": 2},
        "folder": "mask/loss=ce/seed=2/version_0",
        "status": "planned",
        "error": None,
        "seconds": None,
    }


def test_every_change_is_written(standings, tmp_path):
    ledger = Ledger(tmp_path, standings, standings)
    folder = tmp_path / "dense/seed=1/version_0"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"seconds": 7.5}))
    ledger.set("dense/seed=1", "failed", "it broke")
    entry = read(tmp_path)["dense/seed=1"]
    assert (entry["status"], entry["error"], entry["seconds"]) == ("failed", "it broke", 7.5)
    assert ledger.status("dense/seed=1") == "failed"
    assert spent_seconds(folder) == 7.5
    assert not list(tmp_path.glob(".runs.json*"))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("failed", ("failed", "it broke")),
        ("blocked", ("blocked", "it broke")),
        ("skipped", ("skipped", "it broke")),
        ("running", ("planned", None)),
        ("completed", ("planned", None)),
    ],
)
def test_what_failed_stays_so_and_what_only_was_said_to_run_is_planned(standings, tmp_path, before, after):
    Ledger(tmp_path, standings, standings).set("dense/seed=1", before, "it broke")
    for chosen, now in ([], after), (["dense/seed=1"], ("planned", None)):
        Ledger(tmp_path, standings, chosen)
        entry = read(tmp_path)["dense/seed=1"]
        assert (entry["status"], entry["error"]) == now


def test_a_folder_is_of_one_study_and_one_process(source, tmp_path):
    study = make_study(source | {"report": {"x": [1]}})
    out = tmp_path / "a" / "b"
    check_folder(out, study)
    with lock_study(out):
        write_study(out, study)
        with pytest.raises(UserError, match=f"got {out}, where another process runs the study"), lock_study(out):
            pass
    with lock_study(out):
        check_folder(out, study)
    assert yaml.safe_load((out / "study.yaml").read_text()) == study.source
    with pytest.raises(UserError, match="with the study 'tiny'"):
        check_folder(out, make_study(source | {"title": "other"}))


def test_a_score_is_what_a_complete_run_was_selected_by(standings, tmp_path):
    ledger = Ledger(tmp_path, standings, standings)
    name = "dense/seed=1"
    standings[name].folder.mkdir(parents=True)
    (standings[name].folder / "metrics.json").write_text(json.dumps({"selection": 0.75}))
    assert isnan(ledger.score(name))
    ledger.set(name, "completed")
    assert ledger.score(name) == 0.75
    (standings[name].folder / "metrics.json").write_text("{}")  # of an earlier version
    assert isnan(ledger.score(name))


@pytest.mark.parametrize("content", ["{", "{}", "[7]", '[{"name": 7}]', "[" * 100_000])
def test_a_damaged_list_of_runs_is_written_anew(standings, tmp_path, content):
    (tmp_path / "runs.json").write_text(content)
    ledger = Ledger(tmp_path, standings, [])
    assert read(tmp_path).keys() == ledger.entries.keys() == standings.keys()
