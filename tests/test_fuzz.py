"""Damaged files of runs and exports: each is found in one line, or changes nothing."""

import json
import random
import shutil
import signal
import struct
import sys
from math import nan

import pytest
import torch
import yaml

from lit_prune import load
from lit_prune.cli import main
from lit_prune.data import GeneratedNli
from lit_prune.errors import UserError
from lit_prune.export.tensor_files import load_tensors, save_tensors
from lit_prune.paradigms.paradigm import Paradigm

SECONDS = 20
NORMAL, ALL = range(60), range(60, 1060)
VALUES = [
    None,
    [],
    {},
    "",
    "x",
    -1,
    0,
    3,
    0.5,
    1e308,
    10**30,
    nan,
    True,
    [1, [2, {"a": None}]],
    {"class_path": "os.system"},
]
TEXTS = [
    "[" * 100_000,
    '{"a":' * 5000,
    "9" * 5000,
    '"\\ud800"',
    "\x00",
    "{",
    "null",
    "[]",
    "{}",
    "7",
    "&a [*a]",
    "!!python/object/apply:os.system [true]",
]
RUN_FILES = [
    "config.yaml",
    "run.json",
    "metrics.json",
    "predictions.parquet",
    "masks.safetensors",
    "checksums.json",
    "checkpoints/best.ckpt",
    "checkpoints/dense.ckpt",
]


RESUMED_FILES = [
    "run.json",
    "checksums.json",
    "dense_predictions.parquet",
    "checkpoints/last.ckpt",
    "checkpoints/last.ckpt",
    "checkpoints/dense.ckpt",
    "checkpoints/best.ckpt",
]


class StopError(Exception):
    """Ends a run."""


class HangsError(BaseException):
    """The command took too long; not an Exception, so that nothing takes it for an error of a file."""


@pytest.fixture
def limited():
    """Interrupts what takes longer than it may."""

    def stop(*_):
        raise HangsError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def rows(tmp_path_factory):
    """A labelled file."""
    path = tmp_path_factory.mktemp("rows") / "id.jsonl"
    generated = GeneratedNli(bias_rate=0.9, num_train=20, num_eval=10).rows("id", None)
    path.write_text("".join(json.dumps(row) + "\n" for row in generated))
    return path


@pytest.fixture(scope="session")
def interrupted_run(finished, tmp_path_factory):
    """The folder of a run of five steps as it stands after the fourth."""
    short = ("--model.init_args.dense.steps=2", "--model.init_args.mask.steps=3", "--trainer.val_check_interval=2")
    with pytest.MonkeyPatch.context() as patch:
        step = Paradigm.training_step

        def training_step(self, batch, batch_idx):
            if self.trainer.global_step == 4:
                raise StopError
            return step(self, batch, batch_idx)

        patch.setattr(Paradigm, "training_step", training_step)
        folders = []
        patch.setattr(Paradigm, "on_fit_start", lambda self: folders.append(self.folder))
        with pytest.raises(StopError):
            finished(*short, config="configs/srnet_poe.yaml", name="short")
    return folders[0]


@pytest.fixture(scope="session")
def whole_metrics(interrupted_run, tmp_path_factory):
    """What the interrupted run ends with."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(interrupted_run, folder)
    return resumed(folder, None, None, None)[1]


@pytest.fixture(scope="session")
def exports(plain_run, tmp_path_factory):
    """A folder with exports of a run in several formats."""
    folder = tmp_path_factory.mktemp("exports")
    for form in ("dense", "packed", "masks"):
        assert main(["export", str(plain_run), "--format", form, "--out", str(folder / form)]) == 0
    return folder


@pytest.fixture(scope="session")
def study_of_two(plain_run, tmp_path_factory):
    """A folder of two runs that a report is made of."""
    folder = tmp_path_factory.mktemp("two") / "study"
    for name in ("a", "b"):
        shutil.copytree(plain_run, folder / name, ignore=shutil.ignore_patterns("checkpoints"))
    entries = [
        {"name": n, "folder": n, "axes": {"run": n, "seed": 1}, "status": "completed", "error": None} for n in "ab"
    ]
    (folder / "runs.json").write_text(json.dumps(entries))
    settings = {"reference": {"run": "a"}, "metrics": ["nli/ood/accuracy"], "over": "seed"}
    (folder / "study.yaml").write_text(yaml.safe_dump({"title": "two", "report": settings}))
    return folder


def places(tree, at=()):
    """Every place in a tree of lists and mappings."""
    yield at
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, each in items:
        yield from places(each, (*at, key))


def swapped(tree, chance):
    """The tree with another value at one place, or without it."""
    *above, last = chance.choice([at for at in places(tree) if at] or [("",)])
    holder = tree
    for key in above:
        holder = holder[key]
    if chance.random() < 0.3:
        del holder[last]
    else:
        holder[last] = chance.choice(VALUES)
    return tree


def rewritten(path, chance):
    """Write a checkpoint anew with another content: a key less, a value of another type, a tensor of another shape."""
    checkpoint = torch.load(path, weights_only=True)
    tensors = checkpoint["state_dict"]
    holder = chance.choice([checkpoint, checkpoint["lit_prune"], checkpoint["lit_prune"], tensors, tensors])
    name = chance.choice(list(holder))
    if holder is tensors and chance.random() < 0.5:
        shapes = [torch.zeros(3), torch.zeros(1).expand(10**9), tensors[name][None], tensors[name].flatten()[:0]]
        tensors[name] = chance.choice(shapes)
    elif chance.random() < 0.4:
        del holder[name]
    else:
        holder[name] = chance.choice([*VALUES, torch.ones(2)])
    torch.save(checkpoint, path)


def signed(path, chance):
    """Write the tensors of an export anew under another header, with a checksum that is right."""
    tensors, metadata = load_tensors(path)
    name = chance.choice(sorted(metadata))
    texts = [*TEXTS, json.dumps(chance.choice(VALUES)), json.dumps({"a": chance.choice(VALUES)})]
    if metadata[name][:1] in ("{", "["):
        texts += [json.dumps(swapped(json.loads(metadata[name]), chance)) for _ in range(10)]
    metadata[name] = chance.choice([each for each in texts if each.isprintable()])
    save_tensors({name: value.clone() for name, value in tensors.items()}, path, metadata)  # they lie in the file


def damage(path, chance):
    """Damage a file in one of several ways; what was done."""
    content = path.read_bytes()
    kinds = ["flip", "truncate", "zeros", "text", "empty", "garbage"]
    if path.suffix == ".ckpt":
        kinds += ["rewritten"] * 12
    if path.suffix == ".safetensors" and (path.parent / "config.json").is_file():  # of an export
        kinds += ["signed"] * 12
    if path.suffix in (".json", ".yaml"):
        kinds += ["swap"] * 12
    if path.suffix == ".safetensors":
        kinds += ["header"] * 6
    kind = chance.choice(kinds)
    place = chance.randrange(max(1, len(content)))
    if kind == "flip":
        content = content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
    elif kind == "truncate":
        content = content[:place]
    elif kind == "zeros":
        content = content[:place] + bytes(len(content[place : place + 64])) + content[place + 64 :]
    elif kind == "text":
        content = chance.choice(TEXTS).encode()
    elif kind == "empty":
        content = b""
    elif kind == "garbage":
        content = content[:place] + chance.randbytes(16) + content[place + 16 :]
    elif kind == "swap":
        tree = json.loads(content) if path.suffix == ".json" else yaml.safe_load(content)
        dumped = json.dumps if path.suffix == ".json" else yaml.safe_dump
        content = dumped(swapped(tree, chance)).encode()
    elif kind in ("rewritten", "signed"):
        (rewritten if kind == "rewritten" else signed)(path, chance)
        return kind
    else:
        (length,) = struct.unpack("<Q", content[:8])
        header = json.dumps(swapped(json.loads(content[8 : 8 + length]), chance)).encode()
        content = struct.pack("<Q", len(header)) + header + content[8 + length :]
    path.write_bytes(content)
    return kind


def evaluated(place, rows, out, capsys):
    if (code := main(["test", str(place), "--files", f"id={rows}", "--out", str(out)])) == 0:
        return code, json.loads((out / "metrics.json").read_text())
    return code, None


def predicted(place, rows, out, capsys):
    code = main(["predict", str(place), "--split", "id", "--out", f"{out}.jsonl"])
    return code, None if code else out.with_suffix(".jsonl").read_text()


def exported(place, rows, out, capsys):
    code = main(["export", str(place), "--format", "packed", "--out", str(out)])
    if code:
        return code, None
    tensors, metadata = load_tensors(out / "packed.safetensors")  # the order of a header's texts is drawn anew
    return code, (metadata, {name: value.tolist() for name, value in tensors.items()}, (out / "README.md").read_text())


def shown(place, rows, out, capsys):
    code = main(["fit", "--resume", str(place)])
    told = capsys.readouterr()
    print(told.err, file=sys.stderr)
    return code, told.out.replace(str(place), "")


def compared(place, rows, out, capsys):
    code = main(["compare", str(place), "--out", str(out)])
    return code, None if code else (out / "density.csv").read_text()


def reported(place, rows, out, capsys):
    code = main(["report", str(place)])
    told = (place / "results.csv").read_text() if code == 0 else ""
    return code, [line for line in told.splitlines() if ",completed," in line]


def loaded(place, rows, out, capsys):
    try:
        model = load(place, base=place.parent / "run" if place.name == "masks" else None)
    except UserError as error:
        print(error)
        return 2, None
    inputs = model.encoder.tokenizer("a b c", "a b", return_tensors="pt")
    with torch.inference_mode():
        return 0, model(**inputs).logits.tolist()


def resumed(place, rows, out, capsys):
    code = main(["fit", "--resume", str(place), "--trainer.enable_progress_bar=false"])
    if code:
        return code, None
    found = json.loads((place / "metrics.json").read_text())
    return code, {name: value for name, value in found.items() if name != "wall_seconds"}


OF_A_RUN = [evaluated, predicted, exported, shown, compared, reported]


@pytest.fixture
def attempt(plain_run, interrupted_run, whole_metrics, exports, study_of_two, rows, tmp_path, capsys, limited):
    """A function: a seed -> what the command gives of a damaged folder, and of the whole one."""

    def run(seed):
        chance = random.Random(seed)
        kind = chance.choice(["run", "run", "run", "export", "export", "study", "interrupted", "interrupted"])
        origin = {
            "interrupted": interrupted_run,
            "run": plain_run,
            "study": study_of_two,
            "export": exports / chance.choice(["dense", "packed", "masks"]),
        }
        folder = tmp_path / (origin[kind].name if kind == "export" else "run")
        shutil.copytree(origin[kind], folder)
        if kind == "export":
            command, files = loaded, [path.name for path in folder.iterdir() if path.name != "README.md"]
            shutil.copytree(plain_run, tmp_path / "run")
        elif kind == "interrupted":
            command, files = resumed, RESUMED_FILES
        elif kind == "study":
            command, files = reported, ["runs.json", "study.yaml", *(f"a/{name}" for name in RUN_FILES[1:4])]
        else:
            command, files = chance.choice(OF_A_RUN), RUN_FILES
        is_new = chance.random() < 0.6
        if not is_new:  # as version 0.1.0 left it
            for path in folder.rglob("checksums.json"):
                path.unlink()
        name = chance.choice([name for name in files if (folder / name).is_file()])
        if kind == "interrupted":
            expected = whole_metrics
        else:
            _, expected = command(folder, rows, tmp_path / "whole", capsys)
        for path in tmp_path.glob("whole*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if kind == "study":
            for each in ("report.md", "report.html", "results.csv", "results.parquet", "tables.tex"):
                (folder / each).unlink()
        done = damage(folder / name, chance)
        capsys.readouterr()
        code, found = command(folder, rows, tmp_path / "damaged", capsys)
        told = capsys.readouterr()
        where = f"{command.__name__} {kind} {name} {done}"
        assert code in (0, 2), where
        if code == 2:
            lines = [line for line in (told.err or told.out).splitlines() if line.startswith("lit_prune: error")]
            assert kind == "export" or (len(lines) == 1 and len(lines[0]) < 2000), (where, told.err)
        elif kind == "study":
            assert set(found) <= set(expected) or not is_new, where  # a damaged run is left out
        elif (is_new or kind == "export") and done not in ("rewritten", "signed"):  # another model, not a damaged one
            assert found == expected, where

    return run


@pytest.mark.parametrize("seed", NORMAL)
def test_a_damaged_file_is_an_error_of_one_line_or_changes_nothing(attempt, seed):
    attempt(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", ALL)
def test_a_thousand_damaged_files(attempt, seed):
    attempt(seed)
