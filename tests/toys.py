"""Runs made tiny, for shipped studies and for the pages of the docs: fewer rows, shorter phases, a tiny encoder."""

import json
import random
from copy import deepcopy

import yaml

from lit_prune.data.sources import Row, Source
from lit_prune.studies.plan import Run

PHASES = ("dense", "mask", "rounds", "ticket", "prune", "search", "tune")
SIZES = {"train": 48, "ood_train": 8}
GENERATED = {"num_train": 48, "num_eval": 16, "num_ood_train": 8}
MOST = {"batch_size": 8, "max_length": 32, "num_train": 32}
USUAL_FRACTIONS = (0.0, 0.05)  # of papers, which select on published sets; the default


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
            if self.kind == "TokenTask":  # six letters, and spaces between
                tags = [f"B-{labels[number % len(labels)]}", *["O"] * 5]
                row |= {"label": "", "words": [[place, place + 1] for place in range(0, 11, 2)], "tags": tags}
            if self.kind == "MultiLabelTask":
                row |= {"label": "", "labels": [row["label"]]}
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
    """A resolved configuration with a tiny encoder, and rows of letters in the place of files and those of the hub."""
    config = shrink_page(config, is_real=False)
    config["encoder"]["backbone"] = str(backbone)
    return config


def shrink_page(config, is_real=True):
    """A resolved configuration with few rows and two steps a phase, but for that of dense models.

    Its other settings stay: rates, schedules, and what is below the toy size. Rows of files are read, unless the folder
    of data sets is a placeholder, as `FOLDER`.

    Args:
        config: The configuration, which is not changed.
        is_real: True if rows are read from the files that it names.
    """
    config = deepcopy(config)
    data, trainer = config["data"], config["trainer"]
    only = data.get("only")
    is_real = is_real and not (data.get("root") or "").isupper()
    data["tasks"] = [_task(each, is_real) for each in data["tasks"] if not only or each["init_args"]["name"] in only]
    _lower(data, MOST)
    if data.get("validation_fraction") in (None, *USUAL_FRACTIONS):
        data["validation_fraction"] = 0.25  # enough rows for any metric to select by
    trainer |= {"val_check_interval": 120, "precision": "32-true", "accelerator": "cpu", "enable_progress_bar": False}
    paradigm = config["model"]["init_args"]
    phases = {name: paradigm[name] for name in PHASES if paradigm.get(name)}
    phases |= {name: phase["init_args"]["training"] for name, phase in (paradigm.get("phases") or {}).items()}
    for name, training in phases.items():
        training |= {"length": "2 steps", "epochs": None, "steps": None}
        for schedule in (training, (training.get("lr_schedule") or {}).get("init_args", {})):
            _lower(schedule, {"warmup": 1.0})  # shares stay
        if name == "dense":
            training |= {"length": "120 steps", "learning_rate": 1e-3}  # so that it can be a teacher
    method = paradigm.get("method", {}).get("init_args", {})
    if "every" in method:
        method["every"] = 1
    criterion = method.get("criterion", {}).get("init_args", {})
    if "num_batches" in criterion:
        criterion["num_batches"] = 2
    return config


def _task(named, is_real):
    """A task with few rows: generated ones are fewer; those of the hub, or of files that are not real, are letters."""
    said, kind = named["init_args"], named["class_path"].rpartition(".")[2]
    _lower(said, MOST)
    source = said["source"]
    own = source.get("init_args", {})
    _lower(own, GENERATED)
    if kind == "SpanTask":
        said["windows"] = {"max_length": 32, "stride": 8, "max_question_length": 8}
    is_generated = source["class_path"].startswith("lit_prune.data.Generated")
    if not (is_generated or (is_real and "Hub" not in source["class_path"])):
        said.pop("validation", None)
        is_number = kind in ("RegressionTask", "Similarity")
        labels = said.get("labels") or (["1.0", "4.0", "2.5"] if is_number else ["1", "2"])
        merged = sorted({said.get("merge", {}).get(label, label) for label in labels})
        read = own.get("source", source).get("init_args", {})
        names = [*read.get("splits", ("train", "id")), *(["ood_conflicting"] if "source" in own else [])]
        splits = {name: merged if name.startswith("ood") else labels for name in names}
        said["source"] = {"class_path": "toys.Few", "init_args": {"kind": kind, "splits": splits}}
    return named


def _lower(settings, most):
    """Lower those of the settings that are above the given numbers."""
    for name, number in most.items():
        if settings.get(name) is not None:
            settings[name] = min(settings[name], number)
