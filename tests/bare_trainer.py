"""A script that trains on two processes: python bare_trainer.py BACKBONE ROOT."""

import sys

from lightning.pytorch import Trainer, seed_everything

from lit_prune.data import GeneratedNli, MultitaskDataModule, OverlapBias, Task
from lit_prune.encoders.encoder import PrunableEncoder
from lit_prune.losses import ProductOfExperts
from lit_prune.paradigms import PruneAfterFinetune
from lit_prune.phases import Training
from lit_prune.sparsity.criteria import Magnitude
from lit_prune.sparsity.schedules import Cubic

if __name__ == "__main__":
    seed_everything(1)
    encoder = PrunableEncoder(sys.argv[1])
    source = GeneratedNli(bias_rate=0.9, num_train=253, num_eval=60, version=1)
    labels = ["contradiction", "entailment", "neutral"]
    task = Task(name="nli", labels=labels, source=source, positive="entailment", bias=OverlapBias())
    data = MultitaskDataModule([task], encoder.tokenizer, encoder.word_embeddings, max_length=48)
    dense, mask = Training("8 steps", learning_rate=1e-3), Training("8 steps", learning_rate=1e-2)
    start = {"initial_scores": Magnitude(), "schedule": Cubic(0.1, 0.5)}
    model = PruneAfterFinetune(encoder, data.tasks, dense=dense, mask=mask, loss=ProductOfExperts(), **start)
    options = {"use_distributed_sampler": False, "val_check_interval": 4, "check_val_every_n_epoch": None}
    trainer = Trainer(accelerator="cpu", devices=2, strategy="ddp", default_root_dir=sys.argv[2], **options)
    trainer.fit(model, datamodule=data)
