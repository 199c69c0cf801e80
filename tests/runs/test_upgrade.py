"""Configurations, runs and studies of version 0.1.0 (tests/fixtures/v0_1_0) in the current code."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import pyarrow.parquet
import pytest
from fixtures.v0_1_0.results import differences, probe_kernels, read_results

import lit_prune
from lit_prune.cli import main
from lit_prune.data import GeneratedNli
from lit_prune.fitting.cli import make_resolver
from lit_prune.runs import upgrade
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.runs.upgrade import is_old, read_config, upgrade_config, upgrade_run
from lit_prune.studies.plan import make_plan
from lit_prune.studies.standing import DONE, find_standings
from lit_prune.studies.study import read_study

FIXTURES = Path(__file__).parents[1] / "fixtures" / "v0_1_0"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())  # by what `probe_kernels` finds, then by name
NAMES = sorted(next(iter(EXPECTED.values())))
FINISHED = Path("study/mask/seed=1/loss=poe/version_0")


@pytest.fixture(scope="module")
def kernels():
    return probe_kernels(FIXTURES / "encoder")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A function: the name of an archive -> what was in it, below the working folder and beside the encoder."""

    def unpack(name):
        shutil.unpack_archive(FIXTURES / f"{name}.tar.xz", tmp_path, filter="data")
        return Path(name)

    shutil.copytree(FIXTURES / "encoder", tmp_path / "encoder")
    for path in FIXTURES.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return unpack


def warnings_of(recwarn):
    return [str(each.message) for each in recwarn if "0.1.0" in str(each.message)]


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_run_resumes_to_the_results_of_version_0_1_0(place, kernels, name, recwarn):
    """Bit for bit by the kernels that the results are stored of, by others to numbers close to them."""
    run = place(f"runs/{name}") / "version_0"
    assert not (run / "metrics.json").exists()
    assert main(["fit", "--resume", str(run)]) == 0
    assert len(warnings_of(recwarn)) == 1
    expected = deepcopy(EXPECTED.get(kernels, next(iter(EXPECTED.values())))[name])
    if name == "hybrid":
        del expected["metrics"]["parameter_density"]  # it counted the masks of one task, and is now the mean over tasks
    assert differences(read_results(run), expected, 0 if kernels in EXPECTED else 1e-3) == []
    read_checkpoint(run / "checkpoints" / "last.ckpt")  # it fits its base: the run could be killed once more


@pytest.fixture
def finished(place):
    """A run of the study."""
    place("study")
    return FINISHED


def test_a_finished_run_is_tested_with_one_warning(finished, recwarn):
    rows = [
        {name: row[name] for name in ("id", "text_a", "text_b", "label")}
        for row in GeneratedNli(num_train=96, num_eval=24, version=1).rows("id", None)
    ]
    Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert main(["test", str(finished), "--files", "again=rows.jsonl", "--out", "tested"]) == 0
    found, expected = (json.loads((each / "metrics.json").read_text()) for each in (Path("tested"), finished))
    for metric in ("accuracy", "auroc", "loss"):
        assert found[f"nli/again/{metric}"] == pytest.approx(expected[f"nli/id/{metric}"], abs=1e-5)
    assert len(warnings_of(recwarn)) == 1


def test_a_finished_run_predicts_with_one_warning(finished, recwarn):
    assert main(["predict", str(finished), "--split", "id", "--out", "rows.parquet"]) == 0
    expected = pyarrow.parquet.read_table(finished / "predictions.parquet").to_pylist()
    expected = {row["id"]: row["prediction"] for row in expected if row["split"] == "id"}
    assert {row["id"]: row["prediction"] for row in pyarrow.parquet.read_table("rows.parquet").to_pylist()} == expected
    assert len(warnings_of(recwarn)) == 1


@pytest.mark.parametrize("form", ["packed", "masks"])
def test_a_finished_run_is_exported_with_one_warning(finished, form, recwarn):
    assert main(["export", str(finished), "--format", form, "--out", form]) == 0
    assert len(warnings_of(recwarn)) == 1
    if form == "packed":
        assert list(lit_prune.load(form).tasks) == ["nli"]


def test_a_report_of_finished_runs_has_one_warning(finished, recwarn):
    assert main(["report", "study"]) == 0
    metrics = json.loads((finished / "metrics.json").read_text())
    rows = pyarrow.parquet.read_table("study/results.parquet").to_pylist()
    own = {
        row["metric"]: row["value"]
        for row in rows
        if row["name"] == "mask/seed=1/loss=poe" and row["split"] == "id" and row["model"] == "result"
    }
    assert own["accuracy"] == metrics["nli/id/accuracy"]
    assert warnings_of(recwarn) == ["runs that version 0.1.0 wrote in study: 3"]


def test_a_finished_study_has_nothing_left_to_run(place, monkeypatch, recwarn):
    out = place("study")
    standings = find_standings(make_plan(read_study(Path("study.yaml"))), out, make_resolver())
    assert [each.state for each in standings.values()] == [DONE] * 3
    monkeypatch.setattr("lit_prune.studies.engine.fit", None)
    recwarn.clear()
    assert main(["study", "study.yaml", "--out", str(out)]) == 0
    assert len(warnings_of(recwarn)) <= 1


def test_a_study_of_moved_classes_and_renamed_keys_has_nothing_left_to_run(place, monkeypatch):
    """As if version 0.1.0 had called classes and arguments otherwise."""
    out = place("study")
    monkeypatch.setitem(upgrade.MOVED, "lit_prune.paradigms.Masks", "lit_prune.paradigms.MaskTraining")
    monkeypatch.setitem(upgrade.RENAMED, ("MaskTraining", "scores"), "initial_scores")
    for config in out.rglob("config.yaml"):
        text = config.read_text().replace("lit_prune.paradigms.MaskTraining", "lit_prune.paradigms.Masks")
        config.write_text(text.replace("initial_scores:", "scores:"))
    standings = find_standings(make_plan(read_study(Path("study.yaml"))), out, make_resolver())
    assert [each.state for each in standings.values()] == [DONE] * 3
    assert main(["export", str(FINISHED), "--format", "dense", "--out", "dense"]) == 0


def test_moved_modules_and_renamed_keys_are_found_wherever_they_stand(monkeypatch):
    monkeypatch.setattr(upgrade, "MOVED", {"lit_prune.old": "lit_prune.new.place"})
    monkeypatch.setattr(upgrade, "RENAMED", {("Cubic", "over"): "length"})
    old = {
        "trainer": {"callbacks": [{"class_path": "lit_prune.old.Stop", "init_args": {"over": 1}}]},
        "model": {"init_args": {"schedule": {"class_path": "lit_prune.old.Cubic", "init_args": {"over": 2, "end": 1}}}},
        "other": {"class_path": "lit_prune.older.Cubic"},
        "foreign": {"class_path": "torch.Cubic", "init_args": {"over": 3}},
    }
    new = upgrade_config(old)
    assert new["trainer"]["callbacks"] == [{"class_path": "lit_prune.new.place.Stop", "init_args": {"over": 1}}]
    schedule = {"class_path": "lit_prune.new.place.Cubic", "init_args": {"length": 2, "end": 1}}
    assert new["model"]["init_args"]["schedule"] == schedule
    assert (new["other"], new["foreign"]) == (old["other"], old["foreign"])
    assert upgrade_config(new) == new
    assert old["trainer"]["callbacks"][0]["class_path"] == "lit_prune.old.Stop"


def test_a_run_of_version_0_1_0_keeps_the_defaults_of_then():
    config = {"method": {"class_path": "lit_prune.tuning.Lora", "init_args": {"rank": 2, "targets": None}}}
    assert upgrade_run(config, {"id": "a"}) == config == upgrade_run(config, {})
    old = upgrade_run(config, {"experiment": "lora"})
    assert old["method"]["init_args"] == {"rank": 2, "targets": ["*"]}
    assert upgrade_run({"class_path": "lit_prune.tuning.Lora"}, {"experiment": "lora"})["init_args"] == {
        "targets": ["*"]
    }
    given = {"class_path": "lit_prune.tuning.lora.Lora", "init_args": {"targets": ["*.weight"]}}
    assert upgrade_run(given, {"experiment": "lora"}) == given


def test_a_run_without_an_id_is_old():
    assert is_old({"experiment": "a"})
    assert not is_old({"id": "b"})
    assert not is_old({})  # it has not begun


def test_a_configuration_of_version_0_1_0_is_read_in_the_present_form(place):
    run = place("runs/lora") / "version_0"
    assert read_config(run)["model"]["init_args"]["method"]["init_args"]["targets"] == ["*"]
