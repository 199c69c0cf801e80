"""What fails before the first step: rates that name nothing, losses that fit no task; what a phase trains is known."""

import pytest
from run_helpers import TRAINED

METHOD = "--model.init_args.method"
CHOSEN = "{class_path: lit_prune.tuning.ChosenEntries, init_args: {criterion: lit_prune.sparsity.criteria.Magnitude"
LOSS = "--model.init_args.loss={class_path: lit_prune.losses.LearnedMixin}"
NOTED = ("--trainer.callbacks+=run_helpers.Trained", "--trainer.val_check_interval=100", "--trainer.logger=false")


@pytest.fixture(autouse=True)
def noted():
    TRAINED.clear()


def lengths(**steps):
    return tuple(f"--model.init_args.{phase}.steps={number}" for phase, number in steps.items())


@pytest.mark.parametrize(
    ("config", "arguments", "phases"),
    [
        ("srnet_poe", (*lengths(dense=1, mask=1), LOSS), "dense mask"),
        ("mask_only", lengths(mask=1), "mask"),
        (
            "imp",
            (*lengths(dense=1, rounds=1), "--model.init_args.trained=[heads.*, '*.bias']"),
            "dense round_1 round_9",
        ),
        ("ticket", lengths(ticket=1), "ticket"),
        ("magnitude", lengths(prune=1), "prune"),
        ("movement", lengths(prune=1), "prune"),
        ("rank_magnitude", lengths(prune=1), "prune"),
        ("rank_movement", lengths(prune=1), "prune"),
        ("sam", (*lengths(tune=1), f"{METHOD}={CHOSEN}, share: 0.01}}}}"), "tune"),
        ("sam", (*lengths(tune=1), f"{METHOD}={CHOSEN}, share: 0, targets: [encoder.*]}}}}"), "tune"),
        ("sam", (*lengths(tune=1), f"{METHOD}=lit_prune.tuning.Mixout"), "tune"),
        ("sam", (*lengths(tune=1), f"{METHOD}=lit_prune.tuning.ChildTuningFree"), "tune"),
        ("sam", (*lengths(tune=1), f"{METHOD}=lit_prune.tuning.Lora"), "tune"),
        ("sam", (*lengths(tune=1), f"{METHOD}=lit_prune.tuning.Adapter"), "tune"),
        (
            "sam",
            (*lengths(tune=1), "--model.init_args.search={steps: 1}", f"{METHOD}=lit_prune.tuning.ChildPruning"),
            "search tune",
        ),
        (
            "sam",
            (*lengths(tune=1), "--model.init_args.search={steps: 1}", f"{METHOD}=lit_prune.tuning.DiffPruning"),
            "search tune",
        ),
    ],
)
def test_what_a_phase_trains_is_known_by_name_before(experiment, config, arguments, phases):
    code, _ = experiment(*arguments, *NOTED, config=f"configs/{config}.yaml")
    assert code == 0
    assert set(phases.split()) <= TRAINED.keys()
    for phase, (trained, before) in TRAINED.items():
        assert {name for name in trained if not name.startswith("loss.")} == before, phase


@pytest.mark.parametrize("task_masks", ["separate", "hybrid"])
def test_what_masks_of_tasks_learn_is_known_by_name_before(experiment, two_tasks, task_masks):
    masks = ("--config", two_tasks, f"--model.init_args.task_masks={task_masks}")
    code, _ = experiment(*masks, *lengths(prune=1), *NOTED, config="configs/movement.yaml")
    assert code == 0
    trained, before = TRAINED["prune"]
    assert trained == before
