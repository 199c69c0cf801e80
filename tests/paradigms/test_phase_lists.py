"""Lists of phases: those of the paradigm classes, and those that a yaml has under the general one."""

import json

import pytest
import torch
import yaml
from run_helpers import LISTED, assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks

ROUNDS = {f"round_{number}": "Round" for number in range(1, 10)}
RECIPES = ["prune_then_tune", "two_mask_losses"]
STEPS = 8  # of each phase


def shortened(recipe):
    """Overrides that give each phase of a recipe a few steps."""
    with open(f"configs/recipes/{recipe}.yaml") as file:
        phases = yaml.safe_load(file)["model"]["init_args"]["phases"]
    lengths = [f"--model.init_args.phases.{name}.init_args.training.length={STEPS} steps" for name in phases]
    share = ["--model.init_args.phases.tune.init_args.method.init_args.share=0.05"]  # the matrices are small
    return [*lengths, *share] if "tune" in phases else lengths


@pytest.fixture(scope="module")
def whole(finished):
    """A function: a recipe -> the folder of its complete run."""
    runs = {}

    def run(recipe):
        if recipe not in runs:
            arguments = (*shortened(recipe), "--trainer.val_check_interval=4")
            runs[recipe] = finished(*arguments, config=f"configs/recipes/{recipe}.yaml", name=recipe)
        return runs[recipe]

    return run


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("step", [5, 11, 17, 22])
def test_a_recipe_that_is_killed_in_any_phase_resumes_bit_for_bit(experiment, whole, tmp_path, recipe, step):
    arguments = (*shortened(recipe), "--trainer.val_check_interval=4", cut_off_by("run_helpers.CutOff", step))
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        experiment(*arguments, config=f"configs/recipes/{recipe}.yaml", name="cut")
    run = tmp_path / "runs" / "cut" / "version_0"
    without_callbacks(run)
    assert main(["fit", "--resume", str(run)]) == 0
    assert_same(run, whole(recipe))


def test_the_last_phase_tunes_what_the_one_before_left(whole):
    run = whole("prune_then_tune")
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.7, abs=0.01)
    assert 0 < metrics["tuned_share"] < 0.05
    pruned, tuned = (read_checkpoint(run / "checkpoints" / f"{name}.ckpt")["state_dict"] for name in ("prune", "best"))
    masks = load_masks(run / "masks.safetensors")
    for name, keep in masks.items():
        before, after = pruned[name] * keep, tuned[name] * keep
        changed = float((before != after).float().mean())
        assert changed < 0.05, name
    assert any(not torch.equal(pruned[name] * keep, tuned[name] * keep) for name, keep in masks.items())


def test_the_second_mask_phase_goes_on_from_the_scores_of_the_first(whole):
    run = whole("two_mask_losses")
    first, second = (
        read_checkpoint(run / "checkpoints" / f"{name}.ckpt")["state_dict"] for name in ("first_mask", "best")
    )
    scores = [name for name in first if name.endswith(".mask.scores")]
    assert scores
    assert all(not torch.equal(first[name], second[name]) for name in scores)
    near = [torch.corrcoef(torch.stack([first[name].flatten(), second[name].flatten()]))[0, 1] for name in scores]
    assert min(float(each) for each in near) > 0.9


@pytest.mark.parametrize(
    ("config", "kinds"),
    [
        ("dense", {"dense": "FineTune"}),
        ("srnet_poe", {"dense": "FineTune", "mask": "TrainMasks"}),
        ("mask_only", {"dense": "FineTune", "mask": "TrainMasks"}),
        ("movement", {"dense": "FineTune", "prune": "PruneWhileTraining"}),
        ("imp", {"dense": "FineTune"} | ROUNDS),
        ("imp_rewind", {"dense": "FineTune"} | dict(list(ROUNDS.items())[:5]) | {"ticket": "Ticket"}),
        ("sam", {"dense": "FineTune", "tune": "SparseTune"}),
    ],
)
def test_a_paradigm_is_a_list_of_phases(experiment, config, kinds):
    LISTED.clear()
    code, _ = experiment("--trainer.callbacks+=run_helpers.Listed", config=f"configs/{config}.yaml")
    assert code == 2  # the callback has seen enough
    assert kinds == LISTED
