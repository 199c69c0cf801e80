"""Where runs stand, from what is in their folders."""

import shutil

import pytest
import yaml
from run_helpers import edit_record

from lit_prune.errors import UserError
from lit_prune.studies.plan import Run, make_plan
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import make_study

MASK = "mask/loss=ce/seed=2"


@pytest.fixture
def states(plan, out, resolve):
    """A function: the states of runs by name, and of which version."""

    def find():
        standings = find_standings(plan, out, resolve)
        return {name: (each.state, each.folder.name[-1]) for name, each in standings.items()}

    return find


def changed(states, names):
    """What differs from all being done at once."""
    return {name: state for name, state in states().items() if state != ("done", "0")}


def test_what_is_not_there_is_new_and_says_all_to_fit(plan, tmp_path, resolve):
    standing = find_standings(plan, tmp_path, resolve)[MASK]
    assert (standing.state, standing.folder) == ("new", tmp_path / MASK / "version_0")
    assert standing.arguments == (
        *plan[-1].arguments,
        f"--model.init_args.start_from={tmp_path}/dense/seed=2/version_0",
        f"--trainer.default_root_dir={tmp_path}",
        f"--experiment={MASK}",
    )


def test_what_is_finished_is_done(states, names):
    assert changed(states, names) == {}


def test_without_metrics_it_is_continued(states, out, plan, resolve, names):
    (out / MASK / "version_0/metrics.json").unlink()
    assert changed(states, names) == {MASK: ("resume", "0")}
    arguments = find_standings(plan, out, resolve)[MASK].arguments
    start = f"--model.init_args.start_from={out}/dense/seed=2/version_0"
    assert arguments == ("--resume", str(out / MASK / "version_0"), start)


@pytest.mark.parametrize("key", ["seed_everything:", "  class_path:", "  tasks:", "trainer:"])
def test_a_configuration_that_is_cut_off_is_of_another_run(states, out, key, names):
    path = out / MASK / "version_0/config.yaml"
    content = path.read_text()
    path.write_text(content[: content.index(key)])
    assert changed(states, names) == {MASK: ("changed", "1")}


def test_a_setting_that_the_package_has_got_since_then_has_its_default(states, out, names):
    path = out / MASK / "version_0/config.yaml"
    config = yaml.safe_load(path.read_text())
    assert config["trainer"].pop("log_every_n_steps") == 10
    assert config["model"]["init_args"].pop("scope") == "local"
    path.write_text(yaml.safe_dump(config))
    assert changed(states, names) == {}
    config["model"]["init_args"]["scope"] = "global"
    path.write_text(yaml.safe_dump(config))
    assert changed(states, names) == {MASK: ("changed", "1")}


def test_a_precision_that_a_device_has_chosen_is_none_that_the_study_sets(out, source, resolve):
    def states(precision):
        source["settings"]["trainer.precision"] = precision
        standings = find_standings(make_plan(make_study(source)), out, resolve)
        return {each.state for each in standings.values()}

    assert (states("32-true"), states(None)) == ({"done"}, {"changed"})
    for path in out.rglob("config.yaml"):
        config = yaml.safe_load(path.read_text())
        config["trainer"]["precision"] = config["chosen_precision"] = "bf16-mixed"  # on another machine than this
        path.write_text(yaml.safe_dump(config))
    assert (states(None), states("bf16-mixed"), states("32-true")) == ({"done"}, {"changed"}, {"changed"})


def test_another_version_of_the_code_changes_nothing(states, out, names):
    for path in out.rglob("run.json"):
        edit_record(path, lambda run: run.update(commit="another", versions={"torch": "3"}))
    assert changed(states, names) == {}


def test_a_dense_run_that_is_gone_is_run_again_with_its_masks(states, out, names):
    shutil.rmtree(out / "dense/seed=2/version_0")
    masks = [name for name in names if name.startswith("mask") and name.endswith("seed=2")]
    expected = {"dense/seed=2": ("new", "0")} | dict.fromkeys(masks, ("changed", "1"))
    assert changed(states, names) == expected


def test_a_mask_of_a_dense_run_that_began_later_is_not_of_it(states, out, names):
    edit_record(out / "dense/seed=2/version_0/run.json", lambda run: run.update(started=run["started"] + 1e6))
    assert set(changed(states, names)) == {name for name in names if name.startswith("mask") and name.endswith("2")}


def test_a_mask_that_had_not_begun_is_of_whatever_it_starts_from(states, out, names):
    for name in ("run.json", "metrics.json"):
        (out / MASK / "version_0" / name).unlink()
    edit_record(out / "dense/seed=2/version_0/run.json", lambda run: run.update(started=run["started"] + 1e6))
    assert changed(states, names)[MASK] == ("resume", "0")


def test_the_newest_version_of_these_settings_counts_and_what_else_lies_there_does_not(states, out, names):
    shutil.copytree(out / MASK / "version_0", out / MASK / "version_3")
    for name in ("version_x", "version_7.old", "version_\N{SUPERSCRIPT TWO}", "notes"):
        (out / MASK / name).mkdir()
    assert changed(states, names) == {MASK: ("done", "3")}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--nothing=1", "run a: unknown key nothing: "),
        ("--model.init_args.loss=lit_prune.losses.Nothing", "run a: .*lit_prune.losses.Nothing"),
        ("--trainer.devices=2", "run a: trainer.devices and trainer.num_nodes must be 1 in a study, got 2 and 1"),
        ("--trainer.devices=auto", "run a: trainer.devices and trainer.num_nodes must be 1 in a study, got auto and 1"),
        ("--trainer.num_nodes=2", "in a study, got 1 and 2"),
        ("--trainer.logger=false", "run a: trainer.logger must be left out, got False"),
    ],
)
def test_what_cannot_be_run_is_one_clear_error(tmp_path, resolve, small, argument, message):
    configs = [f"--config={path}" for path in small("configs/srnet_poe.yaml")]
    with pytest.raises(UserError, match=message) as raised:
        find_standings([Run("a", "fit", {}, (*configs, argument), None)], tmp_path, resolve)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["run.json", "metrics.json"])
@pytest.mark.parametrize("content", ["{", "[]", '{"sparsity": "x", "seconds": "x"}'])
def test_a_damaged_file_costs_its_run_which_is_run_again(states, out, names, name, content):
    (out / MASK / "version_0" / name).write_text(content)
    assert changed(states, names) == {MASK: ("changed", "1")}
