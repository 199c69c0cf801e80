"""What TensorBoard shows of 120 dense steps, then 20 of a mask; refreshed every 4, evaluated every 10."""

from types import SimpleNamespace

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lit_prune.callbacks.curves import SparsityCurves, learning_rates
from lit_prune.phases import Training
from lit_prune.sparsity.schedules import Cubic

TARGETS = ("query", "key", "value", "attention_output", "intermediate", "output", "pooler", "classifier")
LAYER = "encoder.backbone.encoder.layer.1.attention.self.query"
OF_MASKS = ("sparsity/", "threshold/", "mask/", "scores/")


def read(folder):
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0})
    return events.Reload()


@pytest.fixture(scope="module")
def events(finished_run):
    return read(finished_run)


@pytest.fixture(scope="module")
def curves(events):
    """Tag -> step -> value."""
    return {tag: {each.step: each.value for each in events.Scalars(tag)} for tag in events.Tags()["scalars"]}


def test_each_target_and_layer_has_its_curves(events, curves):
    assert {tag for tag in curves if tag.startswith("sparsity/target/")} == {f"sparsity/target/{t}" for t in TARGETS}
    layers = {tag.removeprefix("sparsity/layer/") for tag in curves if tag.startswith("sparsity/layer/")}
    assert len(layers) == 14
    assert LAYER in layers
    assert {tag.removeprefix("threshold/") for tag in curves if tag.startswith("threshold/")} == layers
    assert {tag.removeprefix("scores/") for tag in events.Tags()["histograms"]} == layers


def test_steps_are_optimizer_steps(curves):
    refreshes = {120, 124, 128, 132, 136, 140}
    assert set(curves["nli/ood/auroc"]) == set(range(10, 141, 10))
    assert set(curves["sparsity/total"]) == refreshes | {130}  # evaluated at its scheduled sparsity


def test_nothing_is_said_of_masks_before_their_phase(events, curves):
    steps = {step for tag, values in curves.items() if tag.startswith(OF_MASKS) for step in values}
    steps |= {each.step for tag in events.Tags()["histograms"] for each in events.Histograms(tag)}
    assert min(steps) == 120


def test_sparsity_follows_its_schedule(curves):
    schedule = Cubic(initial=0.1, final=0.5, end=0.6)
    values = curves["sparsity/total"]
    assert list(values.values()) == sorted(values.values())
    assert values == pytest.approx({step: schedule((step - 120) / 20) for step in values}, abs=0.003)
    assert values[140] == 0.5


def test_a_local_sparsity_is_that_of_every_layer_and_target(curves):
    for tag in (*(f"sparsity/target/{target}" for target in TARGETS), f"sparsity/layer/{LAYER}"):
        assert curves[tag] == pytest.approx(curves["sparsity/total"], abs=0.02), tag


def test_masks_flip_between_refreshes(curves):
    flipped = curves["mask/flipped"]
    assert set(flipped) == set(curves["sparsity/total"])
    assert flipped[120] == curves["sparsity/total"][120]  # all was kept before
    assert 0 < max(value for step, value in flipped.items() if step > 120) < 1


def test_thresholds_separate_the_scores(events, curves):
    first, last = events.Histograms(f"scores/{LAYER}")
    threshold = curves[f"threshold/{LAYER}"]
    assert (first.step, last.step) == (130, 140), "one at each evaluation of the mask phase"
    assert first.histogram_value.num == last.histogram_value.num == 16 * 16
    assert first.histogram_value.min < threshold[130] < threshold[140] < last.histogram_value.max


def test_metrics_of_every_set_are_curves_on_every_evaluation(curves):
    steps = set(curves["nli/ood/auroc"])
    for split in ("validation", "id", "ood"):
        for metric in ("accuracy", "loss", "predicted_share_entailment"):
            assert set(curves[f"nli/{split}/{metric}"]) == steps
    assert not any("overlap" in tag or "accuracy_" in tag for tag in curves)


def test_a_model_is_selected_at_the_final_sparsity_only(curves):
    assert list(curves["selection"]) == [*range(10, 121, 10), 140]  # no point of step 130, where none was eligible


def test_each_phase_has_a_learning_rate_of_its_own(curves):
    rates = curves["train/learning_rate"]
    assert set(rates) == set(range(4, 141, 4))
    assert rates[20] > rates[60] > rates[120]
    assert rates[132] > rates[120]
    assert all(value > 0 for value in curves["train/loss"].values())


def test_groups_of_other_learning_rates_have_a_curve_each():
    trained = {"a.weight": torch.zeros(2, 2), "a.bias": torch.zeros(2), "a.sigma": torch.zeros(2)}
    for own, expected in (
        (None, {"train/learning_rate": 5e-4}),
        (
            {"*.sigma": 1e-2},
            {
                "train/learning_rate/*.sigma": 5e-3,
                "train/learning_rate/matrices": 5e-4,
                "train/learning_rate/vectors": 5e-4,
            },
        ),
    ):
        phase = Training(steps=4, learning_rate=1e-3, warmup=2, learning_rates=own)
        optimizer = phase.make_optimizer(trained, fused=False)
        schedule = phase.make_lr_schedule(optimizer, 4)
        optimizer.step()
        schedule.step()  # half of the way up
        assert learning_rates(optimizer) == pytest.approx(expected)


def test_the_loss_of_each_task_is_the_mean_of_its_steps():
    logged = []
    logger = SimpleNamespace(log_metrics=lambda values, step: logged.append((step, values)))
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)], "initial_lr": 0.1}], lr=0.1)
    trainer = SimpleNamespace(
        log_every_n_steps=2, accumulate_grad_batches=2, optimizers=[optimizer], loggers=[logger], global_step=0
    )
    module, curves = SimpleNamespace(tasks={"nli": None, "qa": None}), SparsityCurves()
    # Two batches a step; Lightning gives the loss of each divided by two.
    steps = [(0, "nli", 1.0), (1, "qa", 9.0), (1, "nli", 3.0), (2, "nli", 8.0), (2, "qa", 5.0), (3, "qa", 6.0)]
    for step, task, loss in [*steps, (3, "qa", 7.0), (4, "qa", 2.0)]:
        trainer.global_step = step
        curves.on_train_batch_end(trainer, module, {"loss": torch.tensor(loss / 2)}, SimpleNamespace(task=task), 0)
    assert logged == [
        (2, {"train/learning_rate": 0.1, "train/loss/nli": 4.0, "train/loss/qa": 9.0}),
        (4, {"train/learning_rate": 0.1, "train/loss/qa": 5.0}),  # 5, 6, 7 and 2
    ]


def test_a_dense_run_has_no_curves_of_masks(finished_dense_run):
    tags = read(finished_dense_run).Tags()
    assert "nli/ood/auroc" in tags["scalars"]
    assert not [tag for tag in tags["scalars"] if tag.startswith(OF_MASKS)]
    assert not tags["histograms"]
