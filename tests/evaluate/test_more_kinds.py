"""One run over classes, entities, several labels and embeddings, with one mask for all or a mask for each."""

import json

import pandas
import pytest
import yaml

import lit_prune
from lit_prune.cli import main
from lit_prune.export.trained import read_run
from lit_prune.shipped import find_config
from lit_prune.sparsity.install import masks_by_task

SELECTED = {"paraphrase": "accuracy", "entities": "f1", "topics": "f1_micro", "restatements": "ndcg_at_10"}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    """The arguments of fit that set the four tasks, with few rows."""
    shipped = yaml.safe_load(find_config("data/multitask_kinds").read_text())
    for task in shipped["data"]["tasks"]:
        task["init_args"]["source"]["init_args"] |= {"num_train": 120, "num_eval": 40}
    path = tmp_path_factory.mktemp("more_kinds") / "tasks.yaml"
    path.write_text(yaml.safe_dump(shipped))
    return "--config", str(path)


@pytest.fixture(scope="module", params=["shared", "separate"])
def run(request, finished, tasks):
    masks = f"--model.init_args.task_masks={request.param}"
    return request.param, finished(*tasks, masks, config="configs/movement.yaml", name="more_kinds")


def test_each_kind_is_measured_and_selected_by_its_own_metric(run):
    masks, folder = run
    values = json.loads((folder / "metrics.json").read_text())
    names = [f"{task}/id/{metric}" for task, metric in SELECTED.items()]
    assert values["macro"] == pytest.approx(sum(values[name] for name in names) / 4)
    assert len(masks_by_task(read_run(folder, None).model)) == (1 if masks == "shared" else 4)


def test_each_kind_predicts_and_is_the_same_in_one_packed_folder(run, export, tmp_path):
    _, folder = run
    trained, packed = read_run(folder, None).model, lit_prune.load(export(folder, "packed"))
    inputs = trained.encoder.tokenizer(["the doctor saw the judge .", "a boy"], padding=True, return_tensors="pt")
    for task in SELECTED:
        expected = trained.use(task)(**inputs).logits
        assert packed.use(task)(**inputs).logits.allclose(expected, atol=1e-6)
        out = tmp_path / f"{task}.parquet"
        assert main(["predict", str(folder), "--task", task, "--split", "id", "--out", str(out)]) == 0
        assert pandas.read_parquet(out)["id"].str.startswith(("entities-", "paraphrase-", "topics-", "restate")).all()


PLAIN = "--model.init_args.loss=lit_prune.losses.CrossEntropy"  # instead of product of experts


@pytest.mark.slow
@pytest.mark.parametrize("config", ["dense", "magnitude", "rank_movement", "sam", "srnet_ce"])
def test_every_paradigm_trains_them(experiment, tasks, config):
    trains_them(experiment, *tasks, config=config)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["imp", "imp_rewind", "mask_only"])
def test_every_paradigm_trains_them_without_a_bias_model(experiment, tasks, config):
    trains_them(experiment, *tasks, PLAIN, config=config)


def trains_them(experiment, *arguments, config):
    code, folder = experiment(*arguments, config=f"configs/{config}.yaml")
    assert code == 0
    values = json.loads((folder / "metrics.json").read_text())
    assert {f"{task}/id/{metric}" for task, metric in SELECTED.items()} <= values.keys()
