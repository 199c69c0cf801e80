"""A callback prunes a token classifier of transformers in a module of a user's own."""

import subprocess
import sys

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from torch.utils.data import DataLoader
from transformers import BertConfig, BertForTokenClassification

from lit_prune.callbacks import Prune

SHAPE = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40}
SIZE = 2 * (4 * 16 * 16 + 2 * 16 * 40)  # entries that can be pruned without the classifier
NUM_ZEROS = SIZE * 9 // 10


class Entities(LightningModule):
    """Labels of tokens by a tiny random BERT."""

    def __init__(self):
        super().__init__()
        config = BertConfig(**SHAPE, num_labels=3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        self.model = BertForTokenClassification(config)

    def training_step(self, batch, batch_idx):
        return self.model(input_ids=batch, labels=batch % 3).loss

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


class KilledError(Exception):
    """The end of a process in the middle of its training."""


class Kill(Callback):
    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 12:
            trainer.save_checkpoint(f"{trainer.default_root_dir}/killed.ckpt")
        if trainer.global_step == 15:
            raise KilledError


def fit(folder, criterion, *callbacks, ckpt_path=None):
    seed_everything(1)
    module = Entities()
    prune = Prune(0.9, criterion=criterion, skip=["model.classifier"])
    options = {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    trainer = Trainer(default_root_dir=folder, max_epochs=4, callbacks=[prune, *callbacks], **options)
    sentences = torch.randint(0, 50, (48, 6), generator=torch.Generator().manual_seed(0))
    trainer.fit(module, DataLoader(sentences, batch_size=8), ckpt_path=ckpt_path, weights_only=False)
    return module


COUNT = """
import sys
from transformers import BertForTokenClassification
model = BertForTokenClassification.from_pretrained(sys.argv[1])
weights = [value for name, value in model.named_parameters() if "encoder" in name and value.ndim > 1]
print(sum(int((value == 0).sum()) for value in weights), sum(value.numel() for value in weights))
assert not any(name.startswith("lit_prune") for name in sys.modules)
"""


@pytest.mark.parametrize("criterion", ["magnitude", "movement"])
def test_nine_tenths_are_zeros_in_the_users_own_file_and_a_killed_run_resumes_bit_for_bit(tmp_path, criterion):
    whole = fit(tmp_path, criterion)
    whole.model.save_pretrained(tmp_path / "saved")
    command = [sys.executable, "-c", COUNT, str(tmp_path / "saved")]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert list(map(int, found.split())) == [NUM_ZEROS, SIZE]
    with pytest.raises(KilledError):
        fit(tmp_path, criterion, Kill())
    resumed = fit(tmp_path, criterion, ckpt_path=tmp_path / "killed.ckpt").state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.state_dict().items())
