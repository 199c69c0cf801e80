"""The calls of a script: `fit`, the run that it returns, and the public names."""

import subprocess
import sys
from functools import partial

import pytest
import torch

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
from lit_prune.data import GeneratedNli


@pytest.fixture
def trained(tiny_backbone, tmp_path):
    """A function: further arguments -> the run of a script."""

    def run(**arguments):
        encoder = PrunableEncoder(str(tiny_backbone))
        source = GeneratedNli(num_train=120, num_eval=60)
        task = Task(name="nli", labels=["contradiction", "entailment", "neutral"], source=source)
        data = MultitaskDataModule([task], encoder.tokenizer, encoder.word_embeddings, max_length=48)
        phases = {"dense": Training("6 steps", 1e-3), "mask": Training("6 steps", 1e-2)}
        masks = {"initial_scores": Magnitude(), "schedule": Constant(0.5), "loss": lit_prune.CrossEntropy()}
        paradigm = partial(PruneAfterFinetune, **phases, **masks)
        trainer = {"val_check_interval": 3, "enable_progress_bar": False, "accelerator": "cpu"}
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
