"""A callback prunes what `transformers.Trainer` trains."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch.utils.data import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from lit_prune.errors import UserError
from lit_prune.hf import PruneCallback

SHAPE = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
SKIP = ["classifier", "bert.pooler.dense"]
SIZE = 2 * (4 * 16 * 16 + 2 * 16 * 32)  # entries that can be pruned


class Rows(Dataset):
    """Sequences whose label is the parity of the first token."""

    def __len__(self):
        return 48

    def __getitem__(self, number):
        tokens = torch.randint(0, 50, (6,), generator=torch.Generator().manual_seed(number))
        return {"input_ids": tokens, "attention_mask": torch.ones(6, dtype=torch.long), "labels": tokens[0] % 2}


@pytest.fixture
def train(tmp_path):
    """A function: a callback, further arguments -> the Trainer after 24 steps."""

    def run(callback, name="out", resume=None, **settings):
        set_seed(1)
        config = BertConfig(**SHAPE, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        model = AutoModelForSequenceClassification.from_config(config)
        options = {"output_dir": str(tmp_path / name), "num_train_epochs": 4, "per_device_train_batch_size": 8}
        options |= {"report_to": "none", "use_cpu": True, "disable_tqdm": True, "logging_steps": 1, "save_steps": 12}
        options |= {"learning_rate": 1e-3}
        args = TrainingArguments(**options | settings)
        trainer = Trainer(model, args, train_dataset=Rows(), eval_dataset=Rows(), callbacks=[callback])
        trainer.train(resume_from_checkpoint=resume)
        return trainer

    return run


def num_zeros(model):
    weights = [value for name, value in model.named_parameters() if "encoder" in name and value.ndim > 1]
    return sum(int((value == 0).sum()) for value in weights)


@pytest.mark.parametrize("criterion", ["magnitude", "movement"])
@pytest.mark.parametrize("settings", [{}, {"gradient_accumulation_steps": 2, "max_grad_norm": 0.1}])
def test_a_classifier_is_pruned_exactly_and_read_by_plain_transformers(train, tmp_path, criterion, settings):
    trainer = train(PruneCallback(0.9, criterion=criterion, skip=SKIP), **settings)
    assert num_zeros(trainer.model) == int(0.9 * SIZE)
    logged = [each["prune/sparsity"] for each in trainer.state.log_history if "prune/sparsity" in each]
    assert logged[-1] == pytest.approx(0.9, abs=1e-3)
    trainer.save_model(str(tmp_path / "pruned"))
    code = (
        "import sys; from transformers import AutoModelForSequenceClassification as Model;"
        "model = Model.from_pretrained(sys.argv[1]);"
        "print(sum(int((v == 0).sum()) for n, v in model.named_parameters() if 'encoder' in n and v.ndim > 1));"
        "assert not any(name.startswith('lit_prune') for name in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "pruned")]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(found.stdout) == int(0.9 * SIZE)


@pytest.mark.parametrize("criterion", ["magnitude", "movement"])
def test_gradient_checkpointing_changes_neither_weights_nor_masks(train, criterion):
    plain, checkpointed = (
        train(PruneCallback(0.9, criterion=criterion, skip=SKIP), gradient_checkpointing=is_on).model.state_dict()
        for is_on in (False, True)
    )
    assert all(torch.equal(value, checkpointed[name]) for name, value in plain.items())


@pytest.mark.parametrize("criterion", ["magnitude", "movement"])
def test_a_training_that_is_resumed_ends_bit_for_bit_the_same(train, tmp_path, criterion):
    whole = train(PruneCallback(0.9, criterion=criterion, skip=SKIP), "whole")
    checkpoint = tmp_path / "whole" / "checkpoint-12"
    resumed = train(PruneCallback(0.9, criterion=criterion, skip=SKIP), "whole", resume=str(checkpoint))
    state = resumed.model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.model.state_dict().items())


def test_a_training_without_pruning_is_not_resumed_with_it(train, tmp_path):
    train(TrainerCallback(), "plain")
    with pytest.raises(UserError, match=r"pruning\.pt must exist for a resumed training, got no file"):
        train(PruneCallback(0.9, skip=SKIP), "plain", resume=str(tmp_path / "plain" / "checkpoint-12"))


@pytest.mark.parametrize("sharding", ["fsdp", "deepspeed"])
def test_training_that_shards_weights_is_an_error(sharding):
    args = SimpleNamespace(load_best_model_at_end=False, fsdp=[], deepspeed=None)
    setattr(args, sharding, "full_shard")
    with pytest.raises(UserError, match="fsdp and deepspeed must be unset"):
        PruneCallback(0.9).on_train_begin(args, TrainerState(), TrainerControl())


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        ({"every_n_steps": 0}, {}, "every_n_steps must be positive"),
        ({"skip": ["pooler"]}, {}, "skip must name parameters that can be pruned, got 'pooler'"),
        ({}, {"load_best_model_at_end": True, "eval_strategy": "steps"}, "load_best_model_at_end must be False"),
    ],
)
def test_what_does_not_fit_is_an_error(train, arguments, settings, message):
    with pytest.raises(UserError, match=message):
        train(PruneCallback(0.9, **arguments), **settings)
