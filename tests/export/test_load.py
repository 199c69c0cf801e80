"""Loading an export: errors for what is damaged, changed or names code."""

import json
import random
from contextlib import suppress

import pytest
import torch

import lit_prune
from lit_prune.errors import UserError
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
