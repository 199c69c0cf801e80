"""A study's yaml: what it says, and what is wrong with it."""

import pytest
import yaml

from lit_prune.errors import UserError
from lit_prune.studies.study import make_study, read_study, text

FINAL = "model.init_args.schedule.init_args.final"


@pytest.mark.parametrize(("value", "said"), [("poe", "poe"), (0.5, "0.5"), (2, "2"), (True, "true")])
def test_a_value_as_names_have_it(value, said):
    assert text(value) == said


def test_kinds_and_axes_become_arguments_the_most_specific_last(source, small):
    source["runs"]["mask"]["settings"] = {"data.batch_size": 16}
    source["axes"]["loss"]["ce"]["configs"] = small("configs/srnet_ce.yaml")
    study = make_study(source)
    base, overlay = small("configs/srnet_poe.yaml")
    own = (f"--config={base}", f"--config={overlay}", "--trainer.enable_progress_bar=false", "--data.batch_size=16")
    assert study.kinds["mask"].arguments == own
    configs = tuple(f"--config={path}" for path in small("configs/srnet_ce.yaml"))
    assert study.axes["loss"]["ce"] == (*configs, "--model.init_args.loss=lit_prune.losses.CrossEntropy")
    assert study.axes["seed"] == {1: ("--seed_everything=1",), 2: ("--seed_everything=2",)}
    assert (study.title, study.cost, study.source) == ("tiny", {"dense": 60, "mask": 120}, source)


def test_a_kind_comes_after_the_one_it_starts_from(source):
    source["runs"] = dict(reversed(source["runs"].items()))
    assert list(make_study(source).kinds) == ["dense", "mask"]


def test_the_report_is_not_looked_into(source):
    source["report"] = {"anything": [1, {"x": 2}]}
    assert make_study(source).source["report"] == {"anything": [1, {"x": 2}]}


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (["seeds"], 1, "unknown key 'seeds' of a study: choose from title, runs"),
        (["title"], ..., "a study must have 'title', got none"),
        (["report"], [1], r"report must be a mapping, got \[1\]"),
        (["runs"], {}, "runs must have a kind of runs, got none"),
        (["runs", "mask", "axis"], ["seed"], "unknown key 'axis' of runs.mask: choose from configs"),
        (["runs", "mask", "configs"], [], "runs.mask.configs must have a file, got none"),
        (["runs", "mask", "configs"], ["no/such.yaml"], "runs.mask.configs: unknown config no/such.yaml: "),
        (["runs", "mask", "configs"], "no/such.yaml", "runs.mask.configs must be a list, got 'no/such.yaml'"),
        (
            ["runs", "mask", "axes"],
            ["loss", "width", "seed"],
            "unknown axis 'width' in runs.mask.axes: choose from loss, seed",
        ),
        (["runs", "mask", "axes"], ["loss", "seed", "seed"], "runs.mask.axes must be different, got 'seed' twice"),
        (["runs", "mask", "axes"], ["loss"], "runs.mask.axes must have all axes of 'dense', got no 'seed'"),
        (["runs", "dense", "axes"], ["seed", "loss"], None),
        (["runs", "mask", "start_from"], "sparse", "unknown runs.mask.start_from 'sparse': choose from dense, mask"),
        (["runs", "mask", "start_from"], "mask", "runs must not start from each other, got mask starts from mask"),
        (["axes", "seed", "values"], [], "axes.seed must have a value, got none"),
        (["axes", "loss"], {}, "axes.loss must have a value, got none"),
        (
            ["axes", "seed", "values"],
            [1, 2, 1],
            "axes.seed must have different values, got 1 twice: two runs would have one name",
        ),
        (["axes", "seed", "values"], [1, 1.0], "axes.seed must have different values, got equal ones among 1, 1.0"),
        (["axes", "seed", "values"], [None], "axes.seed must have texts or numbers as values, got None"),
        (["axes", "seed", "values"], [[1, 2]], r"axes.seed must have texts or numbers as values, got \[1, 2\]"),
        (["axes", "seed", "values"], ["a/b"], "axes.seed must have values for a folder's name, got 'a/b'"),
        (["axes", "seed", "values"], [""], "axes.seed must have values for a folder's name, got ''"),
        (["axes", "seed", "values"], [".."], "axes.seed must have values for a folder's name, got '..'"),
        (["axes", "seed", "values"], ["a\0"], r"axes.seed must have values for a folder's name, got 'a\\x00'"),
        (["axes", "seed", "values"], ["a" * 101], "axes.seed must have values of at most 100 bytes, got 'aaa"),
        (
            ["axes", "seed", "setting"],
            "data.rows_seed",
            "axes.seed must set seed_everything or .* each value, got 1",
        ),
        (["axes", "../x"], {"a": {}}, "the name of an axis must be 1 to 100 letters, digits, _ and -, got '../x'"),
        (["axes", "axis_loss"], {"a": {}}, "axes must not have both 'loss' and 'axis_loss'"),
        (["runs", ".."], {"configs": []}, "the name of a kind of runs must be 1 to 100 letters, .*, got '..': rename"),
        (["runs", "runs.json"], {"configs": []}, "the name of a kind of runs must be .*, got 'runs.json'"),
        (["axes", "seed", "value"], [1], "unknown key 'value' of axes.seed: choose from setting, values"),
        (["axes", "seed"], {"values": [1]}, "axes.seed must have 'setting', got none"),
        (["axes", "loss", "poe"], {"set": {}}, "unknown key 'set' of axes.loss.poe: choose from configs, settings"),
        (["axes", "run"], {"a": {}}, "the name of an axis must not be 'run', the axis of kinds, got axes.run"),
        (["axes", "width"], {"setting": FINAL, "values": [0.5]}, "axes.width must be an axis of some runs, got none"),
        (["settings"], {"resume": "x"}, "settings must not have 'resume', which the study sets itself"),
        (
            ["settings"],
            {"trainer.logger.init_args.name": "x"},
            "settings must not have 'trainer.logger.init_args.name', which",
        ),
        (["cost", "mask"], "2 h", "cost.mask must be the seconds of a run, got '2 h'"),
        (["cost", "sparse"], 3, "unknown key 'sparse' of cost: choose from dense, mask"),
    ],
)
def test_what_is_wrong_is_one_clear_error(source, place, value, message):
    *way, key = place
    inner = source
    for each in way:
        inner = inner[each]
    if value is ...:
        del inner[key]
    else:
        inner[key] = value
    if message is None:
        assert make_study(source)
        return
    with pytest.raises(UserError, match=message) as raised:
        make_study(source)
    assert "\n" not in str(raised.value)


def test_a_longer_circle_is_named(source):
    source["runs"]["dense"]["start_from"] = "third"
    source["runs"]["dense"]["axes"] = ["loss", "seed"]
    source["runs"]["third"] = {**source["runs"]["mask"], "start_from": "mask"}
    with pytest.raises(UserError, match="dense starts from third starts from mask starts from dense"):
        make_study(source)


def test_a_file_is_read_and_named_in_its_errors(source, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(source))
    assert read_study(path) == make_study(source)
    path.write_text(yaml.safe_dump(source | {"seeds": 3}))
    with pytest.raises(UserError, match=f"{path}: unknown key 'seeds' of a study"):
        read_study(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("a: [", "must be valid yaml"), ("- a", "a study must be a mapping"), ("", "must have 'title'")],
)
def test_a_file_that_is_no_study_is_an_error(tmp_path, content, message):
    (tmp_path / "study.yaml").write_text(content)
    with pytest.raises(UserError, match=f"study.yaml.*{message}"):
        read_study(tmp_path / "study.yaml")
