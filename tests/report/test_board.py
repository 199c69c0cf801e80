"""Events of a study, read back by TensorBoard's own plugins."""

import json
import re

import pytest
from records import numbers
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.custom_scalar.custom_scalars_plugin import CustomScalarsPlugin
from tensorboard.plugins.hparams.api_pb2 import GetExperimentRequest, ListSessionGroupsRequest, Status
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.get_experiment import Handler as GetExperiment
from tensorboard.plugins.hparams.list_session_groups import Handler as ListSessionGroups

from lit_prune.report.board import write_board

METRICS = ["nli/id/accuracy", "nli/ood/accuracy"]


def opened(folder):
    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, str(folder))
    return TBContext(data_provider=provider, logdir=str(folder)), multiplexer


def test_every_complete_run_has_its_axes_beside_its_final_metrics(grid):
    grid.add("late", run="mask", loss="ce", sparsity=0.5, seed=4)
    results, _ = grid.read()
    write_board(results, [*METRICS, "qa/id/f1"], grid.folder / "tensorboard")  # the last is not there yet
    context = Context(opened(grid.folder)[0])
    experiment = GetExperiment(RequestContext(), context, "", GetExperimentRequest()).run()
    assert {info.name for info in experiment.hparam_infos} == {"run", "loss", "sparsity", "seed"}
    assert [info.name.tag for info in experiment.metric_infos] == ["sparsity", *METRICS]
    request = ListSessionGroupsRequest(start_index=0, slice_size=100, allowed_statuses=[Status.STATUS_SUCCESS])
    for info in experiment.metric_infos:
        request.col_params.add(metric=info.name)
    groups = ListSessionGroups(RequestContext(), context, "", request).run().session_groups
    assert len(groups) == 18
    (group,) = [each for each in groups if each.sessions[0].name == "tensorboard/mask-poe-0.7-2"]
    values = {name: each.number_value or each.string_value for name, each in group.hparams.items()}
    assert values == {"run": "mask", "loss": "poe", "sparsity": 0.7, "seed": 2}
    found = {each.name.tag: each.value for each in group.metric_values}
    assert found == {
        "sparsity": pytest.approx(0.5),
        "nli/id/accuracy": pytest.approx(0.83),
        "nli/ood/accuracy": pytest.approx(0.69),
    }
    assert {each.training_step for each in group.metric_values} == {140}


def test_the_layout_begins_with_sparsity_and_its_charts_find_the_runs_curves(grid, finished_run):
    results, _ = grid.read()
    write_board(results, METRICS, grid.folder / "tensorboard")
    context, multiplexer = opened(grid.folder)
    layout = CustomScalarsPlugin(context).layout_impl(RequestContext(), "")
    sparsity, metrics = json.loads(layout)["category"]
    assert (sparsity["title"], metrics["title"]) == ("sparsity", "metrics")
    assert sparsity["chart"][0]["multiline"]["tag"] == ["^sparsity/total$"]
    assert [chart["title"] for chart in metrics["chart"]] == ["nli ID accuracy", "nli OOD accuracy"]
    multiplexer.AddRun(str(finished_run), "curves").Reload()
    logged = multiplexer.GetAccumulator("curves").Tags()["tensors"]
    for chart in [*sparsity["chart"], *metrics["chart"]]:
        (pattern,) = chart["multiline"]["tag"]
        assert [tag for tag in logged if re.match(pattern, tag)], pattern


def test_a_second_report_takes_the_place_of_the_first(study):
    study.add("a", numbers(0.9, 0.6), seed=1)
    results, _ = study.read()
    for _ in range(2):
        write_board(results, METRICS, study.folder / "tensorboard")
    assert len([*(study.folder / "tensorboard").rglob("events*")]) == 2


@pytest.mark.parametrize("steps", [1e300, -1e300, -3])
def test_a_step_that_cannot_be_is_the_first(study, steps):
    study.add("a", numbers(0.9, 0.6) | {"steps": steps}, seed=1)
    results, _ = study.read()
    write_board(results, METRICS, study.folder / "tensorboard")
    _, multiplexer = opened(study.folder)
    tensors = multiplexer.GetAccumulator("tensorboard/a").Tensors("nli/id/accuracy")
    assert [each.step for each in tensors] == [0]


@pytest.mark.parametrize("name", ["x" * 300, "events.out.tfevents.0.report"])
def test_a_run_whose_name_cannot_be_a_folder_is_left_out(study, name):
    study.add("a", numbers(0.9, 0.6), seed=1)
    study.add("b", numbers(0.9, 0.6), seed=2)
    study.runs[0]["name"] = name
    (study.folder / "runs.json").write_text(json.dumps(study.runs))
    results, _ = study.read()
    with pytest.warns(UserWarning, match=f"{name} must be a new folder"):
        write_board(results, METRICS, study.folder / "tensorboard")
    assert [path.parent.name for path in (study.folder / "tensorboard").glob("*/events*")] == ["b"]
