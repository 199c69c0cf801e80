"""Loading an export: errors for what is damaged, changed or names code."""

import json
import random
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

import lit_prune
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.export.formats.known import FORMATS
from lit_prune.export.tensor_files import FILES, checksums, load_tensors, save_tensors

RUNS = {"lowrank": "finished_rank_run", "csr": "finished_sparse_run"}


@pytest.mark.parametrize("form", ["dense", "packed", "compact", "lowrank", "csr", "masks"])
def test_a_damaged_file_is_an_error_or_the_same_model(export, form, request):
    run = request.getfixturevalue(RUNS.get(form, "finished_run"))
    folder, draw = export(run, form), random.Random(0)
    base = run if form == "masks" else None
    expected = lit_prune.load(folder, base).state_dict()
    paths = [path for path in sorted(folder.iterdir()) if path.name != "README.md"]
    for number in range(100):
        path = paths[number % len(paths)]
        whole = path.read_bytes()
        place = draw.randrange(len(whole))
        flipped = whole[:place] + bytes([whole[place] ^ 1 << draw.randrange(8)]) + whole[place + 1 :]
        path.write_bytes(whole[:place] if number % 3 == 0 else flipped)
        try:
            state = lit_prune.load(folder, base).state_dict()
        except UserError:
            continue
        finally:
            path.write_bytes(whole)
        assert all(torch.equal(state[name], value) for name, value in expected.items())


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_missing_file_is_named(finished_run, export, name):
    folder = export(finished_run, "packed")
    (folder / name).unlink()
    with pytest.raises(UserError, match=name):
        lit_prune.load(folder)


@pytest.mark.parametrize("key", ["auto_map", "attn_implementation"])
def test_settings_that_name_code_are_refused_whatever_the_checksums_say(finished_run, export, key):
    folder = export(finished_run, "packed")
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | {key: "someone/code"}))
    tensors, metadata = load_tensors(folder / "packed.safetensors")
    hashes = checksums(folder)
    kept = {name: hashes[name] for name in json.loads(metadata[FILES])}
    save_tensors(tensors, folder / "packed.safetensors", metadata | {FILES: json.dumps(kept)})
    with pytest.raises(UserError, match=key):
        lit_prune.load(folder)


CONTENTS = ("null", '"x"', "[1]", "[{}]", '{"a": ["x"]}', "[" * 100_000)


@pytest.mark.parametrize("form", ["dense", "packed", "compact", "masks"])
def test_a_header_that_was_signed_anew_is_no_traceback(finished_run, export, form):
    folder = export(finished_run, form)
    path = next(folder / name for name in (f"{form}.safetensors", "model.safetensors") if (folder / name).is_file())
    tensors, metadata = load_tensors(path)
    tensors = {name: value.clone() for name, value in tensors.items()}  # they lie in the file
    for name in (name for name, text in metadata.items() if text[:1] in ("{", "[")):
        shapes = [json.dumps(json.loads(metadata[name]) | {"a": [10**6] * 3})] if name.endswith("shapes") else []
        for content in (*CONTENTS, *shapes):
            save_tensors(tensors, path, metadata | {name: content})
            with suppress(UserError):  # another name of the base, say, changes nothing
                lit_prune.load(folder, finished_run if form == "masks" else None)
    save_tensors(tensors, path, metadata | {FILES: "7"})
    with pytest.raises(UserError, match=rf"{folder} must be written by lit_prune export"):
        lit_prune.load(folder)


def test_a_folder_that_is_no_export_is_an_error(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match="--out"):
            lit_prune.load(folder)


# Blocks libraries as if they were not installed, then loads folders and writes their logits.
SERVE = """
import json, sys
blocked, exports, out = json.loads(sys.argv[1])
sys.modules.update(dict.fromkeys(blocked))
import numpy, torch, lit_prune
logits = {}
for name, (folder, base) in exports.items():
    model = lit_prune.load(folder, base)
    for task in model.tasks:
        inputs = model.encoder.tokenizer(["the doctor", "a nurse"], ["a", "b c"], padding=True, return_tensors="pt")
        with torch.inference_mode():
            logits[f"{name}/{task}"] = model.use(task)(**inputs).logits.numpy()
numpy.savez(out, **logits)
"""
OF_TRANSFORMERS = {"PyYAML", "huggingface_hub", "regex"}  # which needs these
MODULES = {"scikit-learn": "sklearn", "lightning": "lightning lightning_utilities pytorch_lightning lightning_fabric"}


def test_a_model_is_served_by_torch_transformers_safetensors_and_numpy_alone(
    finished_run, finished_rank_run, finished_sparse_run, four_kinds_run, lora_runs, tiny_backbone, tmp_path
):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = [each for name in ("peft", "cluster", "test") for each in project["optional-dependencies"][name]]
    needed = {re.match(r"[\w-]+", each)[0] for each in [*project["dependencies"], *extras]} - {"lit_prune"}
    others = needed - {"torch", "transformers", "safetensors", "numpy"} - OF_TRANSFORMERS
    blocked = [module for name in others for module in MODULES.get(name, name).split()]
    assert {"datasets", "torchmetrics", "jsonargparse", "pyarrow", "pandas", "rich", "sklearn"} <= set(blocked)
    runs = {
        "dense": (finished_run, None),
        "packed": (four_kinds_run, None),
        "compact": (finished_run, None),
        "lowrank": (finished_rank_run, None),
        "csr": (finished_sparse_run, None),
        "masks": (finished_run, finished_run),
        "delta": (lora_runs["nli"], tiny_backbone),
    }
    exports = {}
    for form, (run, base) in runs.items():
        assert main(["export", str(run), "--format", form, "--out", str(tmp_path / form)]) == 0
        exports[form] = str(tmp_path / form), base and str(base)
    assert exports.keys() == FORMATS.keys()
    arguments = json.dumps([blocked, exports, str(tmp_path / "logits.npz")])
    served = subprocess.run([sys.executable, "-c", SERVE, arguments], capture_output=True, text=True)
    assert served.returncode == 0, served.stderr
    found = dict(np.load(tmp_path / "logits.npz"))
    for form, (folder, base) in exports.items():
        model = lit_prune.load(folder, base)
        inputs = model.encoder.tokenizer(["the doctor", "a nurse"], ["a", "b c"], padding=True, return_tensors="pt")
        for task in model.tasks:
            with torch.inference_mode():
                logits = model.use(task)(**inputs).logits.numpy()
            assert np.array_equal(found.pop(f"{form}/{task}"), logits)
    assert not found
