"""What a study is measured against: both ways do the same runs, and what fails in them is said."""

import os
from pathlib import Path

import pytest

from lit_prune.bench import study as module
from lit_prune.errors import UserError
from lit_prune.studies.plan import make_plan
from lit_prune.studies.study import read_study

CONFIG = str(Path(__file__).parents[2] / "configs/dense.yaml")


@pytest.fixture
def called(monkeypatch):
    """What both ways start, in the order; nothing is run."""
    calls = []

    def call(*arguments):
        files = [Path(each.removeprefix("--config=")) for each in arguments if each.endswith(".yaml")]
        calls.append((arguments, {path: path.read_text() for path in files}))

    monkeypatch.setattr(module, "_call", call)
    return calls


def test_both_ways_do_the_same_runs(called, resolve, tmp_path):
    fit, study = module.ways([CONFIG], 2).values()
    fit()
    study()
    (first, _), (second, _), (all_at_once, files) = called
    assert {each[0] for each in (first, second)} == {"fit"}
    assert f"--each.cpus={os.cpu_count()}" in all_at_once
    path = tmp_path / "study.yaml"
    path.write_text(files[Path(all_at_once[1])])
    runs = make_plan(read_study(path))
    for run, (_, *alone) in zip(runs, (first, second), strict=True):
        own = {key: resolve(arguments) for key, arguments in {"study": run.arguments, "fit": alone}.items()}
        del own["fit"]["trainer"]["default_root_dir"]
        assert own["study"] == {**own["fit"], "axes": run.axes}
    assert not Path(all_at_once[1]).exists()  # nothing is left behind


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(UserError, match=r"unknown config none\.yaml: "):
        module.ways([CONFIG, "none.yaml"], 2)


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1], ids=["fit", "study"])
def test_what_fails_is_said(tmp_path, which):
    path = tmp_path / "wrong.yaml"
    path.write_text("trainer: {precision: fp3}")
    with pytest.raises(UserError, match=r"(?s)ended with 2: .*trainer\.precision"):
        list(module.ways([CONFIG, str(path)], 1).values())[which]()
