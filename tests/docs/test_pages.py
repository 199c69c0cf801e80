"""What the pages state without being run: blocks parse, commands are understood, and what they name exists."""

import ast
import re
from importlib import import_module
from pathlib import Path

import jsonargparse
import pytest
import yaml
from pages import KINDS, PAGES, README, REPOSITORY, command_lines, inline_commands, read_blocks, read_given, title

from lit_prune.cli import main
from lit_prune.errors import UserError
from lit_prune.fitting.arguments import with_config_files
from lit_prune.report.settings import read_settings
from lit_prune.shipped import find_config
from lit_prune.studies.plan import make_plan
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import read_study

each_page = pytest.mark.parametrize("page", PAGES, ids=title)
OF_A_FIT = {"encoder", "data", "model", "trainer", "experiment", "seed_everything", "axes"}
PLANNED = ("study", "stability")  # commands with --dry-run
PARTIAL = ("srnet_poe", "movement", "sam", "imp", "multitask", "dense", "ticket", "recipes/two_mask_losses")
GIVEN = ("train.csv", "test.csv", "pairs.csv", "my_classifier/", "train.txt", "test.txt", "my_tagger/")


class UnderstoodError(Exception):
    """Raised in the place of what a command does."""


def end(*_):
    """End a command here."""
    raise UnderstoodError


def end_when_parsed(parser, *given, parse=jsonargparse.ArgumentParser.parse_args, **options):
    """Parse arguments, and end the command."""
    parse(parser, *given, **options)
    end()


@pytest.fixture
def understand(monkeypatch, capsys, resolve):
    """A function that parses the arguments of a command and does nothing else; raises what the command would."""

    monkeypatch.setattr("lit_prune.commands.study.make_resolver", lambda: resolve)  # one for all pages

    def check(arguments):
        name, *rest = arguments
        if name == "fit" and any(each.endswith(".help") for each in rest):
            _ends_well(arguments)
        elif name in ("fit", "prepare") and "--help" not in rest:
            if "--resume" not in rest:
                resolve([each for each in with_config_files(rest) if each != "--print_config"])
        elif (
            name == "study" and "--help" not in rest and not Path(rest[0]).exists()
        ):  # of the package: tests/studies resolves its runs
            _reaches("lit_prune.commands.study.find_standings", end, [*arguments, "--dry-run"])
        elif name in PLANNED and "--help" not in rest and rest[:1] != ["pointwise"]:
            assert main([*arguments, "--dry-run"]) == 0, capsys.readouterr().err
        elif name == "configs" or name.startswith("--") or "--help" in rest:
            _ends_well(arguments)
        else:
            _reaches("jsonargparse.ArgumentParser.parse_args", end_when_parsed, arguments)

    def _ends_well(arguments):
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = ended.code or 0
        assert code == 0, capsys.readouterr().err

    def _reaches(place, stop, arguments):
        """Run a command until the function at a place is called, in which `stop` raises."""
        with monkeypatch.context() as patch:
            patch.setattr(place, stop)
            try:
                code = main(arguments)
            except UnderstoodError:
                return
        raise AssertionError(f"exit code {code}: {capsys.readouterr().err}")

    return check


@pytest.fixture
def in_its_folder(tmp_path, monkeypatch):
    """A function that writes the files of a page's blocks into an empty folder, the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)

    def write(page):
        for block in read_blocks(page):
            if block.file:
                Path(block.file).parent.mkdir(parents=True, exist_ok=True)
                Path(block.file).write_text(block.content)

    return write


@each_page
def test_each_block_has_a_known_language_and_a_block_that_is_not_run_a_reason(page):
    for block in read_blocks(page):
        assert block.kind in KINDS, f"line {block.line}: {block.kind or 'no language'}"
        assert block.reason is None or len(block.reason.split()) > 2, f"line {block.line}"
    assert page.read_text().count("<!-- not run:") == sum(block.reason is not None for block in read_blocks(page))


@each_page
def test_what_a_page_takes_for_granted_is_made(page):
    given = read_given(page)
    files = re.findall(r"[\w/.-]+(?:\.csv|\.jsonl|\.parquet|\w/(?=[\s,]|$))", re.sub(r"\(.*?\)", "", given))
    assert set(files) <= set(GIVEN), files
    assert not given or files or re.search(r"run of configs/[\w/]+\.yaml", given), given


@each_page
def test_its_commands_are_understood(page, understand, in_its_folder):
    in_its_folder(page)
    blocks = [block for block in read_blocks(page) if block.kind == "bash"]
    commands = [(block.line, command) for block in blocks for command in command_lines(block)]
    commands += [("in the text", command) for command in inline_commands(page)]
    for line, command in commands:
        if any("logs/" in each and each.endswith("config.yaml") for each in command):
            continue  # of a run, which is not there yet
        try:
            understand(command)
        except Exception as error:
            raise AssertionError(f"line {line}: lit_prune {' '.join(command)}") from error


@each_page
def test_its_python_parses(page):
    for block in read_blocks(page):
        if block.kind == "python":
            ast.parse(block.text)


@each_page
def test_its_yaml_is_what_it_looks_like(page, in_its_folder, resolve, tmp_path):
    in_its_folder(page)
    for block in read_blocks(page):
        if block.kind == "yaml":
            path = tmp_path / "study.yaml"
            path.write_text(block.text)
            _check_yaml(yaml.safe_load(block.text), path, resolve)


def _check_yaml(content, path, resolve):
    """Plan a study, read the settings of a report, resolve a configuration, alone or on top of an experiment."""
    keys = set(content) if isinstance(content, dict) else set()
    if "runs" in keys:
        find_standings(make_plan(read_study(path)), path.parent / "out", resolve)
    if "report" in keys:
        read_settings(path.parent)
    if keys and keys <= OF_A_FIT:
        errors = []
        for base in (None, *PARTIAL):
            below = [] if base is None else [f"--config={find_config(base)}"]
            try:
                return resolve([*below, f"--config={path}"])
            except UserError as error:
                errors.append(str(error))
        raise AssertionError("\n".join([path.read_text(), *dict.fromkeys(errors)]))
    return None


def named(pattern):
    """What the pages name, with the pages that do."""
    return sorted({found for page in PAGES for found in re.findall(pattern, page.read_text())})


@pytest.mark.parametrize("name", named(r"\b(lit_prune(?:\.[a-z_]+)+\.[A-Z]\w+)\b"))
def test_a_class_that_is_named_can_be_imported(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute)


@pytest.mark.parametrize("path", named(r"\b((?:configs|docs|tests|lit_prune)/[\w/]+\.\w+)\b"))
def test_a_file_that_is_named_exists(path):
    assert (REPOSITORY / path).is_file()


def test_the_two_commands_of_a_fresh_machine_are_in_the_readme():
    assert 'pip install -e ".[demo]" && lit_prune fit --config configs/srnet_poe.yaml' in README.read_text()
    assert 'pip install -e ".[test]" && pytest' in README.read_text()


def test_the_readme_is_read_in_one_sitting():
    assert len(README.read_text().splitlines()) < 200
