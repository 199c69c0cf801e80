"""Last-layer retraining of a subnetwork: the recipe trains the head alone, up to scikit-learn's logistic regression."""

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from lit_prune.data import GeneratedNli
from lit_prune.data.bias.words import word_overlap
from lit_prune.export.trained import read_run

NO_DROPOUT = "--encoder.config={hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0}"
NUM_ROWS = 253
ROWS = list(GeneratedNli(num_train=NUM_ROWS, train_seed=1, version=1).rows("train", None))  # the held-out ones


@pytest.fixture(scope="module")
def subnetwork(finished):
    """A run that learns something, and whose masks leave the classifier as it is."""
    learns = ("--model.init_args.dense.steps=120", "--model.init_args.dense.learning_rate=5e-3")
    learns += ("--trainer.val_check_interval=20", "--model.init_args.targets=[query, value, output]")
    return finished(*learns, config="configs/srnet_ce.yaml", name="subnetwork")


@pytest.fixture
def retrain(experiment, subnetwork):
    """A function that runs the recipe from the subnetwork, with further arguments: the folder it leaves behind."""

    def run(*arguments):
        start_from = f"--model.init_args.start_from={subnetwork}/checkpoints/best.ckpt"
        recipe = "configs/recipes/last_layer_retraining.yaml"
        code, folder = experiment(start_from, NO_DROPOUT, *arguments, config=recipe)
        assert code == 0
        return folder

    return run


def features(model):
    """The pooled tokens (rows, width) of the training rows."""
    texts = [[row[name] for row in ROWS] for name in ("text_a", "text_b")]
    tokens = model.encoder.tokenizer(*texts, truncation=True, max_length=48, padding=True, return_tensors="pt")
    with torch.no_grad():
        return model.encoder(dict(tokens))[1]


def test_the_subnetwork_is_frozen_and_its_classifier_is_trained(retrain, subnetwork):
    run = retrain()
    before, after = (read_run(folder, None).model for folder in (subnetwork, run))
    assert torch.equal(features(after), features(before))
    assert not torch.equal(after.heads["nli"].classifier.weight, before.heads["nli"].classifier.weight)
    found, expected = (json.loads((folder / "metrics.json").read_text()) for folder in (run, subnetwork))
    assert found["sparsity"] == expected["sparsity"] == pytest.approx(0.5, abs=0.01)
    assert found["tuned_share"] == 0


def test_trained_to_its_end_the_classifier_is_the_logistic_regression_of_balanced_groups(retrain):
    decay = 5e-3
    exact = ["--data.sampling=null", "--model.init_args.loss=lit_prune.losses.BalancedCrossEntropy"]
    exact += [f"--data.batch_size={NUM_ROWS}", "--data.validation_fraction=0", "--trainer.val_check_interval=600"]
    tune = {"length": "600 steps", "learning_rate": 0.05, "weight_decay": decay, "optimizer": "torch.optim.Adam"}
    exact += [f"--model.init_args.tune={json.dumps(tune)}"]  # Adam's decay is an L2 penalty, AdamW's is not
    trained = read_run(retrain(*exact), None)
    inputs = features(trained.model)
    labels = [trained.model.labels.index(row["label"]) for row in ROWS]
    groups = [f"{row['label']} {word_overlap(row['text_a'], row['text_b']) == 1}" for row in ROWS]
    weights = compute_sample_weight("balanced", groups)
    oracle = LogisticRegression(C=1 / (decay * NUM_ROWS), max_iter=1000).fit(inputs, labels, sample_weight=weights)
    with torch.no_grad():
        found = trained.model.heads["nli"].classifier(inputs).softmax(-1).numpy()
    expected = oracle.predict_proba(inputs)
    assert expected.std(axis=0).max() > 0.1
    np.testing.assert_allclose(found, expected, atol=0.005)
