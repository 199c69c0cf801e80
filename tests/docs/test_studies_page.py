"""The table of shipped studies in the documentation has all of them, with their costs."""

import re

from pages import REPOSITORY

from lit_prune.studies.plan import make_plan
from lit_prune.studies.study import read_study

PAGE = REPOSITORY / "docs/reference/studies.md"


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


def test_the_table_has_all_studies_with_their_costs(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    rows = re.findall(r"^\|[^|`]*\| `([a-z]\w+)` \|[^|]*((?:\|[^|]*){4})\|$", PAGE.read_text(), re.MULTILINE)
    configs = REPOSITORY.glob("configs/**/*.yaml")
    studies = {(path.parent.name, path.stem): path for path in configs if "\nruns:\n" in path.read_text()}
    assert {name for name, _ in rows} == {name for _, name in studies}
    for name, costs in rows:
        shown = [cell.strip() for cell in costs.split("|")[1:]]
        here = studies.get(("demo", name), studies.get(("recipes", name)))
        assert shown == [*told(here), *told(studies.get(("paper", name)))], name
