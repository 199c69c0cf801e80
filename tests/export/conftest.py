"""Finished runs exported, and what the trained model said of the rows of its `id` set."""

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch
from models import TASK, layers
from torch import nn
from transformers import AutoTokenizer

from lit_prune.data import GeneratedNli
from lit_prune.data.kinds import rebuild
from lit_prune.data.sources.given import Given
from lit_prune.encoder import PrunableEncoder
from lit_prune.export.model import TaskModel

HEADS = {"distilbert": {"n_heads": 4}}


@pytest.fixture(params=["finished_run", "finished_roberta_run"])
def any_run(request):
    """The folder of a finished run, over BERT and over RoBERTa."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def lora_runs(four_kinds, finished):
    """Runs of one task each that tuned the same backbone by LoRA of scale 2; by task, and `both`, of two tasks."""
    settings = ("--config", "configs/tuning/lora.yaml", "--config", four_kinds, "--model.init_args.tune.steps=10")
    settings += ("--model.init_args.method.init_args.alpha=8", "--trainer.val_check_interval=5")
    tasks = {"nli": "[nli]", "similarity": "[similarity]", "reading": "[reading]", "both": "[nli, similarity]"}
    return {
        name: finished(
            *settings,
            f"--data.only={only}",
            f"--experiment=lora_{name}",
            config="configs/sam.yaml",
            name=f"lora_{name}",
        )
        for name, only in tasks.items()
    }


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


@pytest.fixture
def build(tiny_family):
    """A function: model type -> a model of 2 layers, 4 heads and 32 units; no entry of a matrix or a bias is 0."""

    def make(model_type, attention="sdpa"):
        config = {"_attn_implementation": attention} | HEADS.get(model_type, {"num_attention_heads": 4})
        encoder = PrunableEncoder(str(tiny_family(model_type)), pretrained=False, config=config)
        model = TaskModel(encoder, [rebuild(TASK, Given({}))]).eval()
        torch.manual_seed(1)
        for layer in layers(model).values():
            nn.init.normal_(layer.weight, std=0.4)
            nn.init.normal_(layer.bias, std=0.4)
        return model

    return make


@pytest.fixture
def inputs(tiny_family):
    """A function: model type -> two texts, one of them padded."""

    def tokenize(model_type):
        tokenizer = AutoTokenizer.from_pretrained(tiny_family(model_type))
        both = tokenizer(["a b", "c d e f g h i j"], ["k", "l m n"], padding=True, return_tensors="pt")
        assert not both["attention_mask"].all()
        return both

    return tokenize
