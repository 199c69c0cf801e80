"""What all bias models have: a fingerprint, a report, the choice of word vectors."""

import os

import numpy as np
import pytest

from lit_prune.data.bias import BiasModel, ClaimBias, OverlapBias
from lit_prune.data.bias.model import calibration

NAMES = ["supports", "refutes", "not_enough_info"]


class Constant(BiasModel):
    """A user's own: the classes' shares."""

    def fit_predict(self, text_a, text_b, labels, label_names, word_vector):
        shares = np.bincount(labels, minlength=len(label_names)) / len(labels)
        return np.repeat(np.log(shares)[None], len(labels), axis=0).astype(np.float32)


def test_the_report_by_hand():
    probabilities = np.array([[0.95, 0.03, 0.02], [0.3, 0.65, 0.05], [0.3, 0.65, 0.05], [0.1, 0.1, 0.8]])
    report = ClaimBias().report(np.log(probabilities), np.array([0, 1, 0, 2]), NAMES)
    assert report == pytest.approx(
        {
            "accuracy": 0.75,
            "confidence": (0.95 + 0.65 + 0.65 + 0.8) / 4,
            "calibration_error": (0.05 + abs(0.65 + 0.65 - 1) + 0.2) / 4,
        }
    )


def test_one_own_class_needs_a_prediction_only():
    model, labels = Constant(), np.array([0, 0, 1, 2])
    report = model.report(model.fit_predict(["a"] * 4, ["b"] * 4, labels, NAMES, None), labels, NAMES)
    assert report == pytest.approx({"accuracy": 0.5, "confidence": 0.5, "calibration_error": 0}, abs=1e-6)
    assert model.fingerprint()["class"].endswith(".Constant")


def test_sure_and_right_is_calibrated_sure_and_wrong_is_not():
    assert calibration(np.ones(3), np.ones(3, dtype=bool))["calibration_error"] == 0
    assert calibration(np.ones(3), np.zeros(3, dtype=bool))["calibration_error"] == 1


def test_the_fingerprint_changes_with_class_settings_and_file(tmp_path):
    path = tmp_path / "w.vec"
    path.write_text("1 1\na 1\n")
    models = [ClaimBias(), OverlapBias(), ClaimBias(balanced=False), ClaimBias(C=2.0), ClaimBias(vectors=str(path))]
    prints = [str(model.fingerprint()) for model in models]
    assert len(set(prints)) == len(prints)
    assert str(ClaimBias(vectors=str(path)).fingerprint()) == prints[-1]
    os.utime(path, ns=(1, 1))
    assert str(ClaimBias(vectors=str(path)).fingerprint()) != prints[-1]


def test_a_vec_file_replaces_the_encoders_vectors(tmp_path):
    path = tmp_path / "w.vec"
    path.write_text("2 1\na 1\nb -1\n")
    vector = ClaimBias(vectors=str(path)).word_vectors(["a b", "c"], None)
    assert [vector(word) for word in "abc"] == [1, -1, None]
    assert ClaimBias().word_vectors(["a b"], len) is len
