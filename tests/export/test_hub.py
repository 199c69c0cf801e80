"""Exports on the hub: downloads by the unmodified client from a server on the loopback, uploads to a stub."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from hub_server import Hub
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

import lit_prune
from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.export import hub as hub_module
from lit_prune.export.tensor_files import load_tensors

# Loads models and writes their logits, or the error.
LOAD = """
import json, sys, torch, lit_prune
found = {}
for name, arguments in json.loads(sys.argv[1]).items():
    try:
        model = lit_prune.load(**arguments)
        inputs = model.encoder.tokenizer(["the doctor", "a nurse"], ["a", "b c"], padding=True, return_tensors="pt")
        found[name] = model(**inputs).logits.tolist()
    except lit_prune.UserError as error:
        found[name] = str(error)
print(json.dumps(found))
"""
FORMS = {
    "dense": "finished_run",
    "packed": "finished_run",
    "compact": "finished_run",
    "masks": "finished_run",
    "lowrank": "finished_rank_run",
    "csr": "finished_sparse_run",
}


@pytest.fixture(scope="module")
def hub():
    server = Hub()
    yield server
    server.close()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def load_elsewhere(cases, cache, url, **variables):
    """What a process of its own with the hub at a URL finds; by case."""
    environment = {**os.environ, "HF_ENDPOINT": url, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "0", **variables}
    environment["HF_HUB_CACHE"] = str(cache / "hub")
    arguments = [sys.executable, "-c", LOAD, json.dumps(cases, default=str)]
    ran = subprocess.run(arguments, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def logits_of(model):
    inputs = model.encoder.tokenizer(["the doctor", "a nurse"], ["a", "b c"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        return model(**inputs).logits.tolist()


@pytest.fixture(scope="module")
def tuned(tmp_path_factory, hub, finished, four_kinds, tiny_backbone):
    """A run that tuned a backbone of the hub's cache by LoRA, and the backbone's commit."""
    commit = hub.add("them/backbone", tiny_backbone)
    cached = tmp_path_factory.mktemp("backbones") / "models--them--backbone"
    shutil.copytree(tiny_backbone, cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    settings = ("--config=configs/tuning/lora.yaml", f"--config={four_kinds}", "--data.only=[nli]")
    settings += ("--model.init_args.tune.steps=10", "--trainer.val_check_interval=5")
    settings += ("--encoder.backbone=them/backbone", "--experiment=over_hub")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "HF_HUB_CACHE", str(cached.parent))
        run = finished(
            *settings,
            "--encoder.backbone=them/backbone",
            "--experiment=over_hub",
            config="configs/sam.yaml",
            name="over_hub",
        )
        out = cached.parent / "delta"
        assert main(["export", str(run), "--format", "delta", "--out", str(out)]) == 0
    return out, commit


@pytest.fixture(scope="module")
def on_the_hub(tmp_path_factory, hub, tuned, request):
    """Exports of all formats as folders, each on the hub."""
    root = tmp_path_factory.mktemp("exports")
    folders = {form: root / form for form in FORMS}
    for form, run in FORMS.items():
        run = str(request.getfixturevalue(run))
        assert main(["export", run, "--format", form, "--out", str(folders[form])]) == 0
    folders["delta"], _ = tuned
    for form, folder in folders.items():
        hub.add(f"me/{form}", folder)
    return folders


@pytest.fixture(scope="module")
def downloaded(on_the_hub, hub, cache, tiny_backbone, tmp_path_factory, finished_run, tiny_roberta):
    """What the client finds on the hub: the logits of all formats, and errors; by case."""
    for name in ("them/moved", "them/backbone"):  # its main branch has another model since
        hub.add(name, tiny_roberta)
    cases = {form: {"folder": f"me/{form}"} for form in on_the_hub}
    cases["masks"]["base"] = str(finished_run)
    damaged = shutil.copytree(on_the_hub["packed"], tmp_path_factory.mktemp("damaged") / "packed")
    whole = (damaged / "packed.safetensors").read_bytes()
    (damaged / "packed.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (damaged / "code.py").write_text("raise SystemExit")
    hub.add("me/damaged", damaged)
    hub.add("me/versions", on_the_hub["dense"])
    commit = hub.add("me/versions", on_the_hub["packed"], "v2")
    hub.add("them/plain", tiny_backbone)
    hub.models["them/bare"] = dict.fromkeys(("main", "0" * 40), ("0" * 40, {"pytorch_model.bin": b"", "a.json": b""}))
    hub.models["them/gated"] = {}
    hub.gated.add("them/gated")
    cases |= {
        "branch": {"folder": "me/versions", "revision": "v2"},
        "commit": {"folder": "me/versions", "revision": commit},
        "no revision": {"folder": "me/versions", "revision": "v9"},
        "damaged": {"folder": "me/damaged"},
        "plain": {"folder": "them/plain"},
        "bare": {"folder": "them/bare"},
        "gated": {"folder": "them/gated"},
        "none": {"folder": "me/none"},
        "other base": {"folder": "me/delta", "base": "them/moved"},
        "no base": {"folder": "me/delta", "base": "them/none"},
    }
    return load_elsewhere(cases, cache, hub.url)


@pytest.mark.parametrize("form", [*FORMS, "delta"])
def test_a_model_from_the_hub_is_the_one_in_the_folder(form, on_the_hub, downloaded, finished_run, tiny_backbone):
    base = {"masks": finished_run, "delta": tiny_backbone}.get(form)
    expected = logits_of(lit_prune.load(on_the_hub[form], base))
    assert torch.equal(torch.tensor(downloaded[form]), torch.tensor(expected))


def test_a_delta_names_its_backbone_and_its_commit(tuned):
    folder, commit = tuned
    _, metadata = load_tensors(folder / "delta.safetensors")
    assert metadata["lit_prune.delta_backbone"] == "them/backbone"
    assert metadata["lit_prune.delta_revision"] == commit
    config = json.loads((folder / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("them/backbone", commit)
    assert "base_model: them/backbone" in (folder / "README.md").read_text()


@pytest.mark.parametrize("case", ["branch", "commit"])
def test_a_revision_is_a_branch_or_a_commit(case, downloaded):
    assert downloaded[case] == downloaded["packed"]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("no revision", "revision must be a branch, tag or commit of me/versions, got 'v9'"),
        ("damaged", "packed.safetensors must have the checksum of its content, got another: it is damaged"),
        ("plain", "load a model of transformers by its AutoModel classes or PrunableEncoder"),
        ("bare", "load a model of transformers by its AutoModel classes or PrunableEncoder"),
        ("gated", "folder must be a model that you may read, got them/gated, which is gated: ask for access at http"),
        ("none", "folder must be an existing folder or a model on the hub, got me/none: check the name; if the model"),
        ("other base", "base must be the model that the delta is over, got them/moved: give them/backbone (hash"),
        ("no base", "encoder.backbone must be a model that can be loaded, got 'them/none'"),
    ],
)
def test_what_cannot_be_had_is_an_error_with_the_remedy(case, message, downloaded):
    assert message in downloaded[case]


def test_nothing_but_data_is_downloaded(downloaded, hub):
    ours = {path.rpartition("/")[2] for path in hub.downloaded if path.startswith(("me/", "them/bare"))}
    assert {"packed.safetensors", "config.json", "README.md"} <= ours
    assert {name.rpartition(".")[2] for name in ours} <= {"json", "safetensors", "md", "txt"}


@pytest.mark.parametrize(
    "variables",
    [{"HF_HUB_OFFLINE": "1"}, pytest.param({"HF_ENDPOINT": "http://127.0.0.1:9"}, marks=pytest.mark.slow)],
    ids=["offline", "unreachable"],
)
def test_without_a_network_the_cache_is_read(variables, downloaded, cache, hub):
    cases = {name: {"folder": f"me/{name}"} for name in ("packed", "delta")}
    cases["none"] = {"folder": "me/none", "revision": "v2"}
    found = load_elsewhere(cases, cache, hub.url, **variables)
    assert found.pop("none").startswith(
        "folder must be an existing folder, or the hub within reach, got me/none (revision v2), which is not in the"
    )
    assert found == {name: downloaded[name] for name in ("packed", "delta")}


def test_a_local_folder_has_no_revision(on_the_hub):
    with pytest.raises(UserError, match="revision must be left out for a local folder, got 'v2'"):
        lit_prune.load(on_the_hub["packed"], revision="v2")
    with pytest.raises(UserError, match="revision must be left out for several folders, got 'v2'"):
        lit_prune.load(["me/packed", "me/delta"], revision="v2")


# ---- uploads -------------------------------------------------------------------------------------------------------


class Api:
    """A stub of `HfApi`: the calls of an upload."""

    error = None

    def __init__(self, **options):
        self.token = options["token"]
        Api.calls = []

    def create_repo(self, repo_id, **options):
        if self.error is not None:
            raise self.error
        self.calls.append(("create_repo", repo_id, options))
        return type("Url", (), {"repo_id": repo_id})

    def create_branch(self, repo_id, **options):
        self.calls.append(("create_branch", repo_id, options))

    def create_commit(self, repo_id, operations, **options):
        content = {}
        for each in operations:
            with each.as_file() as file:
                content[each.path_in_repo] = file.read()
        self.calls.append(("create_commit", repo_id, options | {"content": content}))
        return type("Commit", (), {"oid": "c" * 40})


@pytest.fixture
def api(monkeypatch):
    monkeypatch.setattr(hub_module, "HfApi", Api)
    monkeypatch.setattr(Api, "error", None)
    return Api


@pytest.mark.parametrize("form", [*FORMS, "delta"])
def test_what_is_pushed_can_be_loaded(form, on_the_hub, api, tmp_path, finished_run, tiny_backbone):
    folder = shutil.copytree(on_the_hub[form], tmp_path / "export")
    for stray in ("notes.py", ".git/config.json", "training_args.bin"):
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_text("mine")
    assert lit_prune.push_to_hub(folder, "me/model", private=True) == "c" * 40
    created, committed = api.calls
    assert created == ("create_repo", "me/model", {"private": True, "exist_ok": True})
    pushed = tmp_path / "pushed"
    for name, content in committed[2]["content"].items():
        (pushed / name).parent.mkdir(parents=True, exist_ok=True)
        (pushed / name).write_bytes(content)
    assert {path.name for path in pushed.iterdir()} == {path.name for path in on_the_hub[form].iterdir()}
    base = {"masks": finished_run, "delta": tiny_backbone}.get(form)
    assert logits_of(lit_prune.load(pushed, base)) == logits_of(lit_prune.load(folder, base))
    assert 'lit_prune.load("me/model"' in (pushed / "README.md").read_text()


def test_a_branch_is_created(on_the_hub, api):
    lit_prune.push_to_hub(on_the_hub["packed"], "me/model", revision="v2", commit_message="The second")
    _, branch, committed = api.calls
    assert branch == ("create_branch", "me/model", {"branch": "v2", "exist_ok": True})
    assert (committed[2]["revision"], committed[2]["commit_message"]) == ("v2", "The second")


def test_export_pushes(finished_run, api, tmp_path, capsys):
    command = ["export", str(finished_run), "--format", "packed", "--out", str(tmp_path / "out"), "--push", "me/model"]
    assert main(command) == 0
    assert "packed.safetensors" in api.calls[-1][2]["content"]


def test_a_damaged_folder_is_not_pushed(on_the_hub, api, tmp_path):
    folder = shutil.copytree(on_the_hub["packed"], tmp_path / "export")
    (folder / "tokenizer.json").write_text("{}")
    api.calls = []
    with pytest.raises(UserError, match=r"tokenizer\.json must be as it was exported"):
        lit_prune.push_to_hub(folder, "me/model")
    assert not api.calls


class RefusedError(HfHubHTTPError):
    """An answer of the hub that refuses a write."""

    def __init__(self):
        self.response = type("Response", (), {"status_code": 403})

    def __str__(self):
        return "403 Forbidden"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (LocalTokenNotFoundError("no token"), "must be a model that you may write to, got me/model: log in by hf auth"),
        (RefusedError(), "got 403 Forbidden: log in by hf auth login, or set HF_TOKEN, with a token that may write"),
        (ConnectionError("reset"), "me/model must accept the upload, got reset: try again"),
    ],
)
def test_an_upload_that_fails_is_an_error_with_the_remedy(error, message, on_the_hub, api, monkeypatch):
    monkeypatch.setattr(api, "error", error)
    with pytest.raises(UserError, match=message):
        lit_prune.push_to_hub(on_the_hub["packed"], "me/model")


def test_the_real_client_names_a_wrong_name_and_offline_mode(on_the_hub):
    with pytest.raises(UserError, match="repo_id must be a name such as owner/name, got 'a/b/c'"):
        lit_prune.push_to_hub(on_the_hub["packed"], "a/b/c")
    with pytest.raises(UserError, match="HF_HUB_OFFLINE must be unset to push a model"):
        lit_prune.push_to_hub(on_the_hub["packed"], "me/model")


# ---- a loaded model ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [*FORMS, "delta"])
def test_a_loaded_model_is_saved_again_and_pushed(form, on_the_hub, api, tmp_path, finished_run, tiny_backbone):
    folder = on_the_hub[form]
    base = {"masks": finished_run, "delta": tiny_backbone}.get(form)
    model = lit_prune.load(folder, base)
    model.save_pretrained(tmp_path / "copy")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "copy").iterdir()} == files
    model.push_to_hub("me/copy", private=True)
    assert api.calls[-1][2]["content"].keys() == files.keys()


def test_a_changed_model_is_not_saved_as_it_was(on_the_hub, tmp_path):
    model = lit_prune.load(on_the_hub["packed"])
    next(model.parameters()).add_(1)
    with pytest.raises(UserError, match=r"model must be as it was loaded from .*, got other weights"):
        model.save_pretrained(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


# ---- no local paths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [*FORMS, "delta"])
def test_no_local_path_is_in_any_file(form, on_the_hub, tmp_path_factory):
    root = str(tmp_path_factory.getbasetemp().parent).encode()
    for path in on_the_hub[form].rglob("*"):
        if path.is_file():
            assert root not in path.read_bytes(), path.name
