"""The calls of a script: `fit`, the run that it returns, and the public names."""

import signal
import subprocess
import sys
from functools import partial

import pandas
import pytest
import torch
from run_helpers import CutOff, assert_same

import lit_prune
from lit_prune import (
    Constant,
    Magnitude,
    MultitaskDataModule,
    PrunableEncoder,
    PruneAfterFinetune,
    Task,
    Training,
    UserError,
    fit,
    load_run,
)
from lit_prune.cli import main
from lit_prune.data import GeneratedNli

LABELS = ["contradiction", "entailment", "neutral"]
SPLITS = ("train", "id")
SOURCE = GeneratedNli(num_train=120, num_eval=60)


def generated(encoder):
    task = Task(name="nli", labels=LABELS, source=SOURCE)
    return MultitaskDataModule([task], encoder.tokenizer, encoder.word_embeddings, max_length=48)


def from_frames(encoder):
    train, test = (pandas.DataFrame(SOURCE.rows(split, None)).rename(columns={"text_a": "premise"}) for split in SPLITS)
    return MultitaskDataModule.from_frames(encoder, train, test, columns={"text_a": "premise"}, max_length=48)


@pytest.fixture
def trained(tiny_backbone, tmp_path):
    """A function: makes the data, further arguments -> the run of a script."""

    def run(make_data=generated, callbacks=(), **arguments):
        encoder = PrunableEncoder(str(tiny_backbone))
        data = make_data(encoder)
        phases = {"dense": Training("6 steps", 1e-3), "mask": Training("6 steps", 1e-2)}
        masks = {"initial_scores": Magnitude(), "schedule": Constant(0.5), "loss": lit_prune.CrossEntropy()}
        paradigm = partial(PruneAfterFinetune, **phases, **masks)
        trainer = {"val_check_interval": 3, "enable_progress_bar": False, "accelerator": "cpu"}
        trainer["callbacks"] = list(callbacks)
        return fit(encoder, data, paradigm, trainer=trainer, seed=1, root=tmp_path / "runs", **arguments)

    return run


def test_a_script_trains_reads_and_exports_a_run(trained, tmp_path):
    run = trained()
    assert run.folder == tmp_path / "runs" / "run" / "version_0"
    assert run.metrics["sparsity"] == pytest.approx(0.5, abs=0.01)
    assert {name.rpartition(".")[2] for name in run.masks} == {"weight"}
    model = lit_prune.load(run.export("packed", tmp_path / "packed"))
    inputs = model.encoder.tokenizer(["a b"], ["c d"], return_tensors="pt")
    torch.testing.assert_close(model(**inputs).logits, run.model()(**inputs).logits)
    again = load_run(run.folder)
    assert again.metrics == run.metrics
    assert trained().folder.name == "version_1"


def test_a_run_on_tables_in_memory_resumes_and_its_model_predicts_files_with_their_columns(trained, tmp_path):
    whole = trained(from_frames)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        trained(from_frames, [CutOff(8)])
    assert signal.getsignal(signal.SIGINT) == handler
    resumed = trained(from_frames, resume=tmp_path / "runs" / "run" / "version_1")
    assert_same(resumed.folder, whole.folder)
    rows = pandas.DataFrame(SOURCE.rows("id", None)).rename(columns={"text_a": "premise"})
    rows.to_csv(tmp_path / "rows.csv")
    command = ["predict", str(whole.folder), "--file", str(tmp_path / "rows.csv")]
    assert main([*command, "--out", str(tmp_path / "predicted.csv")]) == 0
    predicted = pandas.read_csv(tmp_path / "predicted.csv")
    assert list(predicted["id"]) == list(rows["id"])
    accuracy = (predicted["prediction"] == rows["label"]).mean()
    assert accuracy == pytest.approx(whole.metrics["task/id/accuracy"])


NOTEBOOK = """
import pandas
from functools import partial
from lit_prune import Constant, CrossEntropy, Magnitude, MultitaskDataModule, PrunableEncoder, PruneAfterFinetune
from lit_prune import Training, fit

frame = pandas.DataFrame({"text_a": ["a b", "c d", "e f", "g h"] * 10, "label": [0, 1, 0, 1] * 10})
encoder = PrunableEncoder(BACKBONE)
data = MultitaskDataModule.from_frames(encoder, frame, labels=["no", "yes"], batch_size=8, max_length=48)
phases = {"dense": Training("4 steps", 1e-2), "mask": Training("4 steps", 1e-2)}
masks = {"initial_scores": Magnitude(), "schedule": Constant(0.5), "loss": CrossEntropy()}
for _ in range(2):
    run = fit(encoder, data, partial(PruneAfterFinetune, **phases, **masks), seed=1)
    print(run.folder, run.metrics["dense/sparsity"], run.metrics["dense/task/id/loss"], run.metrics["task/id/loss"])
"""


def test_the_cells_of_a_notebook_run_twice_in_one_process_with_the_same_result(tiny_backbone, tmp_path):
    command = [sys.executable, "-c", "import sys; exec(sys.stdin.read())"]  # no file is __main__
    cells = NOTEBOOK.replace("BACKBONE", repr(str(tiny_backbone)))
    ended = subprocess.run(command, input=cells, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    first, second = (line.split() for line in ended.stdout.splitlines() if line.startswith("logs/"))
    assert (first[0], second[0]) == ("logs/run/version_0", "logs/run/version_1")
    assert first[1:] == second[1:]
    assert first[1] == "0.0"


def test_what_is_no_run_is_an_error(trained, tmp_path):
    with pytest.raises(UserError, match=r"must be a finished run, got no metrics\.json"):
        load_run(tmp_path)
    with pytest.raises(UserError, match=r"resume must be the folder of a run with checkpoints/last\.ckpt"):
        trained(resume=tmp_path)


@pytest.mark.parametrize("name", sorted(lit_prune._MODULE_OF))
def test_every_public_name_is_there(name):
    assert getattr(lit_prune, name).__module__.startswith("lit_prune")
    assert name in dir(lit_prune)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Prunes'"):
        lit_prune.Prunes  # noqa: B018


def test_the_pruner_needs_neither_lightning_nor_transformers():
    code = "import sys; from lit_prune import Pruner; sys.exit(bool({'lightning', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
