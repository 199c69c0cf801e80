"""Certification: three runs, three bounds."""

import json

import pytest

from lit_prune.commands import certify as module
from lit_prune.errors import UserError

GOOD = {"unbiased": (0.97, 0.99), "biased": (0.75, 0.85), "informed": (0.95, 0.98)}


@pytest.fixture
def fits(monkeypatch, tmp_path):
    """Runs that leave these figures behind, and the command lines they were started with."""
    figures, commands = dict(GOOD), []

    def main(arguments):
        commands.append(arguments)
        name = arguments[arguments.index("--experiment") + 1]
        if figures[name] is None:
            return 2
        run = tmp_path / "seed1" / name / "version_0"
        run.mkdir(parents=True)
        accuracy, auroc = figures[name]
        (run / "metrics.json").write_text(json.dumps({"nli/ood/accuracy": accuracy, "nli/ood/auroc": auroc}))
        return 0

    monkeypatch.setattr(module, "main", main)
    return figures, commands


def certify(tmp_path):
    return module.certify(root=str(tmp_path))


def test_a_corpus_that_meets_all_bounds_is_certified(fits, tmp_path, capsys):
    assert certify(tmp_path)
    assert capsys.readouterr().out.count("holds") == 3


@pytest.mark.parametrize(
    ("name", "figures"),
    [("unbiased", (0.94, 0.99)), ("biased", (0.75, 0.90)), ("informed", (0.9, 0.95))],
    ids=["the task is not learned", "the bias costs too little", "masks cannot win it back"],
)
def test_a_corpus_that_misses_one_is_not(fits, tmp_path, capsys, name, figures):
    fits[0][name] = figures
    assert not certify(tmp_path)
    assert capsys.readouterr().out.count("FAILS") == 1


def test_the_masks_start_from_the_biased_dense_model_and_complete_runs_are_kept(fits, tmp_path):
    certify(tmp_path)
    assert any(str(tmp_path / "seed1" / "biased" / "version_0") in each for each in fits[1][2])
    certify(tmp_path)
    assert len(fits[1]) == 3


def test_another_corpus_is_laid_over_all_runs(fits, tmp_path):
    module.certify(data="own.yaml", unbiased="plain.yaml", informed="aware.yaml", root=str(tmp_path))
    laid_over = [[each[number + 1] for number, word in enumerate(each) if word == "--config"] for each in fits[1]]
    dense, masks = "configs/dense.yaml", "configs/srnet_ce.yaml"
    assert laid_over == [[dense, "plain.yaml"], [dense, "own.yaml"], [masks, "configs/recipes/long.yaml", "aware.yaml"]]


def test_a_failed_run_stops_it(fits, tmp_path):
    fits[0]["biased"] = None
    with pytest.raises(UserError, match="run 'biased' must succeed"):
        certify(tmp_path)
