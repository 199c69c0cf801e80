"""Predictions dealt out anew within each class."""

import json

import numpy as np
import pytest

from lit_prune.data import OverlapBias, ShuffledBias

NAMES = ["contradiction", "entailment", "neutral"]
ROWS = 300


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    premises = [" ".join(f"w{number}" for number in rng.integers(20, size=8)) for _ in range(ROWS)]
    hypotheses = [" ".join(f"w{number}" for number in rng.integers(20, size=3)) for _ in range(ROWS)]
    return premises, hypotheses, rng.integers(3, size=ROWS), NAMES, lambda word: None


def sorted_rows(values):
    return np.array(sorted(values.tolist()))


def test_each_class_keeps_its_predictions_and_no_row_its_own(rows):
    labels = rows[2]
    plain, shuffled = OverlapBias().fit_predict(*rows), ShuffledBias(OverlapBias()).fit_predict(*rows)
    assert shuffled.dtype == np.float32
    for label in range(3):
        np.testing.assert_array_equal(sorted_rows(shuffled[labels == label]), sorted_rows(plain[labels == label]))
        told = plain[labels == label, 1]
        assert abs(np.corrcoef(told, shuffled[labels == label, 1])[0, 1]) < 0.3
    report = ShuffledBias(OverlapBias()).report(shuffled, labels, NAMES)
    assert report == pytest.approx(OverlapBias().report(plain, labels, NAMES))


def test_the_seed_says_how(rows):
    first, again, other = (ShuffledBias(OverlapBias(), seed).fit_predict(*rows) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_whatever_changes_the_predictions_changes_the_fingerprint():
    models = [ShuffledBias(OverlapBias()), ShuffledBias(OverlapBias(), 1), ShuffledBias(OverlapBias(C=1.0))]
    assert len({json.dumps(each.fingerprint()) for each in models}) == 3


def test_a_run_can_be_trained_under_it(experiment, tmp_path):
    (tmp_path / "shuffled.yaml").write_text(
        """
data:
  tasks:
    - class_path: lit_prune.data.Task
      init_args:
        name: nli
        labels: [contradiction, entailment, neutral]
        positive: entailment
        merge: {contradiction: non_entailment, neutral: non_entailment}
        source: {class_path: lit_prune.data.GeneratedNli, init_args: {num_train: 96, num_eval: 24}}
        bias:
          class_path: lit_prune.data.ShuffledBias
          init_args: {bias: {class_path: lit_prune.data.OverlapBias, init_args: {balanced: false}}}
"""
    )
    brief = ("--model.init_args.dense.steps=2", "--model.init_args.mask.steps=2", "--trainer.val_check_interval=2")
    code, run = experiment("--config", str(tmp_path / "shuffled.yaml"), *brief)
    assert code == 0
    assert "bias/nli/accuracy" in json.loads((run / "metrics.json").read_text())
    assert "ShuffledBias" in (run / "config.yaml").read_text()
