"""Every yaml that is shipped runs, on a tiny encoder, with few rows and for two steps a phase."""

import functools
import json
import math
import os
import re
import shlex
from itertools import pairwise
from pathlib import Path

import datasets
import pytest
import torch
import yaml

from lit_prune.cli import main
from lit_prune.data import GeneratedNli
from lit_prune.data.generated.nli import generate_nli
from lit_prune.fit import make_resolver
from lit_prune.paradigms import teacher
from lit_prune.studies.plan import make_plan
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import read_study

REPOSITORY = Path(__file__).parents[1]
EXPERIMENTS = sorted(REPOSITORY.glob("configs/*.yaml"))
OVERLAYS = sorted(REPOSITORY.glob("configs/data/*.yaml"))
SETTINGS = sorted(REPOSITORY.glob("configs/overlay/*.yaml"))
PAPER = sorted(REPOSITORY.glob("configs/paper/*.yaml"))
STUDIES = sorted(REPOSITORY.glob("configs/studies/**/*.yaml"))
ALL = [*EXPERIMENTS, *OVERLAYS, *SETTINGS, *PAPER]

PHASES = {"dense", "mask", "rounds", "ticket"}
NLI = ("entailment", "neutral", "contradiction")


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(REPOSITORY / "configs")))


def load(path):
    return yaml.safe_load(path.read_text())


def shipped(path):
    """The yaml's name as a command line in the repository has it."""
    return str(path.relative_to(REPOSITORY))


def is_laid_over(value, overlay):
    """Whether a resolved configuration says what the overlay says, and more."""
    if isinstance(overlay, dict):
        return all(key in value and is_laid_over(value[key], overlay[key]) for key in overlay)
    if isinstance(overlay, list):
        return len(value) == len(overlay) and all(map(is_laid_over, value, overlay))
    return value["class_path"] == overlay if isinstance(value, dict) else value == overlay


@pytest.fixture
def few_rows(monkeypatch):
    """Generated corpora are small, whatever their yaml says."""
    init = GeneratedNli.__init__

    @functools.wraps(init)
    def small(self, *arguments, **options):
        init(self, *arguments, **options)
        self.num_train, self.num_eval = min(self.num_train, 96), min(self.num_eval, 24)
        self.num_ood_train = min(self.num_ood_train, 32)

    monkeypatch.setattr(GeneratedNli, "__init__", small)


@pytest.fixture
def any_teacher(monkeypatch):
    """Two steps train no good one."""
    monkeypatch.setattr(teacher, "MARGIN", -1.0)


@pytest.fixture
def brief(experiment, tmp_path, few_rows, any_teacher):
    """A function that runs a configuration with its own tasks, two steps a phase: the folder it leaves behind."""

    def run(path, *arguments):
        own = load(path)
        kept = {"data": {"tasks": own["data"]["tasks"]}, "encoder": {"config": own["encoder"].get("config")}}
        (tmp_path / "kept.yaml").write_text(yaml.safe_dump(kept))
        steps = ["--trainer.val_check_interval", "2"]
        for phase in [name for name in PHASES if name in own["model"]["init_args"]]:
            steps += [f"--model.init_args.{phase}.steps", "2"]
        code, folder = experiment("--config", str(tmp_path / "kept.yaml"), *steps, *arguments, config=shipped(path))
        assert code == 0
        return folder

    return run


def num_rounds(config):
    """Number of the rounds of pruning that a configuration has."""
    return sum(each["init_args"].get("num_rounds", 0) for each in config["trainer"].get("callbacks", []))


@each([*EXPERIMENTS, *PAPER])
def test_an_experiment_has_its_files_name(path):
    assert load(path)["experiment"] == path.stem


@each(EXPERIMENTS)
def test_an_experiment_runs(path, brief):
    folder = brief(path)
    metrics = json.loads((folder / "metrics.json").read_text())
    phases = PHASES & load(path)["model"]["init_args"].keys()
    assert metrics["steps"] == 2 * (len(phases - {"rounds"}) + num_rounds(load(path)))
    assert "nli/ood/auroc" in metrics


@each([path for path in OVERLAYS if path.stem.startswith("nli_")])
def test_data_are_laid_over_an_experiment(path, brief):
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    assert (folder / "metrics.json").is_file()


@pytest.fixture
def process_group():
    """What a distributed run leaves in this process goes again."""
    before = os.environ.copy()
    yield
    os.environ.clear()  # not replaced: libraries read the process' own environment
    os.environ.update(before)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@each(SETTINGS)
@pytest.mark.usefixtures("process_group")
def test_settings_are_laid_over_an_experiment(path, brief):
    here = ("--trainer.accelerator=cpu", "--trainer.devices=1")
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path), *here)
    resolved, laid_over = load(folder / "config.yaml"), load(path)
    for name in ("accelerator", "devices"):
        laid_over.get("trainer", {}).pop(name, None)
    assert is_laid_over(resolved, laid_over)
    assert (folder / "metrics.json").is_file()


def test_mnli_and_hans_are_read_from_their_own_files(brief, tmp_path):
    write_mnli(tmp_path / "data" / "MNLI")
    write_hans(tmp_path / "data" / "HANS")
    path = REPOSITORY / "configs/data/mnli_files.yaml"
    root = ("--data.root", str(tmp_path / "data"))
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path), *root)
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    for name in ("id/accuracy", "id_mismatched/accuracy", "ood/accuracy_lexical_overlap", "ood/auroc"):
        assert f"nli/{name}" in metrics


@pytest.mark.parametrize("base", ["srnet_ce", "dense"])
def test_a_users_own_csv_is_pruned_on(brief, tmp_path, base):
    lines = [f'"{premise}, then",{number % 2}' for number, (premise, _, _) in enumerate(pairs(80))]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(lines) + "\n")
    path = REPOSITORY / "configs/data/own_csv.yaml"
    folder = brief(REPOSITORY / f"configs/{base}.yaml", "--config", str(path), "--data.root", str(tmp_path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"own/id/accuracy", "own/id/accuracy_negative", "own/validation/accuracy"} <= metrics.keys()
    assert "own/id/auroc" not in metrics


def pairs(num_rows):
    return [(row["text_a"], row["text_b"], row["label"]) for row in generate_nli("train", num_rows, 0.9, seed=0)]


def write_mnli(folder):
    """Three files as in multinli_1.0, one row without a gold label in each."""
    folder.mkdir(parents=True)
    rows = [
        {
            "annotator_labels": [label],
            "genre": "fiction",
            "gold_label": label if number else "-",
            "pairID": f"{number}e",
            "promptID": str(number),
            "sentence1": premise,
            "sentence1_parse": "(ROOT)",
            "sentence2": hypothesis,
            "sentence2_parse": "(ROOT)",
        }
        for number, (premise, hypothesis, label) in enumerate(pairs(120))
    ]
    parts = {"train": rows[:72], "dev_matched": [rows[0], *rows[72:96]], "dev_mismatched": [rows[0], *rows[96:]]}
    for name, part in parts.items():
        (folder / f"multinli_1.0_{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))


def write_hans(folder):
    """heuristics_evaluation_set.txt in its layout."""
    folder.mkdir(parents=True)
    header = "gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    lines = ["\t".join((header + "sentence2 pairID heuristic subcase template").split())]
    for number, (premise, hypothesis, label) in enumerate(pairs(24)):
        gold = "entailment" if label == "entailment" else "non-entailment"
        parses = ["( a )"] * 4
        rest = [f"ex{number}", ("lexical_overlap", "subsequence", "constituent")[number % 3], "cn", "temp1"]
        lines.append("\t".join([gold, *parses, premise, hypothesis, *rest]))
    (folder / "heuristics_evaluation_set.txt").write_text("\n".join(lines) + "\n")


# ---- configs/paper -----------------------------------------------------------------------------------------------


def hub_table(classes, rows, **columns):
    """A table as the hub has it: premise, hypothesis, label by number, and further columns."""
    features = {
        "premise": datasets.Value("string"),
        "hypothesis": datasets.Value("string"),
        "label": datasets.ClassLabel(names=list(classes)),
    }
    values = {
        "premise": [premise for premise, _, _ in rows],
        "hypothesis": [hypothesis for _, hypothesis, _ in rows],
        "label": [classes.index(label) for _, _, label in rows],
    }
    table = datasets.Dataset.from_dict(values, features=datasets.Features(features))
    for name, column in columns.items():
        table = table.add_column(name, column)
    return table


@pytest.fixture
def hub(monkeypatch):
    """Small tables in place of the hub's; the names that were asked for."""
    asked = []

    def load_dataset(path, name=None, split=None, revision=None):
        asked.append((path, name, split))
        rows = pairs(72) if split == "train" else pairs(120)[-24:]
        if (path, name) == ("nyu-mll/glue", "mnli"):
            return hub_table(NLI, rows, idx=list(range(len(rows))))
        assert (path, name, split) == ("jhu-cogsci/hans", None, "validation")
        merged = [(a, b, label if label == "entailment" else "non-entailment") for a, b, label in rows]
        return hub_table(("entailment", "non-entailment"), merged, heuristic=["subsequence"] * len(rows))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


@each(PAPER)
def test_a_papers_recipe_runs(path, brief, hub):
    folder = brief(path)
    assert (folder / "metrics.json").is_file()
    splits = load(path)["data"]["tasks"][0]["init_args"]["source"]["init_args"]["splits"]
    assert set(hub) == {(spec["path"], spec.get("name"), spec["split"]) for spec in splits.values()}


# ---- configs/studies ---------------------------------------------------------------------------------------------


@each(STUDIES)
def test_every_run_of_a_study_is_one_that_fit_knows(path, monkeypatch, tmp_path):
    monkeypatch.chdir(REPOSITORY)
    study = read_study(path)
    plan = make_plan(study)
    standings = find_standings(plan, tmp_path, make_resolver())
    assert {each.state for each in standings.values()} == {"new"}
    sizes = [math.prod(len(study.axes[axis]) for axis in kind.axes) for kind in study.kinds.values()]
    assert len(standings) == sum(sizes)
    assert study.cost.keys() == study.kinds.keys()


@each(STUDIES)
def test_every_value_of_a_studys_axis_makes_a_difference(path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    resolve = make_resolver()
    told_apart = {json.dumps({**resolve(run.arguments), "axes": run.kind}) for run in make_plan(read_study(path))}
    assert len(told_apart) == len(make_plan(read_study(path)))


# ---- as they are -------------------------------------------------------------------------------------------------


@each(ALL)
def test_it_parses_as_it_is_and_the_result_says_what_it_says(path, capsys):
    base = REPOSITORY / "configs/srnet_poe.yaml" if path in [*OVERLAYS, *SETTINGS] else path
    with pytest.raises(SystemExit) as stop:
        main(["fit", "--config", str(base), "--config", str(path), "--print_config"])
    assert stop.value.code == 0
    assert is_laid_over(yaml.safe_load(capsys.readouterr().out), load(path))


@each([*ALL, *STUDIES])
def test_its_header_gives_the_command_that_runs_it(path):
    header = path.read_text().split("\n\n")[0]
    comment = "".join(line for line in header.splitlines(keepends=True) if line.startswith("#"))
    (command,) = re.findall(r"^# +(lit_prune (?:fit|study) .*)$", comment, flags=re.MULTILINE)
    words = shlex.split(command)
    if path in STUDIES:
        assert words[1:3] == ["study", shipped(path)]
        return
    named = [value for option, value in pairwise(words) if option == "--config"]
    assert named[-1] == shipped(path)
    assert all((REPOSITORY / name).is_file() for name in named)
    assert named[0] == shipped(path) or path in [*OVERLAYS, *SETTINGS]


@each([*ALL, *STUDIES])
def test_the_files_that_its_comments_name_exist(path):
    comments = "".join(line for line in path.read_text().splitlines(keepends=True) if line.lstrip().startswith("#"))
    for name in re.findall(r"configs/[\w/.]*\w", comments):
        assert (REPOSITORY / name).exists(), name


def test_every_yaml_is_of_a_kind_that_is_tested():
    assert sorted(REPOSITORY.glob("configs/**/*.yaml")) == sorted([*ALL, *STUDIES])
