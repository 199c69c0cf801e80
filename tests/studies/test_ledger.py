"""runs.json and the folder around it."""

import json

import pytest
import yaml

from lit_prune.errors import UserError
from lit_prune.studies.ledger import Ledger, check_folder, locked, spent_seconds, write_study
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import make_study


@pytest.fixture
def standings(plan, tmp_path, resolve):
    return find_standings(plan, tmp_path, resolve)


def read(folder):
    return {each["name"]: each for each in json.loads((folder / "runs.json").read_text())}


def test_all_is_written_before_anything_is_run(plan, standings, tmp_path, names):
    Ledger(tmp_path, plan, standings)
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


def test_every_change_is_written(plan, standings, tmp_path):
    ledger = Ledger(tmp_path, plan, standings)
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
        ("running", ("planned", None)),
        ("completed", ("completed", None)),
    ],
)
def test_of_what_is_not_to_be_run_now_it_tells_what_it_told(plan, standings, tmp_path, before, after):
    name = "dense/seed=1"
    told = {"folder": f"{name}/version_3", "seconds": 7.5}
    ledger = Ledger(tmp_path, plan, standings)
    ledger.entries[name] |= told
    ledger.set(name, before, "it broke" if after[1] else None)
    ledger.entries[name] |= told
    ledger.set("dense/seed=2", "completed")
    Ledger(tmp_path, plan, {})
    entry = read(tmp_path)[name]
    assert (entry["status"], entry["error"]) == after
    assert {key: entry[key] for key in told} == told
    Ledger(tmp_path, plan, standings)
    entry = read(tmp_path)[name]
    assert (entry["status"], entry["error"], entry["folder"]) == ("planned", None, f"{name}/version_0")


def test_what_has_never_been_looked_at_is_planned(plan, standings, tmp_path, names):
    Ledger(tmp_path, plan, {"dense/seed=2": standings["dense/seed=2"]})
    listed = read(tmp_path)
    assert list(listed) == names
    assert {each["status"] for each in listed.values()} == {"planned"}
    assert listed["dense/seed=1"]["folder"] == "dense/seed=1/version_0"


def test_a_folder_is_of_one_study_and_one_process(source, tmp_path):
    study = make_study(source | {"report": {"x": [1]}})
    out = tmp_path / "a" / "b"
    check_folder(out, study)
    with locked(out):
        write_study(out, study)
        with pytest.raises(UserError, match=f"another process runs the study in {out}"), locked(out):
            pass
    with locked(out):
        check_folder(out, study)
    assert yaml.safe_load((out / "study.yaml").read_text()) == study.source
    with pytest.raises(UserError, match="holds the study 'tiny'"):
        check_folder(out, make_study(source | {"title": "other"}))
