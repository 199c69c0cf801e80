"""The wheel: its contents are the tracked files, and installed alone it runs the main experiment by name."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zipfile import ZipFile

import pytest

REPOSITORY = Path(__file__).parents[1]
OLDEST_SETUPTOOLS = 77  # of pyproject.toml


def run(*command, **options):
    """Run a command to its end: what it printed."""
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked():
    """The files of package and configurations that git tracks, by their paths in the repository."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is no git checkout: which files the wheel should have is not known")
    listed = run("git", "ls-files", "lit_prune", "configs", cwd=REPOSITORY).splitlines()
    return [name for name in listed if (REPOSITORY / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory, tracked):
    """The wheel of the tracked files, built without a network."""
    try:
        found = version("setuptools")
    except PackageNotFoundError:
        found = "0"
    if int(found.split(".")[0]) < OLDEST_SETUPTOOLS:
        pytest.skip(f"building a wheel without a network needs setuptools {OLDEST_SETUPTOOLS} or newer, got {found}")
    source = tmp_path_factory.mktemp("source")
    for name in [*tracked, "pyproject.toml", "README.md"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", out)
    run(sys.executable, "-m", "pip", "wheel", *options, source)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel):
    """A folder with nothing but the installed package."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


@pytest.fixture
def lit_prune(installed, tmp_path):
    """A function that runs the installed package in an empty folder: what it printed."""
    (empty := tmp_path / "empty").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return lambda *arguments, **changed: run(
        sys.executable, "-m", "lit_prune", *arguments, cwd=empty, env=environment | changed
    )


def test_its_contents_are_the_tracked_files_of_package_and_configurations(wheel, tracked):
    names = [name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert sorted(names) == sorted(name if name.startswith("lit_prune/") else f"lit_prune/{name}" for name in tracked)


def test_it_finds_its_own_configurations(lit_prune, installed):
    assert lit_prune("configs", "srnet_poe", "--path") == f"{installed}/lit_prune/configs/srnet_poe.yaml\n"


@pytest.mark.parametrize("name", ["srnet_poe", "configs/srnet_poe.yaml"])
def test_it_runs_the_main_experiment_made_small_from_an_empty_folder(name, lit_prune, small, tmp_path):
    _, overlay = small("configs/srnet_poe.yaml")
    printed = lit_prune("fit", "--config", name, "--config", overlay)
    assert printed.splitlines()[-1] == "logs/srnet_poe/version_0"
    metrics = json.loads((tmp_path / "empty/logs/srnet_poe/version_0/metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.5, abs=2e-3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_it_runs_the_main_experiment_from_an_empty_folder(lit_prune, tmp_path):
    printed = lit_prune("fit", "--config", "srnet_poe", OMP_NUM_THREADS=str(len(os.sched_getaffinity(0))))
    assert printed.splitlines()[-1] == "logs/srnet_poe/version_0"
    metrics = json.loads((tmp_path / "empty/logs/srnet_poe/version_0/metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.5, abs=1e-4)
    assert metrics["steps"] == 950
