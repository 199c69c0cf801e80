"""Lists of phases: those of the paradigm classes, and those that a yaml has under the general one."""

import json
import re

import pytest
import torch
import yaml
from run_helpers import LISTED, assert_same, cut_off_by, without_callbacks

from lit_prune.cli import main
from lit_prune.runs.checkpoints import read_checkpoint
from lit_prune.sparsity.files import load_masks

ROUNDS = {f"round_{number}": "Round" for number in range(1, 10)}
RECIPES = ["prune_then_tune", "two_mask_losses", "factorise", "prune_then_factorise"]
STEPS = 8  # of each phase
WHITENING = "--model.init_args.phases.factorise.init_args.structure.init_args.whitening"


def shortened(recipe):
    """Overrides that give each phase of a recipe a few steps."""
    with open(f"configs/recipes/{recipe}.yaml") as file:
        phases = yaml.safe_load(file)["model"]["init_args"]["phases"]
    lengths = [f"--model.init_args.phases.{name}.init_args.training.length={STEPS} steps" for name in phases]
    if recipe == "factorise":
        lengths.append(f"{WHITENING}=lit_prune.sparsity.whitenings.Kronecker")
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


# ---- any list of phases ------------------------------------------------------------------------------------------

MAGNITUDE = "lit_prune.sparsity.criteria.Magnitude"
MOVEMENT = "lit_prune.sparsity.criteria.Movement"
CHOSEN = {"class_path": "lit_prune.tuning.ChosenEntries", "init_args": {"criterion": MAGNITUDE, "share": 0.1}}
LORA = {"class_path": "lit_prune.tuning.Lora", "init_args": {"rank": 2}}
ADAPTER = {"class_path": "lit_prune.tuning.Adapter"}
CHILD = {"class_path": "lit_prune.tuning.ChildPruning", "init_args": {"every": 3, "share": 0.1}}
RANK = "lit_prune.sparsity.structures.Rank"


def phase(kind, rate=1e-3, sparsity=None, **init_args):
    """A phase of a few steps."""
    training = {"length": f"{STEPS} steps", "learning_rate": rate}
    if kind in ("Round", "Ticket"):
        init_args |= {} if sparsity is None else {"sparsity": sparsity}
    elif sparsity is not None:
        schedule = {"class_path": "lit_prune.sparsity.schedules.Constant", "init_args": {"sparsity": sparsity}}
        init_args |= {"schedule": schedule}
    if kind == "TrainMasks":
        init_args = {"initial_scores": MAGNITUDE} | init_args
    if kind == "PruneWhileTraining":
        init_args = {"criterion": MAGNITUDE} | init_args
    return {"class_path": f"lit_prune.phases.{kind}", "init_args": {"training": training, **init_args}}


LISTS = {
    "LoRA, then masks": [phase("SparseTune", method=LORA), phase("TrainMasks", 1e-2, 0.5)],
    "tuned twice": [phase("SparseTune", method=CHOSEN), phase("SparseTune", method=CHOSEN)],
    "LoRA twice": [phase("SparseTune", method=LORA), phase("SparseTune", method=LORA)],
    "masks, then tuned": [phase("TrainMasks", 1e-2, 0.5), phase("SparseTune", method=CHOSEN)],
    "pruned, then masks over more": [phase("PruneWhileTraining", 1e-3, 0.5), phase("TrainMasks", 1e-2, 0.6)],
    "masks of query, then of key": [
        phase("TrainMasks", 1e-2, 0.5, targets=["query"]),
        phase("TrainMasks", 1e-2, 0.5, targets=["key"]),
    ],
    "masks, then a round": [phase("TrainMasks", 1e-2, 0.5), phase("Round", 1e-3, 0.7)],
    "tuned, then a round": [phase("SparseTune", method=CHOSEN), phase("Round", 1e-3, 0.5)],
    "masks, then a ticket": [phase("TrainMasks", 1e-2, 0.5), phase("Ticket")],
    "ranks, then fewer": [
        phase("PruneWhileTraining", 1e-3, 0.5, structure=RANK),
        phase("PruneWhileTraining", 1e-3, 0.5, structure=RANK),
    ],
    "ranks, then elements": [
        phase("PruneWhileTraining", 1e-3, 0.5, structure=RANK),
        phase("PruneWhileTraining", 1e-3, 0.5),
    ],
    "ranks, then masks": [phase("PruneWhileTraining", 1e-3, 0.5, structure=RANK), phase("TrainMasks", 1e-2, 0.3)],
    "ranks, then masks, then all": [
        phase("PruneWhileTraining", 1e-3, 0.5, structure=RANK),
        phase("TrainMasks", 1e-2, 0.3),
        phase("FineTune"),
    ],
    "masks, then a search, then tuned": [
        phase("TrainMasks", 1e-2, 0.5),
        phase("Search", method=CHILD),
        phase("SparseTune", method=CHILD),
    ],
    "adapters, then all": [phase("SparseTune", method=ADAPTER), phase("FineTune")],
    "adapters, then adapters again": [phase("SparseTune", method=ADAPTER), phase("SparseTune", method=ADAPTER)],
    "adapters, then masks, then a round": [
        phase("SparseTune", method=ADAPTER),
        phase("TrainMasks", 1e-2, 0.5),
        phase("Round", 1e-3, 0.7),
    ],
}


BASE = {"dense": phase("FineTune")}


@pytest.fixture
def listed(experiment, tmp_path):
    """A function: a list of phases after fine-tuning, further arguments -> exit code and the run's folder."""

    def run(phases, *arguments, name="list", base=BASE):
        with open("configs/srnet_poe.yaml") as file:
            config = yaml.safe_load(file)
        named = {**base, **phases}
        config["model"] = {"class_path": "lit_prune.paradigms.Paradigm", "init_args": {"phases": named}}
        path = tmp_path / "list.yaml"
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        return experiment("--trainer.val_check_interval=4", *arguments, config=path, name=name)

    return run


@pytest.mark.parametrize("name", LISTS)
def test_any_list_trains_resumes_bit_for_bit_and_is_exported(listed, tmp_path, name):
    phases = dict(zip(("one", "two", "also"), LISTS[name], strict=False))  # not in the order of the alphabet
    code, run = listed(phases)
    assert code == 0
    form = "packed" if "adapters" in name else "dense"  # plain transformers has no adapters
    assert main(["export", str(run), "--format", form, "--out", str(tmp_path / "out")]) == 0
    for number in range(2, len(phases) + 1):
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            listed(phases, cut_off_by("run_helpers.CutOff", number * STEPS + 5), name=f"cut_{number}")
        cut = tmp_path / "runs" / f"cut_{number}" / "version_0"
        without_callbacks(cut)
        assert main(["fit", "--resume", str(cut)]) == 0
        assert_same(cut, run)


EMPTY = {"class_path": "lit_prune.phases.FineTune", "init_args": {"training": {"length": "0 steps"}}}
REFUSED_LISTS = {
    "no mask after ranks": (
        [phase("PruneWhileTraining", 1e-3, 0.5, structure=RANK), phase("Ticket")],
        r"structure of the phase 'one' must be Element before 'two', which rewinds weights, got Rank",
    ),
    "no rewinding after ranks": (
        [phase("PruneWhileTraining", 1e-3, 0.5, structure=RANK), phase("Round", 1e-3, 0.6, rewinds=True)],
        r"structure of the phase 'one' must be Element before 'two'",
    ),
    "a round of less": (
        [phase("PruneWhileTraining", 1e-3, 0.5), phase("Round", 1e-3, 0.3)],
        r"sparsity of the phase 'two' must be at least 0\.5, that of 'one' before it, got 0\.3",
    ),
    "a ticket of less": (
        [phase("PruneWhileTraining", 1e-3, 0.5), phase("Ticket", sparsity=0.3)],
        r"sparsity of the phase 'two' must be at least 0\.5",
    ),
    "masks by task, then more": (
        [phase("PruneWhileTraining", 1e-3, 0.5, criterion=MOVEMENT, task_masks="separate"), phase("FineTune")],
        r"phase 'one' must be the last of the run, got 'two' after it: its masks differ by task",
    ),
    "an empty end": ([phase("TrainMasks", 1e-2, 0.5), EMPTY], r"length of the phase 'two' must be above 0 steps"),
    "statistics of no step": (
        [phase("Round", 1e-3, 0.5, criterion="plugins.activation.Activation")],
        r"criterion must be one of the weights under Fixed masks, .* got Activation",
    ),
    "statistics of no step for masks": (
        [phase("TrainMasks", 1e-2, 0.5, initial_scores="plugins.activation.Activation")],
        r"criterion must be one of the weights under Learned masks, .* got Activation",
    ),
}


@pytest.mark.parametrize("name", REFUSED_LISTS)
def test_a_list_that_cannot_be_trained_to_its_end_is_an_error_before_its_first_step(listed, capsys, name):
    phases, message = REFUSED_LISTS[name]
    code, run = listed(dict(zip(("one", "two"), phases, strict=False)))
    assert code == 2
    assert re.search(f"^lit_prune: error: .*{message}", capsys.readouterr().err, re.MULTILINE)
    assert not run.exists()


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ({}, "phases must list one phase or more, got none"),
        ({"dense": phase("TrainMasks", 1e-2, 0.5)}, "phase 'dense' must be a FineTune, got TrainMasks"),
        ({"only": EMPTY}, "phases of a run must have steps, got 0 in all"),
    ],
)
def test_a_list_without_a_base_or_a_step_is_an_error(listed, capsys, phases, message):
    code, run = listed(phases, base={})
    assert code == 2
    assert message in capsys.readouterr().err
    assert not run.exists()


def test_a_round_after_tuning_trains_all_weights(listed):
    code, run = listed({"one": phase("SparseTune", method=CHOSEN), "two": phase("Round", 1e-3, 0.5)})
    assert code == 0
    before, after = (read_checkpoint(run / "checkpoints" / f"{each}.ckpt")["state_dict"] for each in ("one", "best"))
    norm = "encoder.backbone.encoder.layer.0.output.LayerNorm.weight"
    assert not torch.equal(before[norm], after[norm])


@pytest.mark.parametrize("name", ["last", "best", "../../x", "a b", ""])
def test_a_name_that_is_a_files_or_leads_elsewhere_is_an_error(listed, capsys, name):
    code, run = listed({name: phase("TrainMasks", 1e-2, 0.5)})
    assert code == 2
    assert "name of a phase must be" in capsys.readouterr().err
    assert not run.exists()


def test_an_override_of_one_phase_in_a_file_is_an_error_that_names_the_way(experiment, tmp_path, capsys):
    override = {"model": {"init_args": {"phases": {"dense": {"init_args": {"training": {"length": "2 steps"}}}}}}}
    (tmp_path / "override.yaml").write_text(yaml.safe_dump(override))
    code, _ = experiment("--config", str(tmp_path / "override.yaml"), config="configs/recipes/two_mask_losses.yaml")
    assert code == 2
    error = capsys.readouterr().err
    assert "must list whole phases, got 'dense' without class_path" in error
    assert "--model.init_args.phases.dense.init_args.training.length" in error


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
