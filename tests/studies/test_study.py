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
        (["seeds"], 1, "a study has an unknown key 'seeds': use title, runs"),
        (["title"], ..., "a study has no 'title'"),
        (["report"], [1], r"report is \[1\]: needed is a mapping"),
        (["runs"], {}, "runs is empty"),
        (["runs", "mask", "axis"], ["seed"], "runs.mask has an unknown key 'axis': use configs"),
        (["runs", "mask", "configs"], [], "runs.mask.configs is empty"),
        (["runs", "mask", "configs"], ["no/such.yaml"], "runs.mask.configs: unknown config no/such.yaml: "),
        (["runs", "mask", "configs"], "no/such.yaml", "runs.mask.configs is 'no/such.yaml': needed is a list"),
        (["runs", "mask", "axes"], ["loss", "width", "seed"], "runs.mask.axes names 'width': there is loss, seed"),
        (["runs", "mask", "axes"], ["loss", "seed", "seed"], "runs.mask.axes names 'seed' twice"),
        (["runs", "mask", "axes"], ["loss"], "runs.mask.start_from is 'dense', which has the axis 'seed'"),
        (["runs", "dense", "axes"], ["seed", "loss"], None),
        (["runs", "mask", "start_from"], "sparse", "runs.mask.start_from is 'sparse': there is dense, mask"),
        (["runs", "mask", "start_from"], "mask", "runs go in a circle: mask starts from mask"),
        (["axes", "seed", "values"], [], "axes.seed has no values: the grid is empty"),
        (["axes", "loss"], {}, "axes.loss has no values: the grid is empty"),
        (["axes", "seed", "values"], [1, 2, 1], "axes.seed has the value 1 twice: two runs would have one name"),
        (["axes", "seed", "values"], [1, 1.0], "axes.seed has equal values among 1, 1.0"),
        (["axes", "seed", "values"], [None], "axes.seed has the value None"),
        (["axes", "seed", "values"], [[1, 2]], r"axes.seed has the value \[1, 2\]"),
        (["axes", "seed", "values"], ["a/b"], "axes.seed has 'a/b', which cannot be part of a folder's name"),
        (["axes", "seed", "values"], [""], "axes.seed has '', which cannot be"),
        (["axes", "seed", "values"], [".."], "axes.seed has '..', which cannot be part of a folder's name"),
        (["axes", "seed", "values"], ["a\0"], r"axes.seed has 'a\\x00', which cannot be part of a folder's name"),
        (["axes", "seed", "values"], ["a" * 101], "axes.seed must have values of at most 100 bytes, got 'aaa"),
        (
            ["axes", "seed", "setting"],
            "data.rows_seed",
            "axes.seed must set seed_everything or .* each value, got 1",
        ),
        (["axes", "../x"], {"a": {}}, "the name of an axis must be 1 to 100 letters, digits, _ and -, got '../x'"),
        (["axes", "axis_loss"], {"a": {}}, "axes has both 'loss' and 'axis_loss', which tables may call alike"),
        (["runs", ".."], {"configs": []}, "the name of a kind of runs must be 1 to 100 letters, .*, got '..': rename"),
        (["runs", "runs.json"], {"configs": []}, "the name of a kind of runs must be .*, got 'runs.json'"),
        (["axes", "seed", "value"], [1], "axes.seed has an unknown key 'value': use setting, values"),
        (["axes", "seed"], {"values": [1]}, "axes.seed has no 'setting'"),
        (["axes", "loss", "poe"], {"set": {}}, "axes.loss.poe has an unknown key 'set': use configs, settings"),
        (["axes", "run"], {"a": {}}, "axes.run: 'run' is what kinds of runs are told apart by"),
        (["axes", "width"], {"setting": FINAL, "values": [0.5]}, "axes.width is used by no runs"),
        (["settings"], {"resume": "x"}, "settings has 'resume', which a study says itself"),
        (["settings"], {"trainer.logger.init_args.name": "x"}, "settings has 'trainer.logger.init_args.name', which a"),
        (["cost", "mask"], "2 h", "cost.mask is '2 h': needed are the seconds"),
        (["cost", "sparse"], 3, "cost has an unknown key 'sparse': use dense, mask"),
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
    with pytest.raises(UserError, match=f"{path}: a study has an unknown key 'seeds'"):
        read_study(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [("a: [", "cannot be read as yaml"), ("- a", "needed is a mapping"), ("", "has no 'title'")],
)
def test_a_file_that_is_no_study_is_an_error(tmp_path, content, message):
    (tmp_path / "study.yaml").write_text(content)
    with pytest.raises(UserError, match=f"study.yaml.*{message}"):
        read_study(tmp_path / "study.yaml")
