"""Kinds of command lines and yamls: each setting is honoured, or refused in one line with key, value and remedy."""

import json
import os
import re
import sys
from pathlib import Path

import pytest
import torch
from lightning.pytorch import Callback

from lit_prune.cli import main

CASES = Path(__file__).parents[2] / "shared" / "cases"
MODEL = "--model.init_args"
TASK = (
    "--data.tasks=[{{class_path: lit_prune.data.Task, init_args: {{name: nli, labels: [contradiction, entailment, "
    "neutral], positive: entailment, {0}, source: {{class_path: lit_prune.data.GeneratedNli, init_args: "
    "{{num_train: 60, num_eval: 20}}}}, bias: lit_prune.data.OverlapBias}}}}]"
)


# What follows `lit_prune fit --config <an experiment made small>` -> the one line, up to where it varies.
def lightning(callback, arguments):
    """A callback of Lightning's on a command line."""
    path = f"lightning.pytorch.callbacks.{callback}"
    return f"--trainer.callbacks=[{{class_path: {path}, init_args: {{{arguments}}}}}]"


REFUSED_SETTINGS = {
    # lengths and sizes of data
    "max_length -1": ("--data.max_length=-1", r"data\.max_length must be .*, got -1: "),
    "max_length 0": ("--data.max_length=0", r"data\.max_length must be .*, got 0: "),
    "batch_size 0": ("--data.batch_size=0", r"data\.batch_size must be at least 1, got 0: "),
    "batch_size text": ("--data.batch_size=many", r"data\.batch_size must be an integer, got many: "),
    "batch_size fraction": ("--data.batch_size=1.5", r"data\.batch_size must be an integer, got 1\.5: "),
    "batch_size null": ("--data.batch_size=null", r"data\.batch_size must be an integer, got None: "),
    "num_workers -1": ("--data.num_workers=-1", r"data\.num_workers must be at least 0, got -1: "),
    "num_workers by the million": (
        "--data.num_workers=1000000",
        r"data\.num_workers must be at most .*, got 1000000: ",
    ),
    "validation_fraction 1.5": ("--data.validation_fraction=1.5", r"data\.validation_fraction .*1\.5"),
    "epoch_length word": ("--data.epoch_length=all", r"data\.epoch_length must be one of 'sum', .*, got all: "),
    "only unknown": ("--data.only=[qqp]", r"data\.only .*qqp.*nli"),
    "only no list": ("--data.only=nli", r"data\.only must be a list, got nli: "),
    "tasks none": ("--data.tasks=[]", r"data\.tasks .*\[\]"),
    "tasks number": ("--data.tasks=3", r"data\.tasks must be a list, got 3: "),
    "tasks of numbers": ("--data.tasks=[3]", r"data\.tasks must be .*, got .*: "),
    "merge to one class": (
        TASK.format("merge: {contradiction: x, entailment: x, neutral: x}"),
        r"merge of task 'nli' must leave two classes or more, got .*: ",
    ),
    "selection unknown": (TASK.format("selection: bleu"), r"selection .*'bleu'.*accuracy"),
    "mixing without its argument": ("--data.mixing=lit_prune.data.mixing.Temperature", r"data\.mixing.* temperature"),
    "linked seed": ("--data.seed=3", r"data\.seed must be left out: .*seed_everything"),
    "tokenizer by hand": ("--data.tokenizer=x", r"data\.tokenizer must be left .*, got 'x': "),
    # phases
    "rate 0": (f"{MODEL}.dense.learning_rate=0", r"learning_rate of a phase must be above 0 .*, got 0\.0: "),
    "rate nan": (f"{MODEL}.dense.learning_rate=.nan", r"learning_rate of a phase must be above 0 .*, got nan: "),
    "rate 1e30": (f"{MODEL}.mask.learning_rate=1e30", r"learning_rate of a phase must be above 0 .*, got 1e\+30: "),
    "rate negative": (f"{MODEL}.mask.learning_rate=-1e-3", r"learning_rate of a phase must be above 0 .*, got -0\.001"),
    "rate text": (
        f"{MODEL}.mask.learning_rate=fast",
        r"model\.init_args\.mask\.learning_rate must be a number, got fast",
    ),
    "rates of nothing": (
        f"{MODEL}.mask.learning_rates={{'*.sigma': 1e-3}}",
        r"learning_rates of a phase must name parameters that it trains, got '\*\.sigma': ",
    ),
    "rates nan": (f"{MODEL}.mask.learning_rates={{'*': .nan}}", r"learning_rates.* must be .*, got nan"),
    "warmup 1.5": (f"{MODEL}.dense.warmup=1.5", r"warmup of a phase must be a share below 1 or .*, got 1\.5: "),
    "warmup inf": (f"{MODEL}.dense.warmup=.inf", r"warmup of a phase must be a share below 1 or .*, got inf: "),
    "weight_decay nan": (
        f"{MODEL}.dense.weight_decay=.nan",
        r"weight_decay of a phase must be from 0 to .*, got nan",
    ),
    "steps -1": (f"{MODEL}.dense.steps=-1", r"length of a phase must be as 3 epochs or 600 steps, got '-1 steps': "),
    "weight_decay 1e30": (
        f"{MODEL}.mask.weight_decay=1e30",
        r"weight_decay of a phase .*, got 1e\+30",
    ),
    "steps 1e30": (f"{MODEL}.mask.length=1e30 steps", r"steps of a phase must be from 0 to 1,000,000,000, got 1000"),
    "momentum of the last phase": (
        f"{MODEL}.mask.optimizer={{class_path: torch.optim.SGD, init_args: {{momentum: -3}}}}",
        r"optimizer of phase 'mask' must train dense tensors with its arguments, got Invalid momentum",
    ),
    "optimizer of sparse gradients": (
        f"{MODEL}.mask.optimizer=torch.optim.SparseAdam",
        r"optimizer of phase 'mask' must train dense tensors .*, got SparseAdam",
    ),
    "two lengths": (f"{MODEL}.dense={{steps: 20, epochs: 1}}", r"must have one length, got epochs=1\.0, steps=20 and"),
    "length": (f"{MODEL}.dense.length=many", r"length of a phase must be as 3 epochs or 600 steps, got 'many': "),
    "last phase without steps": (f"{MODEL}.mask.steps=0", r"length of the phase 'mask' must be above 0 steps, got 0: "),
    "decay_over inf": (
        f"{MODEL}.dense.decay_over=.inf",
        r"over of LinearDecay must be above 0 and finite, got inf: ",
    ),
    "select_after 2": (f"{MODEL}.mask.select_after=2", r"share of After must be from 0 to 1, got 2\.0: "),
    "phase is a number": (f"{MODEL}.mask=3", r"model\.init_args\.mask must be a mapping.*, got 3: "),
    # the paradigm
    "targets none": (f"{MODEL}.targets=[]", r"targets must name one target or more, got \[\]: choose from .*query"),
    "targets unknown": (f"{MODEL}.targets=[keys]", r"unknown targets \['keys'\] of bert: choose from .*query"),
    "targets no list": (f"{MODEL}.targets=query", r"model\.init_args\.targets must be a list, got query: "),
    "scope unknown": (f"{MODEL}.scope=glocal", r"unknown scope 'glocal'.*local.*global"),
    "sparsity 1": (f"{MODEL}.schedule.init_args.final=1", r"sparsity must be .* below 1, got 1\.0"),
    "sparsity nan": (f"{MODEL}.schedule.init_args.final=.nan", r"sparsity must be .* below 1, got nan"),
    "sparsity text": (
        f"{MODEL}.schedule.init_args.final=much",
        r"model\.init_args\.schedule\.init_args\.final must be a n",
    ),
    "refresh_every 0": (f"{MODEL}.refresh_every=0", r"refresh_every must be 1 or more optimizer steps, got 0: "),
    "start_from nothing": (f"{MODEL}.start_from=/no/run", r"start_from.*'/no/run'"),
    "unknown argument of a paradigm": (
        f"{MODEL}.refresh_evry=1",
        r"unknown key model\.init_args\.refresh_evry: did you mean model\.init_args\.refresh_every\?",
    ),
    "abbreviated argument": (
        f"{MODEL}.mask.learning_rat=1",
        r"unknown key .*learning_rat: choose from .*learning_rates",
    ),
    "abbreviated argument of one meaning": (
        f"{MODEL}.dense.weight=0",
        r"unknown key .*dense\.weight: did you mean .*dense\.weight_decay\?",
    ),
    "unknown argument of a phase": (f"{MODEL}.dense.zzz=0", r"unknown key model\.init_args\.dense\.zzz: "),
    "paradigm unknown": ("--model=lit_prune.Nothing", r"model must be a class path .*, got lit_prune\.Nothing: "),
    "paradigm of another kind": (
        "--model=lit_prune.losses.CrossEntropy",
        r"model must be the class path of a Paradigm, got",
    ),
    "loss unknown": (
        f"{MODEL}.loss=lit_prune.losses.No",
        r"model\.init_args\.loss must be a class path .*losses\.No: ",
    ),
    "loss that is a function": (
        f"{MODEL}.loss=os.system",
        r"model\.init_args\.loss must be .* a Loss, got os\.system: ",
    ),
    "loss number": (f"{MODEL}.loss=3", r"model\.init_args\.loss must be a class path .*, got 3: "),
    "loss of another task": (
        f"{MODEL}.loss=lit_prune.losses.MeanSquaredError",
        r"loss of phase 'mask' must fit task 'nli', got MeanSquaredError: ",
    ),
    # the encoder
    "backbone unknown": ("--encoder.backbone=/no/model", r"encoder\.backbone must .*, got '/no/model'"),
    "pretrained word": ("--encoder.pretrained=maybe", r"encoder\.pretrained must be true or false, got maybe: "),
    "encoder.config number": ("--encoder.config=3", r"encoder\.config must be a mapping, got 3: "),
    "encoder.config unknown": (
        "--encoder.config={hidden_sizes: 3}",
        r"unknown keys \['hidden_sizes'\] of encoder\.config",
    ),
    "flash attention where there is none": (
        "--encoder.config={_attn_implementation: flash_attention_2}",
        r"encoder\..*[Ff]lash",
    ),
    # seeds, names, places
    "rows_seed -1": ("--data.rows_seed=-1", r"data\.rows_seed must be an integer .*, got -1: "),
    "perturbation's seed -1": (
        "--data.perturbation={share: 0.5, seed: -1}",
        r"data\.perturbation\.seed must be an integer .*, got -1: ",
    ),
    "averaged weights": (
        lightning("StochasticWeightAveraging", "swa_lrs: 0.1"),
        r"trainer\.callbacks must leave weights and phases to the run, got StochasticWeightAveraging: remove it",
    ),
    "pruning by Lightning": (
        lightning("ModelPruning", "pruning_fn: l1_unstructured"),
        r"trainer\.callbacks must leave weights and phases to the run, got ModelPruning: remove it",
    ),
    "a callback's mode": (
        lightning("EarlyStopping", "monitor: selection, mode: up"),
        r".*mode.*up",
    ),
    "a remote root": (
        "--trainer.default_root_dir=s3://x/y",
        r"trainer\.default_root_dir must be a local folder, got 's3://x/y'",
    ),
    "seed -1": ("--seed_everything=-1", r"seed_everything must be an integer .*, got -1: "),
    "seed 1e20": ("--seed_everything=1e20", r"seed_everything must be .*an integer, got 1e\+20: "),
    "seed of 20 digits": (
        "--seed_everything=10000000000000000000",
        r"seed_everything must be an integer .*, got 1000000",
    ),
    "seed false": ("--seed_everything=false", r"seed_everything must be an integer .*, got False: "),
    "seed true": ("--seed_everything=true", r"seed_everything must be an integer .*, got True: "),
    "seed text": ("--seed_everything=one", r"seed_everything must be .*an integer, got one: "),
    "experiment of 300 letters": (
        f"--experiment={'x' * 300}",
        r"experiment must have names of at most 200 bytes, got .*: ",
    ),
    "experiment outside": (
        "--experiment=../../x",
        r"experiment must be folder names separated by /, got '\.\./\.\./x': ",
    ),
    "experiment absolute": ("--experiment=/tmp/x", r"experiment must be folder names .*, got '/tmp/x': "),
    "experiment empty": ("--experiment=", r"experiment must be folder names .*, got '': "),
    "experiment of a line break": ("--experiment=a\nb", r"experiment must be folder names .*, got 'a\\nb': "),
    "experiment in a run": (
        "--experiment=run/version_0/checkpoints",
        r"experiment must not contain the name of a run, got 'version_0': ",
    ),
    "axes number": ("--axes=3", r"axes must be a mapping, got 3: "),
    # keys
    "unknown key": ("--nothing=1", r"unknown key nothing: "),
    "misspelt key": ("--data.batchsize=3", r"unknown key data\.batchsize: did you mean data\.batch_size\?"),
    "abbreviated key": ("--trainer.gradient_clip=1", r"unknown key trainer\.gradient_clip: choose from trainer\.grad"),
    "abbreviated key of one meaning": ("--see=3", r"unknown key see: did you mean seed_everything\?"),
    "a word": ("word", r"unknown key word: "),
    "key without a value": ("--encoder.backbone", r"encoder\.backbone must have one value, got none: "),
    "--ckpt_path": ("--ckpt_path=last", r"--ckpt_path.*--resume RUN"),
    "--resume of nothing": ("--resume=/no/run", r"--resume must be .*, got /no/run"),
    # the trainer
    "val_check_interval 0": (
        "--trainer.val_check_interval=0",
        r"trainer\.val_check_interval must be a positive .*, got 0: ",
    ),
    "val_check_interval 2.5": (
        "--trainer.val_check_interval=2.5",
        r"trainer\.val_check_interval must be .*, got 2\.5: ",
    ),
    "val_check_interval of time": (
        "--trainer.val_check_interval=00:00:01:00",
        r"trainer\.val_check_interval must be .*, got",
    ),
    "check_val_every_n_epoch": (
        "--trainer.check_val_every_n_epoch=1",
        r"trainer\.check_val_every_n_epoch must be null, got 1",
    ),
    "accumulate_grad_batches 0": (
        "--trainer.accumulate_grad_batches=0",
        r"trainer\.accumulate_grad_batches must be .*, got 0",
    ),
    "accumulate_grad_batches text": (
        "--trainer.accumulate_grad_batches=x",
        r"trainer\.accumulate_grad_batches must be an int",
    ),
    "log_every_n_steps 0": ("--trainer.log_every_n_steps=0", r"trainer\.log_every_n_steps must be .*, got 0: "),
    "devices -1": ("--trainer.devices=-1", r"trainer\.devices must be .*, got '?-1'?: "),
    "devices 0": ("--trainer.devices=0", r"trainer\.devices must be .*, got '?0'?: "),
    "devices 3, a batch of 32": ("--trainer.devices=3", r"batch_size of task 'nli' must be a multiple of 3, got 32: "),
    "devices mapping": ("--trainer.devices={a: 1}", r"trainer\.devices must be .*, got .*a: 1"),
    "num_nodes 0": ("--trainer.num_nodes=0", r"trainer\.num_nodes must be .*, got 0: "),
    "accelerator tpu": ("--trainer.accelerator=tpu", r"trainer\.accelerator must be .*, got 'tpu': "),
    "accelerator unknown": ("--trainer.accelerator=abacus", r"trainer\.accelerator must be .*, got 'abacus': "),
    "strategy unknown": ("--trainer.strategy=swarm", r"trainer\.strategy must be .*, got 'swarm': "),
    "strategy fsdp": ("--trainer.strategy=fsdp", r"trainer\.strategy must be .*, got 'fsdp': "),
    "strategy deepspeed": ("--trainer.strategy=deepspeed", r"trainer\.strategy must be .*, got 'deepspeed': "),
    "strategy ddp_spawn": ("--trainer.strategy=ddp_spawn", r"trainer\.strategy must be .*, got 'ddp_spawn': "),
    "precision 8": ("--trainer.precision=8", r"trainer\.precision must be .*, got '?8'?: "),
    "precision 64": ("--trainer.precision=64-true", r"trainer\.precision must be 32-true, .*, got '64-true': "),
    "precision of halves": (
        "--trainer.precision=bf16-true",
        r"trainer\.precision must be 32-true, .*, got 'bf16-true': ",
    ),
    "barebones": ("--trainer.barebones=true", r"trainer\.barebones must be false, got True: "),
    "fast_dev_run": ("--trainer.fast_dev_run=true", r"trainer\.fast_dev_run must be false, got True: "),
    "overfit_batches": ("--trainer.overfit_batches=2", r"trainer\.overfit_batches must be 0, got 2: .*data\.num_train"),
    "limit_train_batches": (
        "--trainer.limit_train_batches=2",
        r"trainer\.limit_train_batches must be null, got 2(\.0)?: ",
    ),
    "limit_val_batches": ("--trainer.limit_val_batches=0.5", r"trainer\.limit_val_batches must be null, got 0\.5: "),
    "limit_test_batches": (
        "--trainer.limit_test_batches=1",
        r"trainer\.limit_test_batches must be null, got 1(\.0)?: ",
    ),
    "min_steps beyond the plan": ("--trainer.min_steps=1000", r"trainer\.min_steps must be null, got 1000: "),
    "min_epochs": ("--trainer.min_epochs=3", r"trainer\.min_epochs must be null, got 3: "),
    "max_epochs": ("--trainer.max_epochs=3", r"trainer\.max_epochs must be -1, got 3: "),
    "max_steps 0": ("--trainer.max_steps=0", r"trainer\.max_steps must be .*, got 0: "),
    "max_steps before the last phase": (
        "--trainer.max_steps=5",
        r"trainer\.max_steps must be above .*'mask' begins, got 5",
    ),
    "max_time of another unit": (
        "--trainer.max_time={foo: 1}",
        r"trainer\.max_time must be a duration .*seconds, got \{'foo': 1\}: ",
    ),
    "max_time word": ("--trainer.max_time=soon", r"trainer\.max_time must be a duration .*, got 'soon': "),
    "num_sanity_val_steps": ("--trainer.num_sanity_val_steps=2", r"trainer\.num_sanity_val_steps must be .*, got 2: "),
    "enable_checkpointing": (
        "--trainer.enable_checkpointing=false",
        r"trainer\.enable_checkpointing must be true, got False",
    ),
    "gradient_clip_val -1": (
        "--trainer.gradient_clip_val=-1",
        r"trainer\.gradient_clip_val must be .*, got -1(\.0)?: ",
    ),
    "gradient_clip_val nan": ("--trainer.gradient_clip_val=.nan", r"trainer\.gradient_clip_val must be .*, got nan: "),
    "gradient_clip_algorithm": (
        "--trainer.gradient_clip_algorithm=cut",
        r"trainer\.gradient_clip_algorithm must be .*'cut'",
    ),
    "use_distributed_sampler": (
        "--trainer.use_distributed_sampler=true",
        r"trainer\.use_distributed_sampler must be false",
    ),
    "sync_batchnorm": ("--trainer.sync_batchnorm=true", r"trainer\.sync_batchnorm must be false, got True: "),
    "reload_dataloaders": (
        "--trainer.reload_dataloaders_every_n_epochs=1",
        r"trainer\.reload_dataloaders_.* must be 0, got 1",
    ),
    "profiler unknown": ("--trainer.profiler=spy", r"trainer\.profiler must be .*, got 'spy': "),
    "model_registry": ("--trainer.model_registry=x", r"trainer\.model_registry must be null, got 'x': "),
    "logger unknown": ("--trainer.logger=foo.Bar", r"trainer\.logger must be a class path .*, got foo\.Bar: "),
    "plugins unknown": ("--trainer.plugins=foo.Bar", r"trainer\.plugins must be .*, got foo\.Bar: "),
    "plugin that writes checkpoints": (
        "--trainer.plugins=lightning.pytorch.plugins.AsyncCheckpointIO",
        r"trainer\.plugins must be plugins of other kinds than checkpoint IO, got .*AsyncCheckpointIO",
    ),
    "monitor of a value that nothing logs": (
        "--trainer.callbacks=[{class_path: lightning.pytorch.callbacks.EarlyStopping, init_args: {monitor: val_loss}}]",
        r"unknown monitor 'val_loss' of EarlyStopping: choose from selection, train/loss, nli/validation/accuracy",
    ),
    "callback unknown": (
        "--trainer.callbacks=[lit_prune.callbacks.End]",
        r"trainer\.callbacks must be a class path .*End",
    ),
    "callback with a wrong argument": (
        "--trainer.callbacks=[{class_path: lit_prune.callbacks.EndPhase, init_args: {patience: x}}]",
        r"trainer\.callbacks.*patience must be an integer.*, got x: ",
    ),
    "EndPhase of no phase": (
        "--trainer.callbacks=[{class_path: lit_prune.callbacks.EndPhase, init_args: {phase: prune}}]",
        r"unknown phase 'prune' of EndPhase.*dense",
    ),
    "ImpRounds elsewhere": (
        "--trainer.callbacks=[{class_path: lit_prune.callbacks.ImpRounds, init_args: {final: 0.5, num_rounds: 1}}]",
        r"model must be .* for ImpRounds, got PruneAfterFinetune",
    ),
}

# The content of a file that --config names -> the one line.
REFUSED_FILES = {
    "binary": (bytes(range(256)), r"--config must be yaml of plain values in UTF-8, got .*: "),
    "null bytes": (b"\0\0\0", r"--config must be yaml of plain values in UTF-8, got .*: "),
    "an object of Python": (
        b'data: !!python/object/apply:os.system ["touch hacked"]',
        r"--config must be yaml of plain .*python",
    ),
    "no end": (b"data: &a\n  root: *a\n", r"--config must be yaml .*: its aliases expand to too many nodes"),
    "no end further down": (
        b"axes:\n  a: &a [1, {b: *a}]\n",
        r"--config must be yaml .*: its aliases expand to too many nodes",
    ),
    "aliases of aliases": (
        b"".join(b"x%d: &x%d [%s]\n" % (n, n, b", ".join([b"*x%d" % (n - 1) if n else b"1"] * 9)) for n in range(9)),
        r"--config must be yaml .*: its aliases expand to too many nodes",
    ),
    "a bracket that is open": (b"data:\n  root: [1\nfoo: }\n", r"--config must be yaml of plain values .*line 2"),
    "a tab": (b"data:\n\troot: x\n", r"--config must be yaml of plain values .*line 2"),
    "a list": (b"[1, 2]", r"--config must contain a mapping, got \[1, 2\] in .*: "),
    "a word": (b"hello", r"--config must contain a mapping, got 'hello' in .*: "),
    "an unknown key": (b"dta:\n  root: x\n", r"unknown key dta\.root: did you mean data\.root\?"),
    "an unknown key of the trainer": (
        b"trainer:\n  max_step: 3\n",
        r"unknown key trainer\.max_step: did you mean trainer\.max_steps\?",
    ),
    "a wrong value": (b"data:\n  batch_size: [4]\n", r"data\.batch_size must be an integer, got \[4\]: "),
    "unquoted no": (b"experiment: no\n", r"experiment must be text, got (no|False): "),
    "a seed below 0": (b"seed_everything: -1\n", r"seed_everything must be an integer .*, got -1: "),
}

# Whole command lines -> the one line.
REFUSED_COMMANDS = {
    "no arguments": (("fit",), r"data\.tasks, model must be set: "),
    "no file": (("fit", "--config=/no/such.yaml"), r"--config must be an existing file, got /no/such\.yaml: "),
    "a folder as a file": (("fit", "--config", "/"), r"--config must be an existing file, got /: "),
    "--config alone": (("fit", "--config"), r"config must have one value, got none: "),
    "unknown command": (("fitt",), r"unknown command 'fitt': did you mean fit\? Choose from fit, prune"),
    "a command like no other": (("qqq",), r"unknown command 'qqq': choose from fit, prune"),
    "prepare": (("prepare", "--nothing"), r"unknown key nothing: "),
    "test without files": (("test", "run"), r"files must be set: "),
    "test of a name": (("test", "run", "--files", "a"), r"--files must be NAME=PATH.*got 'a'"),
    "test of a batch": (
        ("test", "run", "--files", "a=b", "--batch_size", "x"),
        r"batch_size must be an integer, got x: ",
    ),
    "test of columns": (("test", "run", "--files", "a=b", "--columns", "3"), r"columns must be a mapping, got 3: "),
    "predict without out": (("predict", "run"), r"out must be set: "),
    "predict file and split": (("predict", "run", "--out=x.csv", "--file=a", "--split=b"), r"either --file or --split"),
    "predict on a device": (
        ("predict", "run", "--out=x.csv", "--split=id", "--device=abacus"),
        r"unknown device 'abacus'",
    ),
    "predict in batches of 0": (
        ("predict", "run", "--out=x.csv", "--split=id", "--batch_size=0"),
        r"batch_size must be positive, got 0",
    ),
    "predict into another kind": (("predict", "run", "--out=x.doc", "--split=id"), r"x\.doc.*\.parquet"),
    "predict misspelt": (("predict", "run", "--out=x.csv", "--filee=z"), r"unknown key filee: did you mean file\?"),
    "export in no format": (("export", "run", "--format=foo", "--out=x"), r"unknown --format 'foo': choose from dense"),
    "export in no type": (
        ("export", "run", "--format=dense", "--dtype=int4", "--out=x"),
        r"unknown --dtype 'int4': .*float16",
    ),
    "export of nothing": (("export", "/no/run", "--format=dense", "--out=x"), r"/no/run"),
    "compare of nothing": (("compare", "/no/run"), r"/no/run"),
    "study of nothing": (("study", "/no.yaml"), r"/no\.yaml"),
    "report of nothing": (("report", "/no"), r"the folder of a report must exist, got /no"),
    "report towards no end": (("report", "/", "--pareto={a: up}"), r"pareto must be one of 'max', 'min', got up: "),
    "stability of too many": (
        ("stability", "--config=c.yaml", "--seeds=1..1000000000"),
        r"--seeds must be at most 10,000, got",
    ),
    "stability of far too many": (
        ("stability", "--config=c.yaml", f"--seeds=1..1{'0' * 40}"),
        r"--seeds must be at most 10,000",
    ),
    "stability of no seeds": (("stability", "--config=c.yaml", "--seeds=5..1"), r"--seeds must ascend, got 5\.\.1"),
    "stability of a word": (
        ("stability", "--config=c.yaml", "--seeds=x"),
        r"--seeds must be a range or a list, got 'x'",
    ),
    "stability of a seed below 0": (
        ("stability", "--config=c.yaml", "--seeds=-3..2"),
        r"--seeds must be from 0 to .*, got -3: ",
    ),
    "stability of all rows left out": (("stability", "--config=c.yaml", "--perturb=2"), r"share .*2\.0"),
    "stability of a share in letters": (
        ("stability", "--config=c.yaml", "--perturb=x"),
        r"perturb must be a number, got 'x': ",
    ),
    "stability that varies what": (("stability", "--config=c.yaml", "--vary=x"), r"vary must be one of .*, got 'x': "),
    "stability without a configuration": (("stability",), r"--config must be set, got none"),
    "pointwise alone": (("stability", "pointwise", "run"), r"parts must be set: lit_prune stability --help"),
    "pointwise in batches": (
        ("stability", "pointwise", "run", "part", "--batch_size", "z"),
        r"batch_size must be an integer, got '?z'?: ",
    ),
    "pointwise misspelt": (("stability", "pointwise", "run", "part", "--foo"), r"unknown key foo: "),
    "pointwise by a prefix": (
        ("stability", "pointwise", "run", "part", "--batch", "8"),
        r"unknown key batch: did you mean batch_size\?",
    ),
    "stability misspelt": (("stability", "--config=c.yaml", "--seed=1..3"), r"unknown key seed: did you mean seeds\?"),
    "bench by a prefix": (("bench", "step", "--layer=2"), r"unknown key layer: did you mean layers\?"),
    "bench misspelt": (("bench", "stp"), r"unknown command 'stp': did you mean step\? Choose from inference"),
    "bench of nothing": (("bench",), r"a command must be given, got none: choose from inference"),
    "bench of a word": (("bench", "foo"), r"unknown command 'foo': choose from inference"),
    "bench of no rounds": (("bench", "step", "--repeats=0"), r"repeats must be positive, got 0"),
    "bench of layers in letters": (("bench", "step", "--layers=x"), r"layers must be an integer, got x: "),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to start commands in, in which all of them would write."""
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def begin(small, place):
    """The command line that fits a small experiment in `place`, to which arguments may be added."""
    configs = [each for name in small("configs/srnet_poe.yaml") for each in ("--config", name)]
    return ["fit", *configs, "--trainer.enable_progress_bar=false"]


def refused(arguments, message, place, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    last = error.strip().splitlines()[-1]
    assert "Traceback" not in error
    assert re.match("lit_prune: error: .*" + message, last), error
    assert len(last) < 500
    assert not os.listdir(place)


@pytest.mark.parametrize("kind", REFUSED_SETTINGS)
def test_a_setting_is_refused_in_one_line_and_nothing_is_written(kind, begin, place, capsys):
    argument, message = REFUSED_SETTINGS[kind]
    refused([*begin, argument], message, place, capsys)


@pytest.mark.parametrize("kind", REFUSED_FILES)
def test_a_yaml_is_refused_in_one_line_and_nothing_is_written(kind, begin, place, tmp_path, capsys):
    content, message = REFUSED_FILES[kind]
    (tmp_path / "it.yaml").write_bytes(content)
    refused([*begin, f"--config={tmp_path / 'it.yaml'}"], message, place, capsys)


@pytest.mark.parametrize("kind", REFUSED_COMMANDS)
def test_a_command_is_refused_in_one_line_and_nothing_is_written(kind, place, tmp_path, capsys):
    arguments, message = REFUSED_COMMANDS[kind]
    (tmp_path / "c.yaml").write_text("experiment: x\n")
    arguments = [each.replace("c.yaml", str(tmp_path / "c.yaml")) for each in arguments]
    refused(arguments, message, place, capsys)


def test_the_table_has_enough_kinds():
    assert len(REFUSED_SETTINGS) + len(REFUSED_FILES) + len(REFUSED_COMMANDS) + len(HONOURED) >= 120


# ---- honoured ----------------------------------------------------------------------------------------------------

SEEN: dict[str, object] = {}


class Watch(Callback):
    """Notes in `SEEN` what a run does."""

    def on_train_start(self, trainer, module):
        SEEN["deterministic"] = torch.are_deterministic_algorithms_enabled()
        SEEN["benchmark"] = torch.backends.cudnn.benchmark
        SEEN["anomaly"] = torch.is_anomaly_enabled()
        SEEN["threads"] = trainer.num_devices
        SEEN["profiler"] = type(trainer.profiler).__name__
        SEEN["loggers"] = len(trainer.loggers)
        SEEN["workers"] = trainer.train_dataloader.num_workers
        SEEN["evaluations"] = 0
        SEEN["batches"] = 0

    def on_train_batch_end(self, trainer, module, *_):
        SEEN["batches"] += 1
        SEEN["rate"] = trainer.optimizers[0].param_groups[0]["initial_lr"]

        SEEN["gradient"] = max(float(each.grad.abs().max()) for each in module.parameters() if each.grad is not None)

    def on_validation_start(self, trainer, module):
        SEEN["inference"] = torch.is_inference_mode_enabled()

    def on_validation_end(self, trainer, module):
        SEEN["evaluations"] += 1
        SEEN["steps"] = trainer.global_step


def of(name):
    return lambda run: SEEN[name]


def recorded(name):
    return lambda run: json.loads((run / "metrics.json").read_text())[name]


# What follows `lit_prune fit` of four dense steps -> an observable, and the value that the setting gives it.
HONOURED = {
    "val_check_interval 1": ("--trainer.val_check_interval=1", of("evaluations"), 4),
    "val_check_interval beyond the run": ("--trainer.val_check_interval=1000", of("evaluations"), 1),
    "max_steps": ("--trainer.max_steps=3", recorded("steps"), 3),
    "accumulate_grad_batches": ("--trainer.accumulate_grad_batches=2", of("batches"), 8),
    "gradient_clip_val": ("--trainer.gradient_clip_val=1e-6", lambda run: SEEN["gradient"] <= 1e-6, True),
    "gradient_clip_val 0": ("--trainer.gradient_clip_val=0", lambda run: SEEN["gradient"] > 1e-6, True),
    "deterministic": ("--trainer.deterministic=true", of("deterministic"), True),
    "benchmark": ("--trainer.benchmark=true", of("benchmark"), True),
    "inference_mode": ("--trainer.inference_mode=false", of("inference"), False),
    "detect_anomaly": ("--trainer.detect_anomaly=true", of("anomaly"), True),
    "profiler": ("--trainer.profiler=simple", of("profiler"), "SimpleProfiler"),
    "logger false": ("--trainer.logger=false", of("loggers"), 0),
    "num_workers": ("--data.num_workers=1", of("workers"), 1),
    "learning rate": (f"{MODEL}.dense.learning_rate=1e-5", of("rate"), 1e-5),
    "a rate by name": (f"{MODEL}.dense.learning_rates={{'heads.*': 0.5}}", of("rate"), 0.5),
    "seed": ("--seed_everything=4294967295", recorded("seed"), 4294967295),
    "experiment of several parts": ("--experiment=mask/loss=poe/seed=2", lambda run: run.parts[-3], "loss=poe"),
    "max_time": ("--trainer.max_time=00:01:00:00", recorded("steps"), 4),
    "max_time by units": ("--trainer.max_time={hours: 1}", recorded("steps"), 4),
    "plugin of another kind": (
        "--trainer.plugins=[lightning.pytorch.plugins.environments.LightningEnvironment]",
        lambda run: json.loads((run / "run.json").read_text())["status"],
        "completed",
    ),
}


@pytest.mark.parametrize("kind", HONOURED)
def test_a_setting_is_honoured(kind, small, place, monkeypatch):
    monkeypatch.setitem(sys.modules, "command_lines", sys.modules[__name__])
    argument, observable, value = HONOURED[kind]
    configs = [each for name in small("configs/dense.yaml") for each in ("--config", name)]
    brief = [f"{MODEL}.dense.steps=4", "--trainer.val_check_interval=2", "--trainer.enable_progress_bar=false"]
    watch = "--trainer.callbacks+=command_lines.Watch"
    states = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    try:
        assert main(["fit", *configs, *brief, watch, argument]) == 0
    finally:
        torch.use_deterministic_algorithms(states[0])
        torch.backends.cudnn.benchmark = states[1]
    (metrics,) = place.rglob("metrics.json")
    assert observable(metrics.parent) == value


@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/cases is not there")
def test_a_metric_that_is_undefined_on_the_set_that_selects_is_an_error_before_training(small, place, capsys):
    columns = "columns: {text_a: text, label: label}"
    train = f"train: {{paths: [yes_no.csv], {columns}, labels: {{'yes': positive, 'no': negative}}}}"
    own = f"id: {{paths: [one_class_id.csv], {columns}, labels: {{'0': negative, '1': positive}}}}"
    source = f"{{class_path: lit_prune.data.Files, init_args: {{splits: {{{train}, {own}}}}}}}"
    names = "name: own, labels: [negative, positive], positive: positive, merge: null, bias: null, selection: auroc"
    task = f"--data.tasks=[{{class_path: lit_prune.data.Task, init_args: {{{names}, source: {source}}}}}]"
    configs = [each for name in small("configs/dense.yaml") for each in ("--config", name)]
    arguments = ["fit", *configs, task, f"--data.root={CASES}", "--data.validation_fraction=0"]
    refused(
        arguments, r"selection of task 'own' must be a metric that is defined on own/id .*got 'auroc': ", place, capsys
    )
