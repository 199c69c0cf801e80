"""Examples in the docstrings of public names run as they stand, on small models and few rows."""

import inspect
import json
import shutil
from functools import partial

import lightning.pytorch
import pandas
import pytest
import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification, TrainingArguments

import lit_prune
from lit_prune.data import ConllFiles, GeneratedNli, GeneratedSimilarity
from lit_prune.losses import EmbeddingDistillation
from lit_prune.tuning import ChosenEntries, GradientCriterion

NAMES = {name: getattr(lit_prune, name) for name in lit_prune.__all__}
OTHERS = (
    {"partial": partial, "ConllFiles": ConllFiles, "GeneratedNli": GeneratedNli}
    | {
        "EmbeddingDistillation": EmbeddingDistillation,
        "GeneratedSimilarity": GeneratedSimilarity,
    }
    | {each.__name__: each for each in (ChosenEntries, GradientCriterion)}
)
SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 20}


def example(named):
    """The indented lines before the first section of a docstring."""
    text = inspect.getdoc(named) or ""
    for section in ("Args", "Attributes", "Returns", "Raises"):
        text = text.partition(f"\n{section}:\n")[0]
    return inspect.cleandoc("\n".join(line for line in text.splitlines() if line.startswith("    ")))


EXAMPLES = {name: code for name, named in NAMES.items() if (code := example(named))} | {
    "MultitaskDataModule": example(lit_prune.MultitaskDataModule.from_frames)
}


class Own(lightning.pytorch.LightningModule):
    def __init__(self):
        super().__init__()
        self.encoder, self.classifier = torch.nn.Linear(10, 10), torch.nn.Linear(10, 2)

    def training_step(self, batch, number):
        return self.classifier(self.encoder(batch).relu()).square().mean()

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters())


@pytest.fixture
def world(tmp_path, monkeypatch, random_bert):
    """The names that examples use for what the user has, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(random_bert(128), tmp_path / "bert-base-uncased")
    frame = pandas.DataFrame({"text_a": ["a b", "c"] * 20, "label": ["negative", "positive"] * 20})
    encoder = lit_prune.PrunableEncoder("bert-base-uncased")
    rows = [{"input_ids": torch.arange(1, 9) + number, "labels": number % 2} for number in range(8)]
    return {
        "encoder": encoder,
        "data": lit_prune.MultitaskDataModule.from_frames(encoder, train=frame, test=frame, batch_size=16),
        "tagged": pandas.DataFrame({"tokens": [["a", "b"]] * 20, "ner_tags": [["B-x", "O"]] * 20}),
        **{"frame": frame, "other": frame, "other_frame": frame, "rows": rows},
        "loader": torch.utils.data.DataLoader(rows, batch_size=4),
        "args": TrainingArguments("out", max_steps=4, use_cpu=True, report_to="none"),
    }


def own_of(name):
    """What the network of an example is, and its training."""
    if name in ("PruneCallback", "prune", "repair", "tune_entries"):
        model = BertForSequenceClassification(BertConfig(**SHAPE))
        batches = [{"input_ids": torch.ones(2, 5, dtype=torch.long)}]
        return {"model": model, "Trainer": transformers.Trainer, "batches": batches}
    model = Own()
    return {
        "model": model if name == "Prune" else torch.nn.Linear(10, 2),
        "optimizer": torch.optim.AdamW(model.parameters()),
        "loss": lambda output: output.square().mean(),
        "batches": torch.randn(8, 4, 10),
        "data": torch.utils.data.DataLoader(torch.randn(8, 10)),
        "Trainer": partial(lightning.pytorch.Trainer, logger=False, enable_checkpointing=False),
    }


ON_OWN = ("Prune", "PruneCallback", "Pruner", "prune", "repair", "tune_entries")


def test_every_call_of_a_script_has_an_example():
    paradigms = {
        name for name, each in NAMES.items() if getattr(each, "__module__", "").startswith("lit_prune.paradigms")
    }
    called = {"fit", "load", "load_run", "PrunableEncoder", "MultitaskDataModule", "Task", "Training", *ON_OWN}
    assert EXAMPLES.keys() >= called | (paradigms - {"Paradigm"})


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs(name, world, tmp_path):
    own = own_of(name) if name in ON_OWN else {}
    names = NAMES | OTHERS | world | own
    if name in ("load", "load_run"):
        run = lit_prune.fit(
            world["encoder"], world["data"], partial(lit_prune.FineTune, dense=lit_prune.Training("2 steps"))
        )
        assert json.loads((tmp_path / "logs/run/version_0/metrics.json").read_text())
        run.export("packed", "pruned")
    exec(EXAMPLES[name], names)
