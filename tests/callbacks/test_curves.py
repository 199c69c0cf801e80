"""What TensorBoard shows of 120 dense steps, then 20 of a mask; refreshed every 4, evaluated every 10."""

import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

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
    schedule = Cubic(initial=0.1, final=0.5, end=0.8)
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
    assert set(curves["selection"]) == steps
    assert not any("overlap" in tag or "accuracy_" in tag for tag in curves)


def test_a_model_is_selected_at_the_final_sparsity_only(curves):
    eligible = [step for step, value in curves["selection"].items() if not math.isnan(value)]
    assert eligible == [*range(10, 121, 10), 140]


def test_each_phase_has_a_learning_rate_of_its_own(curves):
    rates = curves["train/learning_rate"]
    assert set(rates) == set(range(4, 141, 4))
    assert rates[20] > rates[60] > rates[120]
    assert rates[132] > rates[120]
    assert all(value > 0 for value in curves["train/loss"].values())


def test_a_dense_run_has_no_curves_of_masks(finished_dense_run):
    tags = read(finished_dense_run).Tags()
    assert "nli/ood/auroc" in tags["scalars"]
    assert not [tag for tag in tags["scalars"] if tag.startswith(OF_MASKS)]
    assert not tags["histograms"]
