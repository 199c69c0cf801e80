"""The map of the package: who imports whom, how long a module is, and where its tests are."""

import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "lit_prune"
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
TESTED_ELSEWHERE = {
    "errors.py",  # a name alone
    "data/generated/words.py",  # the words and sentences of the corpora beside it
    "data/generated/nli_templates.py",
    "data/generated/matched_nli_templates.py",  # test_matched_nli.py
    "data/generated/paraphrase_templates.py",
    "data/generated/acceptability_templates.py",
    "data/generated/choice_templates.py",
    "data/generated/entities_templates.py",
    "data/generated/facts_templates.py",
    "data/generated/mention_templates.py",
    "data/generated/reading_templates.py",
    "data/generated/topics_templates.py",
    "__main__.py",  # test_main.py
    "runs/identity.py",  # callbacks/test_every_run.py
    "sparsity/engine.py",  # its kinds: test_by_layers.py, test_by_tensors.py
    "export/read.py",  # test_load.py
    "export/run.py",  # commands/test_export.py
    "bench/pruned.py",  # commands/test_prune.py
    "bench/callback_training.py",  # bench/test_callbacks.py
    "phases/batch_losses.py",  # test_sparse_tune.py, test_round.py
    "phases/masking.py",  # its kinds: test_pruning.py, test_round.py, test_ticket.py
    "phases/tuning.py",  # test_search.py, test_sparse_tune.py
    "paradigms/fine_tune.py",  # the paradigms are lists: tests/paradigms/test_phase_lists.py
    "paradigms/iterative_pruning.py",
    "paradigms/lottery_ticket.py",
    "paradigms/mask_training.py",
    "paradigms/prune_while_finetuning.py",
    "paradigms/sparse_finetuning.py",
}


@pytest.fixture(scope="module")
def imports():
    return grimp.build_graph("lit_prune", include_external_packages=True, cache_dir=None)


def test_the_contracts_of_pyproject_are_kept():
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    command = [sys.executable, "-c", lint]  # in a process of its own: it disables all loggers of this one
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_every_package_is_installed():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    listed = {*settings["tool"]["setuptools"]["packages"]} - {"lit_prune.configs"}
    folders = (path.parent.relative_to(REPOSITORY) for path in (REPOSITORY / "lit_prune").rglob("__init__.py"))
    assert listed == {".".join(folder.parts) for folder in folders}


@pytest.mark.parametrize("module", ["sparsity", "losses", "heads"])
def test_arithmetic_knows_torch_and_numpy_only(imports, module):
    root = f"lit_prune.{module}"
    inside = {root, *imports.find_descendants(root)}
    outside = {found for each in inside for found in imports.find_modules_directly_imported_by(each)} - inside
    foreign = {name for name in outside if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign <= {"torch", "numpy", "safetensors", "lit_prune.errors", "lit_prune.files"}


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_has_its_tests_and_is_read_in_one_sitting(path):
    assert len((PACKAGE / path).read_text().splitlines()) <= 300
    tests = REPOSITORY / "tests" / path.parent / f"test_{path.name}"
    assert tests.is_file() or path.as_posix() in TESTED_ELSEWHERE


def test_the_package_imports_without_torch():
    code = "import sys, lit_prune, lit_prune.errors; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
