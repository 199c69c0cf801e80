"""The README's commands are the ones that work, and what it names is there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from lit_prune.cli import main
from lit_prune.fitting.cli import make_resolver
from lit_prune.studies.plan import make_plan
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import read_study

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"lit_prune (fit --config [^`\n|]*)", README)))


def test_the_two_commands_of_a_fresh_machine_are_given():
    assert 'pip install -e ".[demo]" && lit_prune fit --config configs/srnet_poe.yaml' in README
    assert 'pip install -e ".[test]" && pytest' in README


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command, capsys, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    with pytest.raises(SystemExit) as ended:
        main([*command.replace("(mask training with cross-entropy)", "").split(), "--print_config"])
    assert ended.value.code == 0
    assert "class_path: lit_prune.paradigms" in capsys.readouterr().out


def test_the_study_that_is_shown_can_be_run(monkeypatch, tmp_path):
    monkeypatch.chdir(REPOSITORY)
    (content,) = re.findall(r"```yaml\n(title: .*?)```", README, flags=re.DOTALL)
    (tmp_path / "shown.yaml").write_text(content)
    plan = make_plan(read_study(tmp_path / "shown.yaml"))
    assert len(find_standings(plan, tmp_path, make_resolver())) == 2 + 2 * 2 * 2


def told(path):
    """The runs and the hours of a study as the table of studies has them, by its plan and its costs."""
    if path is None:
        return ["", ""]
    study = read_study(path)
    plan = make_plan(study)
    chances = [1.0 if run.trials is None else 1 / len(run.trials.names) for run in plan]
    num_at_once = 2 if "one CPU core" in path.read_text() else 1
    hours = sum(chance * study.cost[run.kind] for chance, run in zip(chances, plan, strict=True)) / 3600 / num_at_once
    return [str(round(sum(chances))), f"{hours:.0f}" if "one GPU" in path.read_text() else f"{hours:.1f}"]


def test_the_table_of_studies_has_all_of_them_with_their_costs(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    rows = re.findall(r"^\|[^|`]*\| `([a-z]\w+)` \|[^|]*((?:\|[^|]*){4})\|$", README, re.MULTILINE)
    papers = REPOSITORY.glob("configs/papers/**/*.yaml")
    studies = {(path.parent.name, path.stem): path for path in papers if "\nruns:\n" in path.read_text()}
    assert {name for name, _ in rows} == {name for _, name in studies}
    for name, costs in rows:
        shown = [cell.strip() for cell in costs.split("|")[1:]]
        assert shown == [*told(studies.get(("demo", name))), *told(studies.get(("paper", name)))], name


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(lit_prune(?:\.[a-z_]+)+\.[A-Z]\w+)`", README))))
def test_a_class_that_is_named_can_be_imported(name):
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b((?:configs|docs)/[\w/]+\.\w+)", README))))
def test_a_file_that_is_named_is_there(path):
    assert (REPOSITORY / path).is_file()
