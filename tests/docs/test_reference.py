"""The reference is complete: every command, public class, shipped configuration and study has its place."""

import importlib.util
import re
from importlib import import_module
from pathlib import Path

import pytest

import lit_prune
from lit_prune.cli import COMMANDS
from lit_prune.fitting.cli import make_resolver
from lit_prune.shipped import find_config, shipped_configs
from lit_prune.studies.plan import make_plan
from lit_prune.studies.study import read_study

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
API = "".join(path.read_text() for path in sorted((DOCS / "reference" / "api").glob("*.md")))
PAPERS = sorted((DOCS / "papers").glob("*.md"))
CLASSES = sorted(set(re.findall(r"`(lit_prune(?:\.[a-z_]+)+\.\w+)`", "".join(path.read_text() for path in PAPERS))))


def _hooks():
    spec = importlib.util.spec_from_file_location("docs_hooks", DOCS / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hooks = _hooks()


@pytest.fixture(scope="module")
def pages():
    """The pages of the reference as they are shown, by name."""
    return {path.stem: hooks.on_page_markdown(path.read_text()) for path in (DOCS / "reference").glob("*.md")}


def test_no_mark_is_left(pages):
    assert all("<!-- from the code" not in page for page in pages.values())


def test_every_command_has_a_section(pages):
    sections = set(re.findall(r"^###? (.+)$", pages["commands"], re.MULTILINE))
    assert {*COMMANDS, "stability pointwise"} <= sections
    benches = re.search(r"\{(.+?)\}", hooks._parser(("bench",)).format_usage())[1].split(",")
    assert {f"bench {name}" for name in benches} <= sections


def test_an_argument_has_type_default_and_meaning(pages):
    assert "| `--sparsity`<br>float, default `0.5` | Fraction of the weights" in pages["commands"]
    assert "| `run`<br>str, required | Folder of a finished run" in pages["commands"]


def test_the_settings_of_a_run_are_those_of_the_command(pages):
    section = pages["configuration"].partition("## Run\n")[2].partition("\n## ")[0]
    shown = set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE))
    parser = hooks._parser(("fit",))
    options = {name.removeprefix("--") for action in parser._actions for name in action.option_strings[-1:]}
    given = {name for name in options if re.fullmatch(r"\w+", name)} - {"help", "config", "print_config"}
    assert shown == given - {"trainer", "model", "data", "encoder", "resume"}


@pytest.mark.parametrize("kind", ["losses", "criteria", "schedules", "structures", "paradigms", "callbacks", "sources"])
def test_public_classes_of_a_kind_have_a_section(kind, pages):
    room = {"criteria": "sparsity.criteria", "schedules": "sparsity.schedules", "structures": "sparsity.structures"}
    base = {"losses": "Loss", "criteria": "Criterion", "schedules": "Schedule", "structures": "Structure"}.get(kind)
    module = f"lit_prune.{room.get(kind, 'data.sources' if kind == 'sources' else kind)}"
    names = [name for name in lit_prune._PUBLIC.get(module, ()) if name not in (base, "Frames", "WordFrames")]
    sections = set(re.findall(r"^#+ (\w+)$", pages["configuration"], re.MULTILINE))
    assert set(names) <= sections


def test_a_setting_is_shown_with_its_meaning(pages):
    assert "| `scope`<br>Allocation or str or list[list[str]], default `local` | " in pages["configuration"]
    assert "| `learning_rate`<br>float, default `2e-05` | The peak. |" in pages["configuration"]
    empty = re.findall(r"^\| `.+ \|  ?\|$", pages["configuration"], re.MULTILINE)
    assert not empty, "settings without a description in their docstring"


def test_trainer_settings_that_are_rejected_say_why(pages):
    assert "| `fast_dev_run` | `false`: it saves nothing" in pages["configuration"]
    assert "| `gradient_clip_val`<br>default `1.0` | null or a number" in pages["configuration"]


def test_every_shipped_configuration_is_listed_in_its_folder(pages):
    listed = set()
    folder = ""
    for line in pages["configurations"].splitlines():
        if found := re.fullmatch(r"#+ ([\w/ ]+)", line):
            folder = "" if found[1] in ("Experiments", "Shipped configurations") else f"{found[1]}/"
        if found := re.match(r"\| `(\w+)` \|", line):
            listed.add(f"{folder}{found[1]}")
    assert listed == set(shipped_configs())


@pytest.mark.parametrize("name", lit_prune.__all__)
def test_a_public_name_is_documented(name):
    assert re.search(rf"^::: lit_prune(\.\w+)*\.{name}$", API, re.MULTILINE)


@pytest.mark.parametrize("name", CLASSES)
def test_a_name_on_a_page_of_a_paper_can_be_imported(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute) or import_module(name)


@pytest.mark.parametrize("page", PAPERS, ids=lambda page: page.stem)
def test_the_page_of_a_paper_names_its_configurations(page):
    text = page.read_text()
    paths = set(re.findall(r"configs/[\w/]+\.yaml", text))
    assert paths
    assert all((REPOSITORY / path).is_file() for path in paths)
    shipped = [name.split("/", 2)[2] for name in shipped_configs() if name.startswith(f"papers/{page.stem}/")]
    assert not [name for name in shipped if not re.search(rf"\b{name.rpartition('/')[2]}\b", text)]


@pytest.mark.parametrize("page", ["studies", "reports"])
def test_a_study_on_a_page_can_be_planned(page, tmp_path, pages):
    for number, content in enumerate(re.findall(r"```yaml\n(title: .*?)```", pages[page], re.DOTALL)):
        (tmp_path / f"{number}.yaml").write_text(content)
        assert make_plan(read_study(tmp_path / f"{number}.yaml"))


def test_the_configuration_on_the_page_is_resolved(tmp_path, pages):
    (content,) = re.findall(r"```yaml\n(.*?)```", pages["configuration"], re.DOTALL)
    (tmp_path / "own.yaml").write_text(content)
    resolved = make_resolver()([f"--config={tmp_path / 'own.yaml'}"])
    assert resolved["model"]["init_args"]["dense"]["length"] == "2 epochs"


def test_the_configurations_of_tasks_are_there(pages):
    named = set(re.findall(r"`((?:\w+_files|\w+_hub|multitask\w*|fu2023))`", pages["tasks"]))
    assert len(named) > 8
    assert all(find_config(f"data/{name}").is_file() for name in named)
