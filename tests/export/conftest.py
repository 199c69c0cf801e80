"""Finished runs exported, and what the trained model said of the rows of its `id` set."""

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from lit_prune.cli import main
from lit_prune.data import GeneratedNli


@pytest.fixture(params=["finished_run", "finished_roberta_run"])
def any_run(request):
    """The folder of a finished run, over BERT and over RoBERTa."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def export(tmp_path):
    """A function that exports a run; the new folder."""

    def run(folder, form, *arguments):
        out = tmp_path / form
        assert main(["export", str(folder), "--format", form, "--out", str(out), *arguments]) == 0
        return out

    return run


@pytest.fixture
def difference():
    """A function: the largest difference of a model's logits from those that a run wrote down."""
    texts = {row["id"]: row for row in GeneratedNli(bias_rate=0.9, num_train=253, num_eval=60).rows("id", None)}

    def measure(model, tokenizer, run):
        rows = [row for row in parquet.read_table(run / "predictions.parquet").to_pylist() if row["split"] == "id"]
        assert len(rows) == 60
        pairs = [[texts[row["id"]][name] for row in rows] for name in ("text_a", "text_b")]
        inputs = tokenizer(*pairs, padding=True, truncation="longest_first", max_length=48, return_tensors="pt")
        with torch.inference_mode():
            logits = model(**inputs).logits.float().numpy()
        return float(np.abs(logits - np.array([row["logits"] for row in rows])).max())

    return measure
