"""The wheel: its contents are the tracked files, and installed alone it runs the main experiment by name."""

import json
import os
import re
import sys
from zipfile import ZipFile

import pytest
from fixtures.pages import write_texts
from fixtures.wheel import run
from pages import REPOSITORY, read_blocks
from transformers import BertForSequenceClassification


@pytest.fixture
def lit_prune(installed, tmp_path):
    """A function that runs the installed package in an empty folder: what it printed."""
    (empty := tmp_path / "empty").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return lambda *arguments, **changed: run(
        sys.executable, "-m", "lit_prune", *arguments, cwd=empty, env=environment | changed
    )


def test_its_contents_are_the_tracked_files_of_package_and_configurations(wheel, tracked):
    names = [name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(name if name.startswith("lit_prune/") else f"lit_prune/{name}" for name in tracked)


def test_it_finds_its_own_configurations(lit_prune, installed):
    assert lit_prune("configs", "srnet_poe", "--path") == f"{installed}/lit_prune/configs/srnet_poe.yaml\n"


@pytest.mark.parametrize("name", ["srnet_poe", "configs/srnet_poe.yaml"])
def test_it_runs_the_main_experiment_made_small_from_an_empty_folder(name, lit_prune, small, tmp_path):
    _, overlay = small("configs/srnet_poe.yaml")
    printed = lit_prune("fit", "--config", name, "--config", overlay)
    assert printed.splitlines()[-1] == "logs/srnet_poe/version_0"
    metrics = json.loads((tmp_path / "empty/logs/srnet_poe/version_0/metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.5, abs=2e-3)


# What each snippet of the documentation takes for granted, and what holds after it; by a line of the snippet.
CLASSIFIER = """
import torch
from transformers import BertConfig, BertForSequenceClassification
shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
model = BertForSequenceClassification(BertConfig(**shape, vocab_size=20))
rows = [{"input_ids": torch.arange(1, 9) + number, "labels": number % 2} for number in range(8)]
loader = torch.utils.data.DataLoader(rows, batch_size=4)
"""
OWN = """
import lightning.pytorch, torch
class Own(lightning.pytorch.LightningModule):
    def __init__(self):
        super().__init__()
        self.encoder, self.classifier = torch.nn.Linear(10, 10), torch.nn.Linear(10, 2)
    def forward(self, batch):
        return self.classifier(self.encoder(batch).relu())
    def training_step(self, batch, number):
        return self(batch).square().mean()
    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters())
model = Own()
"""
LOOP = """
optimizer, batches = torch.optim.AdamW(model.parameters()), torch.randn(20, 4, 10)
loss = lambda output: output.square().mean()
"""
TRAINER = """
from transformers import TrainingArguments
args = TrainingArguments("out", max_steps=6, use_cpu=True, report_to="none")
"""
TRAIN = """
before = {name: value.clone() for name, value in model.state_dict().items()}
def train(model):
    optimizer = torch.optim.SGD([value for value in model.parameters() if value.requires_grad], lr=1.0)
    for batch in loader:
        model(**batch).loss.backward()
        optimizer.step()
"""
PRUNED = """
kinds = {{name: module for name, module in model.named_modules() if type(module) is torch.nn.Linear}}
weights = [module.weight for name, module in kinds.items() if name not in {}]
share = sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)
assert abs(share - {}) < 1e-3, share
"""
TUNED = """
changed = sum(int((value != before[name]).sum()) for name, value in model.state_dict().items())
assert 0 < changed <= 0.01 * sum(value.numel() for value in model.parameters()), changed
"""
FITTED = "assert abs(run.metrics['sparsity'] - 0.8) < 5e-3\nassert lit_prune.load('pruned')"
DATA = "data = torch.utils.data.DataLoader(torch.randn(40, 10), batch_size=2)"
AROUND = {
    "run = lit_prune.fit(": ("", FITTED),
    "callbacks=[Prune(": (OWN + DATA, PRUNED.format("('classifier',)", 0.9)),
    "callbacks=[PruneCallback(": (CLASSIFIER + TRAINER, PRUNED.format("('classifier',)", 0.8)),
    "pruner = Pruner(": (OWN + LOOP, PRUNED.format("()", 0.9)),
    "\nprune(": (CLASSIFIER, PRUNED.format("('classifier',)", 0.5)),
    "\ntune_entries(": (CLASSIFIER + TRAIN, TUNED),
}


def snippets():
    """The snippets for Python programs: of a model of the package, and of a model and training loop of your own."""
    pages = (REPOSITORY / "docs/how_to" / name for name in ("python.md", "own_model.md"))
    blocks = [block.text for page in pages for block in read_blocks(page) if block.kind == "python"]
    return [text for text in blocks if any(mark in text for mark in AROUND)]


def test_every_snippet_has_at_most_ten_lines_and_is_run():
    assert [[mark for mark in AROUND if mark in snippet] for snippet in snippets()] == [[mark] for mark in AROUND]
    assert all(len(snippet.replace("\n\n", "\n").splitlines()) <= 10 for snippet in snippets())


@pytest.mark.parametrize("mark", AROUND, ids=lambda mark: re.search(r"\w+(?=\($)", mark)[0])
def test_a_snippet_runs_outside_of_the_checkout(mark, installed, reader, tmp_path):
    for name in ("train", "test"):
        write_texts(tmp_path / f"{name}.csv", 80)
    (snippet,) = [each for each in snippets() if mark in each]
    before, after = AROUND[mark]
    where = f"import lit_prune\nassert lit_prune.__file__.startswith({str(installed)!r})"
    code = "\n".join([before, snippet, where, after])
    run(sys.executable, "-c", code, cwd=tmp_path, env=reader)


def test_it_prunes_a_classifier_of_transformers(lit_prune, classifier, tmp_path):
    write_texts(rows := tmp_path / "rows.csv", 80)
    options = ("--train", rows, "--test", rows, "--sparsity", "0.8", "--out", tmp_path / "pruned")
    printed = lit_prune("prune", "--model", classifier, *options)
    assert "the pruned model beside the original" in printed
    pruned = BertForSequenceClassification.from_pretrained(tmp_path / "pruned")
    weights = [value for name, value in pruned.named_parameters() if ".layer." in name and value.ndim == 2]
    share = sum(int((value == 0).sum()) for value in weights) / sum(value.numel() for value in weights)
    assert share == pytest.approx(0.8, abs=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_it_runs_the_main_experiment_from_an_empty_folder(lit_prune, tmp_path):
    printed = lit_prune("fit", "--config", "srnet_poe", OMP_NUM_THREADS=str(len(os.sched_getaffinity(0))))
    assert printed.splitlines()[-1] == "logs/srnet_poe/version_0"
    metrics = json.loads((tmp_path / "empty/logs/srnet_poe/version_0/metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.5, abs=1e-4)
    assert metrics["steps"] == 950
