"""Runs of shipped studies made tiny: everything as it is but the encoder, the rows and the steps."""

import json
import random
from copy import deepcopy
from pathlib import Path

import yaml

from lit_prune.data.sources import Row, Source
from lit_prune.studies.plan import Run

PHASES = ("dense", "mask", "rounds", "ticket", "prune", "search", "tune")
SIZES = {"train": 48, "ood_train": 8}
GENERATED = {"num_train": 48, "num_eval": 16, "num_ood_train": 8}


class Few(Source):
    """A few rows of single letters, for a task whose own rows are files or on the hub.

    Args:
        kind: Class of the task.
        splits: Names of the splits, with the labels of their rows.
    """

    def __init__(self, kind: str, splits: dict[str, list[str]]) -> None:
        self.kind = kind
        self.splits = splits

    def available(self, root):
        return list(self.splits)

    def fingerprint(self, split, root):
        return {"kind": self.kind, "split": split, "labels": self.splits[split]}

    def rows(self, split, root):
        draw = random.Random(split)
        labels = self.splits[split]
        for number in range(SIZES.get(split, 16)):
            first, second = (" ".join(draw.choices("abcdefghij", k=6)) for _ in range(2))
            row = Row(id=f"{split}-{number}", text_a=first, text_b=second, label=labels[number % len(labels)], group="")
            if self.kind == "SpanTask":
                row |= {"label": "", "answers": [second[:3]], "starts": [0]}
            if self.kind == "ChoiceTask":
                row["text_b"] = f"{second}\n{second[::-1]}"
            if self.kind == "MentionTask":
                row["mentions"] = [[0, 1], [4, 5]]
            yield row


def make_toys(plan, resolve, backbone, folder):
    """The runs of a plan as runs of a file each, which says what they said but tiny."""
    toys = []
    for number, run in enumerate(plan):
        path = folder / f"{number}.yaml"
        path.write_text(yaml.safe_dump(shrink(resolve(run.arguments), backbone)))
        arguments = (f"--config={path}", f"--axes={json.dumps(dict(run.axes))}")
        toys.append(Run(run.name, run.kind, run.axes, arguments, run.ancestor))
    return toys


def shrink(config, backbone):
    """A resolved configuration with a tiny encoder, few rows, and two steps a phase, but for that of dense models."""
    config = deepcopy(config)
    config["encoder"]["backbone"] = str(backbone)
    return shrink_page(config)


def shrink_page(config):
    """A resolved configuration as `shrink` makes it, but with its encoder, and rows of its files where they exist."""
    config = deepcopy(config)
    data, trainer = config["data"], config["trainer"]
    only = data.get("only")
    root = Path(data.get("root") or "")
    data["tasks"] = [_task(each, root) for each in data["tasks"] if not only or each["init_args"]["name"] in only]
    data |= {"batch_size": 8, "max_length": 32, "validation_fraction": 0.25}  # enough rows for any metric to select by
    data.pop("num_train", None)
    trainer |= {"val_check_interval": 120, "precision": "32-true", "accelerator": "cpu", "enable_progress_bar": False}
    paradigm = config["model"]["init_args"]
    phases = {name: paradigm[name] for name in PHASES if paradigm.get(name)}
    phases |= {name: phase["init_args"]["training"] for name, phase in (paradigm.get("phases") or {}).items()}
    for name, training in phases.items():
        training |= {"length": "2 steps", "warmup": 0.1, "lr_schedule": None}
        if name == "dense":
            training |= {"length": "120 steps", "learning_rate": 1e-3}  # so that it can be a teacher
    method = paradigm.get("method", {}).get("init_args", {})
    if "every" in method:
        method["every"] = 1
    criterion = method.get("criterion", {}).get("init_args", {})
    if "num_batches" in criterion:
        criterion["num_batches"] = 2
    return config


def _task(named, root):
    """A task with few rows: generated ones are fewer, others letters, but for those of files that exist."""
    said, kind = named["init_args"], named["class_path"].rpartition(".")[2]
    for name in ("validation", "max_length", "batch_size", "num_train"):
        said.pop(name, None)
    source = said["source"]
    own = source.get("init_args", {})
    own |= {name: min(own[name], size) for name, size in GENERATED.items() if name in own}
    if kind == "SpanTask":
        said["windows"] = {"max_length": 32, "stride": 8, "max_question_length": 8}
    if not source["class_path"].startswith("lit_prune.data.Generated") and not _exists(own, root):
        labels = said.get("labels") or {"Similarity": ["1.0", "4.0", "2.5"]}.get(kind, ["1", "2"])
        merged = sorted({said.get("merge", {}).get(label, label) for label in labels})
        splits = {name: merged if name.startswith("ood") else labels for name in own.get("splits", ("train", "id"))}
        said["source"] = {"class_path": "toys.Few", "init_args": {"kind": kind, "splits": splits}}
    return named


def _exists(source, root):
    """True if the first split of a source is read from files that exist."""
    splits = source.get("splits", {})
    first = next(iter(splits.values()), []) if isinstance(splits, dict) else []
    paths = first.get("paths", []) if isinstance(first, dict) else first
    return any((root / path).is_file() for path in paths)
