"""A study of six tiny runs: two dense ones, and two masks from each of them; and a `fit` that only pretends to run."""

import json
import shutil
import time
from pathlib import Path

import pytest
import yaml

from lit_prune.cli import main
from lit_prune.studies import engine
from lit_prune.studies.plan import make_plan
from lit_prune.studies.study import make_study

LOSSES = {"poe": "lit_prune.losses.ProductOfExperts", "ce": "lit_prune.losses.CrossEntropy"}
NAMES = [
    "dense/seed=1",
    "dense/seed=2",
    "mask/loss=poe/seed=1",
    "mask/loss=poe/seed=2",
    "mask/loss=ce/seed=1",
    "mask/loss=ce/seed=2",
]


def _source(small):
    return {
        "title": "tiny",
        "runs": {
            "dense": {"configs": small("configs/dense.yaml"), "axes": ["seed"]},
            "mask": {"configs": small("configs/srnet_poe.yaml"), "axes": ["loss", "seed"], "start_from": "dense"},
        },
        "axes": {
            "loss": {name: {"settings": {"model.init_args.loss": loss}} for name, loss in LOSSES.items()},
            "seed": {"setting": "seed_everything", "values": [1, 2]},
        },
        "settings": {"trainer.enable_progress_bar": False},
        "cost": {"dense": 60, "mask": 120},
    }


@pytest.fixture
def source(small):
    """What the study's yaml says, to be changed."""
    return _source(small)


@pytest.fixture
def plan(source):
    """The study's runs."""
    return make_plan(make_study(source))


@pytest.fixture
def names():
    """Their names."""
    return list(NAMES)


@pytest.fixture
def study(tmp_path, source):
    """A function that runs `lit_prune study` on what `source` says now, in `tmp_path / "out"`: the exit code."""

    def run(*arguments):
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(source, sort_keys=False))
        return main(["study", str(path), "--out", str(tmp_path / "out"), *arguments])

    return run


@pytest.fixture
def entries(tmp_path):
    """A function: runs.json of that folder by name."""
    return lambda: {each["name"]: each for each in json.loads((tmp_path / "out" / "runs.json").read_text())}


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory, small):
    """The folder of the study, run to its end; only to read."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "tiny.yaml").write_text(yaml.safe_dump(_source(small), sort_keys=False))
    assert main(["study", str(folder / "tiny.yaml"), "--out", str(folder / "out")]) == 0
    return folder / "out"


@pytest.fixture
def out(tmp_path, finished_study):
    """A copy of it, where `study` runs."""
    return Path(shutil.copytree(finished_study, tmp_path / "out"))


class PretendedFit:
    """Leaves behind at once what the engine asks of a run; some fail, some are cut off."""

    def __init__(self, resolve):
        self.resolve = resolve
        self.called = []
        self.errors = {}
        self.selections = {}

    def __call__(self, arguments, output):
        given = dict(each.removeprefix("--").split("=", 1) for each in arguments if "=" in each)
        if arguments[0] == "--resume":
            folder = Path(arguments[1])
        else:
            name = Path(given["trainer.default_root_dir"]) / given["experiment"]
            folder = name / f"version_{len(list(name.glob('version_*')))}"
            folder.mkdir(parents=True)
            (folder / "config.yaml").write_text(yaml.safe_dump(self.resolve(arguments)))
        name = str(folder.parent).partition("/out/")[2]
        self.called.append(name)
        (folder / "run.json").write_text(json.dumps({"started": time.time(), "seconds": 30.0}))
        error = self.errors.get(name)
        if isinstance(error, BaseException):
            raise error
        if error is None:
            (folder / "metrics.json").write_text(json.dumps({"selection": self.selections.get(name, 0.5)}))
        return error


@pytest.fixture
def fits(monkeypatch, resolve):
    """A pretended `fit` in place of the true one: what was called, and what is to go wrong."""
    pretended = PretendedFit(resolve)
    monkeypatch.setattr(engine, "fit_here", pretended)
    return pretended
