"""The run of the README's table, which ships with its predictions: the table and the metrics are recomputed."""

import re

import numpy as np
import pandas as pd
import pytest
from pages import README, REPOSITORY, read_blocks
from scipy.special import softmax
from sklearn.metrics import accuracy_score, roc_auc_score

from lit_prune.runs.recorded import read_metrics
from lit_prune.runs.summary import print_summary

RUN = REPOSITORY / "docs/results/data/first_run"
RESULTS = REPOSITORY / "docs/results/liu2022.md"
SHOWN = {
    "validation accuracy": "validation/accuracy",
    "ID accuracy": "id/accuracy",
    "OOD accuracy": "ood/accuracy",
    "OOD accuracy, non-entailment": "ood/accuracy_non_entailment",
    "OOD accuracy, entailment": "ood/accuracy_entailment",
    "OOD AUROC": "ood/auroc",
    "OOD predicted entailment": "ood/predicted_share_entailment",
}
MODELS = {"": "predictions.parquet", "dense/": "dense_predictions.parquet"}


def test_the_table_of_the_readme_is_what_the_run_prints(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    print_summary(RUN)
    *printed, folder = capsys.readouterr().out.splitlines()
    assert folder == str(RUN)
    (shown,) = (block.text for block in read_blocks(README) if "OOD AUROC" in block.text)
    *shown, folder = shown.splitlines()
    assert folder == "logs/srnet_poe/version_0"
    assert [line.rstrip() for line in shown] == [line.rstrip() for line in printed]


@pytest.mark.parametrize("prefix", MODELS)
def test_its_metrics_are_those_of_its_predictions(prefix):
    metrics = read_metrics(RUN / "metrics.json")
    rows = pd.read_parquet(RUN / MODELS[prefix])
    for split, of_split in rows[rows["task"] == "nli"].groupby("split"):
        accuracy = accuracy_score(of_split["label"], of_split["prediction"])
        assert metrics[f"{prefix}nli/{split}/accuracy"] == pytest.approx(accuracy, abs=1e-6)
        if f"{prefix}nli/{split}/auroc" in metrics:
            entailment = softmax(np.stack(of_split["logits"]).astype(float), axis=1)[:, 1]
            ranks = roc_auc_score(of_split["label"] == "entailment", entailment)
            assert metrics[f"{prefix}nli/{split}/auroc"] == pytest.approx(ranks, abs=1e-6)


def test_the_results_page_has_its_numbers():
    metrics = read_metrics(RUN / "metrics.json")
    rows = re.findall(r"^\| (.+) \| bf16 \| (.*) \| (.*) \| (.*) \|$", RESULTS.read_text(), re.MULTILINE)
    assert len(rows) == len(SHOWN)
    for title, *cells in rows:
        found = [metrics.get(f"{prefix}nli/{SHOWN[title]}") for prefix in ("dense/", "dense_shifted/", "")]
        assert cells == ["" if value is None else f"{value:.3f}" for value in found]
