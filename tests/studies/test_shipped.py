"""Every study that is shipped runs, made tiny, in this process and on a local Ray, and its report knows its numbers."""

import json
import os
import shutil
from pathlib import Path

import pytest
from toys import make_toys
from transformers import BertConfig, BertModel

from lit_prune.cli import main
from lit_prune.studies.cluster import Cluster, Resources
from lit_prune.studies.engine import LocalExecutor, run_all
from lit_prune.studies.ledger import COMPLETED, Ledger, write_study
from lit_prune.studies.plan import make_plan
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import read_study

REPOSITORY = Path(__file__).parents[2]
CONFIGS = REPOSITORY / "configs"
STUDIES = [path for path in sorted(CONFIGS.glob("**/*.yaml")) if "\nruns:\n" in path.read_text()]
QUICK = ("liu2022/demo/srnets_losses", "xia2021/demo/task_masks", "fu2023/demo/fu2023_fig3")  # one of each paper
EFFORTS = ("seed", "part", "learning_rate", "rate", "score_rate", "mask_rate", "dense_rate")  # they differ in a number
LOCAL = "local"


def each_study(quick):
    """The studies, all slow but the quick ones."""
    ids = {path: path.relative_to(CONFIGS).with_suffix("").as_posix().removeprefix("papers/") for path in STUDIES}
    slow = {path: () if ids[path] in quick else pytest.mark.slow for path in STUDIES}
    return pytest.mark.parametrize("path", [pytest.param(path, id=ids[path], marks=slow[path]) for path in STUDIES])


def some_of(plan):
    """Runs in which each value of each axis of each kind is there once, and those that they start from."""
    seen, chosen = set(), set()
    for run in plan:
        values = {(run.kind, axis, value) for axis, value in run.axes.items() if axis not in EFFORTS}
        if run.kind not in {kind for kind, *_ in seen} or not values <= seen:
            seen |= values | {(run.kind,)}
            chosen.add(run.name)
    for run in reversed(plan):
        if run.name in chosen and run.ancestor is not None:
            chosen.add(run.ancestor)
    return [run for run in plan if run.name in chosen]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory, tiny_backbone):
    """The tiny encoder, wide enough for its ranks to be told apart in percents."""
    folder = shutil.copytree(tiny_backbone, tmp_path_factory.mktemp("wide") / "bert")
    config = BertConfig.from_pretrained(str(folder), hidden_size=64, intermediate_size=64)
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def toys(monkeypatch, tmp_path, backbone, resolve):
    """A function that runs a part of a study, made tiny, by an executor, and reports it: the study's folder."""
    monkeypatch.chdir(REPOSITORY)

    def run(path, executor):
        out, study = tmp_path / "out", read_study(path)
        plan = make_plan(study)
        standings = find_standings(make_toys(some_of(plan), resolve, backbone, tmp_path), out, resolve)
        write_study(out, study)
        ledger = Ledger(out, standings, list(standings))
        run_all(list(standings.values()), ledger, lambda standing: None, executor)
        assert {name: ledger.entries[name]["error"] for name in standings if ledger.status(name) != COMPLETED} == {}
        planned = [{"name": run.name, "axes": dict(run.axes), "status": "planned"} for run in plan]
        listed = [each for each in planned if each["name"] not in standings]
        (out / "runs.json").write_text(json.dumps([*ledger.entries.values(), *listed]))
        assert main(["report", str(out)]) == 0
        return out

    return run


@each_study(QUICK)
def test_it_runs_in_this_process(path, toys):
    assert (toys(path, LocalExecutor()) / "report.html").is_file()


@pytest.fixture(scope="module")
def cluster():
    """A Ray of this machine, whose processes know the tests' source of rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(REPOSITORY / "tests"), prepend=os.pathsep)
        ray = Cluster(LOCAL, Resources())
        yield ray
        ray.close()


@each_study(())
def test_it_runs_on_ray(path, toys, cluster):
    assert (toys(path, cluster) / "report.html").is_file()
