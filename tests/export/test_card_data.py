"""The metadata of model cards, as the hub's own reader has them."""

import json
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import model_index_to_eval_results

from lit_prune.export.card_data import card_data
from lit_prune.export.formats.packed import Packed
from lit_prune.export.trained import read_run


@pytest.fixture
def trained(finished_run):
    return read_run(finished_run, None)


def over(trained, backbone):
    """The run's result, as if it had begun with another backbone."""
    trained.model.encoder.name = backbone
    return trained


def test_the_hub_reads_task_data_and_metrics_of_the_card(finished_run, export):
    card = ModelCard.load(export(finished_run, "packed") / "README.md")
    assert card.data.pipeline_tag == "text-classification"
    metrics = json.loads((finished_run / "metrics.json").read_text())
    found = {each.metric_name: each for each in card.data.eval_results}
    assert {"nli/id/accuracy", "nli/ood/accuracy", "nli/id/auroc"} <= found.keys()
    for name, each in found.items():
        assert each.metric_value == metrics[name]
        assert (each.task_type, each.dataset_type, each.dataset_name) == (
            "text-classification",
            "nli",
            "nli (GeneratedNli)",
        )
        assert name == f"nli/{each.dataset_split}/{each.metric_type}"


def test_of_a_data_set_of_the_hub_name_configuration_and_split_are_there(trained):
    table = {"path": "nyu-mll/glue", "name": "mnli", "split": "validation_matched", "revision": None}
    splits = {"id": table, "train": table | {"split": "train"}}
    trained.config["data"]["tasks"][0]["init_args"]["source"] = {
        "class_path": "lit_prune.data.Hub",
        "init_args": {"splits": splits},
    }
    data = card_data(trained, Packed(), "text-classification")
    (of_id,) = (each for each in data.eval_results if each.metric_name == "nli/id/accuracy")
    assert (of_id.dataset_type, of_id.dataset_config, of_id.dataset_split) == (
        "nyu-mll/glue",
        "mnli",
        "validation_matched",
    )
    assert data.datasets == ["nyu-mll/glue"]
    (of_ood,) = (each for each in data.eval_results if each.metric_name == "nli/ood/accuracy")
    assert of_ood.dataset_type == "nli"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_that_is_no_number_is_left_out(trained, value):
    trained.metrics["nli/id/accuracy"] = value
    data = card_data(trained, Packed(), "text-classification")
    names = [each.metric_name for each in model_index_to_eval_results(data.to_dict()["model-index"])[1]]
    assert "nli/id/accuracy" not in names
    assert "nli/id/auroc" in names


def test_the_bundled_encoder_has_its_name_on_the_hub_and_its_licence(trained, tiny_backbone, tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    monkeypatch.setattr("lit_prune.encoders.bundled.bundled_path", lambda: tmp_path)
    data = card_data(over(trained, "bundled"), Packed(), "text-classification")
    assert (data.base_model, data.license) == ("sentence-transformers/all-MiniLM-L6-v2", "apache-2.0")
    trained.config["encoder"]["pretrained"] = False
    data = card_data(trained, Packed(), "text-classification")
    assert (data.base_model, data.license) == (None, "unknown")


def test_a_local_backbone_gives_its_licence_and_no_name(trained, tmp_path):
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
    data = card_data(over(trained, str(tmp_path)), Packed(), "text-classification")
    assert (data.base_model, data.license) == (None, "mit")


def test_a_backbone_of_the_hub_is_the_base_model(trained):
    trained = replace(over(trained, "bert-base-uncased"), record=trained.record | {"backbone_commit": "c" * 40})
    assert card_data(trained, Packed(), "text-classification").base_model == "bert-base-uncased"
    assert trained.backbone == ("bert-base-uncased", "bert-base-uncased", "c" * 40)
