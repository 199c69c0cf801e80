"""The supervision that a run's training uses."""

import json
from types import SimpleNamespace

import pytest

from lit_prune.callbacks.supervision import supervision
from lit_prune.data import BalancedGroups, JustTrainTwice
from lit_prune.losses import Annealed, CrossEntropy, Distillation, GroupDro, ProductOfExperts

PLAIN, POE = CrossEntropy(), Annealed(ProductOfExperts())
GROUPED = GroupDro()


class Phases(dict):
    """Phases by name, each of ten steps, but `start` of none."""

    last = property(lambda self: list(self)[-1])

    def label(self, name):
        return "dense" if name == next(iter(self)) else name

    def span(self, name):
        return 0, 0 if name == "start" else 10


def run(losses, task_loss=None, splits=("train", "ood"), path=None, groups="group", sampling=None, taught_by=None):
    source = SimpleNamespace(available=lambda root: list(splits))
    return SimpleNamespace(
        phases=Phases({name: SimpleNamespace(loss=loss) for name, loss in losses.items()}),
        tasks={"nli": SimpleNamespace(loss=task_loss, source=source)},
        start=SimpleNamespace(path=path),
        taught_by=taught_by,
        data=SimpleNamespace(preparation=SimpleNamespace(root=None), groups=groups, sampling=sampling),
    )


def test_a_model_has_that_of_its_phase_and_those_before():
    assert supervision(run({"dense": PLAIN, "mask": POE})) == {"dense": [], "result": ["bias model"]}
    assert supervision(run({"dense": GROUPED, "mask": POE})) == {
        "dense": ["groups"],
        "result": ["bias model", "groups"],
    }
    assert supervision(run({"dense": POE})) == {"result": ["bias model"]}


def test_groups_that_the_bias_model_forms_are_its_supervision():
    assert supervision(run({"dense": GROUPED}, groups="overlap")) == {"result": ["groups"]}
    assert supervision(run({"dense": GROUPED}, groups="bias")) == {"result": ["bias model"]}


def test_sampling_is_supervision():
    assert supervision(run({"dense": PLAIN}, sampling=BalancedGroups())) == {"result": ["groups"]}
    assert supervision(run({"dense": PLAIN}, groups="bias", sampling=BalancedGroups())) == {"result": ["bias model"]}
    assert supervision(run({"dense": PLAIN}, sampling=JustTrainTwice(4))) == {"result": ["bias model"]}


def test_an_empty_phase_uses_none():
    assert supervision(run({"start": POE, "mask": PLAIN})) == {"dense": [], "result": []}


def test_the_loss_of_a_task_takes_precedence():
    assert supervision(run({"dense": POE}, task_loss=PLAIN)) == {"result": []}


def test_ood_rows_in_training_are_supervision():
    assert supervision(run({"dense": PLAIN}, splits=("train", "ood_train"))) == {"result": ["OOD rows"]}


@pytest.mark.parametrize(("checkpoint", "found"), [("dense.ckpt", ["groups"]), ("best.ckpt", ["bias model", "groups"])])
def test_the_model_that_a_run_starts_from_brings_its_own(tmp_path, checkpoint, found):
    recorded = {"dense": ["groups"], "result": ["bias model", "groups"]}
    path = tmp_path / "checkpoints" / checkpoint
    (tmp_path / "run.json").write_text(json.dumps({"supervision": recorded}))
    assert supervision(run({"start": PLAIN, "mask": PLAIN}, path=path)) == {"dense": found, "result": found}
    (tmp_path / "run.json").write_text(json.dumps({"supervision": {"result": ["groups"]}}))
    assert supervision(run({"dense": PLAIN}, path=path)) == {"result": ["groups"]}
    (tmp_path / "run.json").write_text(json.dumps({}))
    assert supervision(run({"dense": PLAIN}, path=path)) == {"result": []}


def test_the_run_that_teaches_brings_its_own_where_a_loss_reads_it(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"supervision": {"dense": ["groups"], "result": ["OOD rows"]}}))
    teacher = SimpleNamespace(path=tmp_path / "checkpoints" / "dense.ckpt", is_folder=False)
    taught = {"dense": PLAIN, "prune": Distillation()}
    assert supervision(run(taught, taught_by=teacher)) == {"dense": [], "result": ["groups"]}
    assert supervision(run(taught)) == {"dense": [], "result": []}
    assert supervision(run({"dense": PLAIN}, taught_by=teacher)) == {"result": []}
    teacher.is_folder = True  # of which there is no record
    assert supervision(run(taught, taught_by=teacher)) == {"dense": [], "result": []}
