"""Every yaml that is shipped runs, on a tiny encoder, with few rows and for two steps a phase."""

import functools
import json
import math
import os
import re
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import datasets
import pyarrow.parquet as parquet
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from lit_prune.cli import main
from lit_prune.data import BiasAmplified, preparation
from lit_prune.data.generated.facts import generate_facts
from lit_prune.data.generated.nli import generate_nli
from lit_prune.data.generated.paraphrase import generate_paraphrase
from lit_prune.data.generated.reading import generate_reading
from lit_prune.data.generated.similarity import generate_similarity
from lit_prune.data.sources.generated import Biased, Generated
from lit_prune.export.trained import read_run
from lit_prune.paradigms import teacher
from lit_prune.sparsity.files import load_masks
from lit_prune.studies.plan import make_plan, select
from lit_prune.studies.resolution import START_FROM, resolving_once
from lit_prune.studies.standing import find_standings
from lit_prune.studies.study import read_study

REPOSITORY = Path(__file__).parents[1]
EXPERIMENTS = sorted(REPOSITORY.glob("configs/*.yaml"))
OVERLAYS = sorted(REPOSITORY.glob("configs/data/*.yaml"))
LONG = REPOSITORY / "configs/recipes/long.yaml"
RECIPES = sorted(REPOSITORY.glob("configs/recipes/*.yaml"))
COMPARISONS = [path for path in RECIPES if "\nruns:\n" in path.read_text()]
METHODS = [path for path in RECIPES if path not in (LONG, *COMPARISONS) and "\nexperiment:" not in path.read_text()]
SETTINGS = sorted(REPOSITORY.glob("configs/hardware/*.yaml"))
BACKBONES = sorted(REPOSITORY.glob("configs/backbone/*.yaml"))
STUDIES = [path for path in sorted(REPOSITORY.glob("configs/**/*.yaml")) if "\nruns:\n" in path.read_text()]
LIU2022 = REPOSITORY / "configs/papers/liu2022/paper"
PAPER = [path for path in sorted(LIU2022.glob("*.yaml")) if path not in STUDIES]
ON_MNLI = [path for path in PAPER if path.stem not in ("srnet_poe_mnli", "imp_mnli")]  # override the former
VARIANTS = sorted(LIU2022.glob("variants/*.yaml"))
PRUNING = [path for path in sorted(REPOSITORY.glob("configs/papers/xia2021/paper/*.yaml")) if path not in STUDIES]
OF_PRUNING = {"soft_movement": "sanh2020", "smp_s": "jiang2022", "obert_magnitude": "kurtic2022"}  # recipe: paper
PRUNING_RECIPES = [REPOSITORY / f"configs/recipes/{name}.yaml" for name in OF_PRUNING]
AT_SCALE = [REPOSITORY / f"configs/papers/{paper}/paper/{name}_mnli.yaml" for name, paper in OF_PRUNING.items()]
TUNING = sorted(REPOSITORY.glob("configs/tuning/*.yaml"))
FU2023 = REPOSITORY / "configs/papers/fu2023/paper/fu2023.yaml"
OF_FILES = [path for path in PAPER if "lit_prune.data.Files" in path.read_text()]
SHALLOW = REPOSITORY / "configs/data/nli_self_debiasing.yaml"
JTT = REPOSITORY / "configs/recipes/jtt.yaml"
OF_PAPERS = ("srnets_backbones", "srnets_fig4", "pruning_fig1a", "multitask_fig2", "multitask_table2")
OF_PAPERS += ("fu2023_table1", "fu2023_table2", "fu2023_fig5")
DEMOS = ("benchmark", "rank_benchmark", "pruning_fig1a", "multitask_low_resource", "fu2023_table1", "fu2023_table2")
LARGE = [path for path in STUDIES if path.stem in (OF_PAPERS if path.parent.name == "paper" else DEMOS)]
OF_OTHERS = [
    *METHODS,
    *ON_MNLI,
    *VARIANTS,
    *PRUNING,
    *AT_SCALE,
    *TUNING,
    FU2023,
]  # whose headers name what they override
LAID_OVER = [*OVERLAYS, *SETTINGS, LONG, *BACKBONES, *OF_OTHERS]
LISTS = [path for path in RECIPES if path not in (LONG, *COMPARISONS, *METHODS)]  # in tests/paradigms
ALL = [*EXPERIMENTS, *LAID_OVER, *LISTS, *[path for path in PAPER if path not in ON_MNLI]]

PHASES = {"dense", "mask", "rounds", "ticket", "prune", "search", "tune"}
NLI = ("entailment", "neutral", "contradiction")


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(REPOSITORY / "configs")))


def slowly(paths, slow):
    """The paths, those to be slow among them marked."""
    return [pytest.param(path, marks=pytest.mark.slow) if path in slow else path for path in paths]


def load(path):
    return yaml.safe_load(path.read_text())


def shipped(path):
    """The yaml's name as a command line in the repository has it."""
    return str(path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path)


def named_before(path):
    """The options of the configurations that the command in a yaml's header applies it on top of."""
    (named,) = re.findall(rf"^# +lit_prune fit (.*)--config {shipped(path)}", path.read_text(), re.MULTILINE)
    return [f"--config={REPOSITORY / each.strip()}" for each in named.split("--config ")[1:]]


def is_laid_over(value, overlay):
    """Whether a resolved configuration says what the overlay says, and more."""
    if isinstance(overlay, dict):
        return all(key in value and is_laid_over(value[key], overlay[key]) for key in overlay)
    if isinstance(overlay, list):
        return len(value) == len(overlay) and all(map(is_laid_over, value, overlay))
    return value["class_path"] == overlay if isinstance(value, dict) else value == overlay


@pytest.fixture(scope="session")
def tiny_backbone(random_bert):
    """One of as many positions as the longest `max_length` of the yamls, in place of all tests' own."""
    return random_bert(256)


@pytest.fixture
def few_rows(monkeypatch):
    """Generated corpora are small, whatever their yaml says."""
    few = {"num_train": 96, "num_eval": 24, "num_ood_train": 32}

    def shrink(kind):
        init = kind.__init__

        @functools.wraps(init)
        def small(self, *arguments, **options):
            init(self, *arguments, **options)
            vars(self).update({name: min(value, few[name]) for name, value in vars(self).items() if name in few})

        monkeypatch.setattr(kind, "__init__", small)

    shrink(Generated)
    shrink(Biased)
    shrink(BiasAmplified)
    drawn = preparation._drawn
    monkeypatch.setattr(preparation, "_drawn", lambda of, rows, size, seed: drawn(of, rows, min(size, 64), seed))


@pytest.fixture
def any_teacher(monkeypatch):
    """Two steps train no good one."""
    monkeypatch.setattr(teacher, "MARGIN", -1.0)


@pytest.fixture
def brief(experiment, tmp_path, few_rows, any_teacher):
    """A function that runs a configuration with its own tasks, two steps a phase: the folder it leaves behind."""

    def run(path, *arguments):
        own = load(path)
        for named in own["data"]["tasks"]:
            if named["class_path"] == "lit_prune.data.Task":
                named["init_args"].setdefault("merge", None)  # undoes what the overlay on NLI says
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
    assert {"nli/ood/auroc", "similarity/ood/spearman"} & metrics.keys()


@each([path for path in OVERLAYS if path.stem.startswith(("nli_", "paraphrase", "facts")) and path != SHALLOW])
def test_data_are_laid_over_an_experiment(path, brief):
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path))
    config = load(folder / "config.yaml")
    assert is_laid_over(config, load(path))
    (task,) = config["data"]["tasks"]
    assert f"{task['init_args']['name']}/ood/auroc" in json.loads((folder / "metrics.json").read_text())


@pytest.mark.filterwarnings("ignore:.*collapsed")
def test_a_shallow_model_is_the_bias_model_of_an_experiment(brief, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shallow = REPOSITORY / "configs/shallow.yaml"
    run = brief(shallow)
    (command,) = re.findall(r"`(lit_prune predict [^`]*)`", shallow.read_text().replace("\n#", ""))
    named = load(SHALLOW)["data"]["tasks"][0]["init_args"]["bias"]["init_args"]["path"]
    Path(named).parent.mkdir(parents=True)
    (tmp_path / "logs/shallow/version_0").symlink_to(run)
    assert main(shlex.split(command)[1:]) == 0
    assert len(parquet.read_table(named)) == 96  # also those that it was not trained on

    brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(SHALLOW), "--experiment", "debiased")
    folder = tmp_path / "runs/debiased/version_0"
    assert is_laid_over(load(folder / "config.yaml"), load(SHALLOW))
    base, *overlays = named_before(JTT)
    brief(Path(base.removeprefix("--config=")), *overlays, f"--config={JTT}", "--experiment=jtt")
    assert is_laid_over(load(tmp_path / "runs/jtt/version_0/config.yaml"), load(JTT))
    metrics = json.loads((folder / "metrics.json").read_text())
    rows = parquet.read_table(named).to_pylist()
    largest = [max(value for name, value in row.items() if name.startswith("probability_")) for row in rows]
    assert 1 / 3 < metrics["bias/nli/confidence"] <= max(largest)


@each([path for path in METHODS if path not in (JTT, *PRUNING_RECIPES)])
def test_a_method_is_laid_over_an_experiment(path, brief):
    (base,) = named_before(path)
    folder = brief(Path(base.removeprefix("--config=")), "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    if path.stem == "no_pruning":
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["sparsity"] == 0
        assert metrics["nli/id/loss"] == metrics["dense/nli/id/loss"]
    if path.stem == "target_task":
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["selection"] == metrics["similarity/validation/mean_correlation"]
        assert json.loads((folder / "run.json").read_text())["selection"] == {"similarity": "mean_correlation"}


def with_two_steps(path, folder):
    """A copy of an overlay for the encoder of the tests, with two steps a phase."""
    overlay = {name: value for name, value in load(path).items() if name not in ("encoder", "experiment")}
    for phase in PHASES & overlay["model"]["init_args"].keys():
        overlay["model"]["init_args"][phase] |= {"length": None, "steps": 2}
    if "trainer" in overlay:
        overlay["trainer"]["val_check_interval"] = 2
    if "data" in overlay:
        overlay["data"]["max_length"] = 48
    copy = folder / path.name
    copy.write_text(yaml.safe_dump(overlay))
    return copy


@each(PRUNING_RECIPES)
def test_a_recipe_of_pruning_is_laid_over_an_experiment(path, brief, tmp_path):
    (base,) = named_before(path)
    folder = brief(Path(base.removeprefix("--config=")), f"--config={with_two_steps(path, tmp_path)}")
    metrics = json.loads((folder / "metrics.json").read_text())
    sparsity = {"soft_movement": 0.0, "smp_s": 0.5, "obert_magnitude": 0.9}[path.stem]  # no score falls in two steps
    assert metrics["sparsity"] == pytest.approx(sparsity, abs=1e-3)
    assert metrics["steps"] == (4 if path.stem == "obert_magnitude" else 2)


@pytest.mark.parametrize("name", ["paraphrase", "facts"])
@pytest.mark.parametrize("base", ["srnet_ce", "dense"])
def test_generated_twins_are_laid_over_the_other_experiments(name, base, brief):
    path = REPOSITORY / f"configs/data/{name}.yaml"
    folder = brief(REPOSITORY / f"configs/{base}.yaml", "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    assert f"{name}/ood/auroc" in json.loads((folder / "metrics.json").read_text())


@pytest.fixture
def process_group():
    """What a distributed run leaves in this process goes again."""
    before = os.environ.copy()
    yield
    os.environ.clear()  # not replaced: libraries read the process' own environment
    os.environ.update(before)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@each(slowly(SETTINGS, [REPOSITORY / "configs/hardware/compile.yaml"]))
@pytest.mark.usefixtures("process_group")
def test_settings_are_laid_over_an_experiment(path, brief):
    here = ("--trainer.accelerator=cpu", "--trainer.devices=1")
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path), *here)
    resolved, laid_over = load(folder / "config.yaml"), load(path)
    for name in ("accelerator", "devices"):
        laid_over.get("trainer", {}).pop(name, None)
    assert is_laid_over(resolved, laid_over)
    assert (folder / "metrics.json").is_file()


@each(EXPERIMENTS)
def test_the_device_chooses_the_precision_of_an_experiment(path, resolve):
    assert resolve([f"--config={path}"])["trainer"].get("precision") is None


@each([path for path in EXPERIMENTS if path.stem.startswith("srnet_")])
def test_the_main_experiment_and_its_controls_are_of_one_length(path, resolve):
    def length(*paths):
        config = resolve([f"--config={each}" for each in paths])
        phases = {name: config["model"]["init_args"][name] for name in ("dense", "mask", "refresh_every", "schedule")}
        return phases, config["trainer"], config["data"]["batch_size"]

    main_experiment = REPOSITORY / "configs/srnet_poe.yaml"
    assert length(path) == length(main_experiment)
    assert length(path, LONG) == length(main_experiment, LONG) != length(main_experiment)


@pytest.mark.parametrize("name", ["srnets_claims", "srnets_fig2", "srnets_fig8"])
def test_the_studies_in_the_readme_are_of_the_length_that_it_prints(name, resolve, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    runs = make_plan(read_study(REPOSITORY / f"configs/papers/liu2022/demo/{name}.yaml"))
    masks = [run for run in runs if run.kind == "mask" and run.axes["seed"] == 1 and "epochs" not in run.axes]
    for run in masks:
        assert resolve(run.arguments)["model"]["init_args"]["mask"]["length"] == "3 epochs"


@each([*PAPER, *PRUNING, *AT_SCALE, FU2023])
def test_a_papers_setting_writes_out_the_precision_and_what_is_not_the_papers(path, resolve):
    config = resolve([*named_before(path), f"--config={path}"])
    written = load(LIU2022 / "srnet_poe_mnli.yaml" if path in ON_MNLI else path)["trainer"]["gradient_clip_val"]
    assert (written, config["trainer"]["gradient_clip_val"]) == (1.0, 1.0)
    assert config["trainer"]["precision"] == "32-true"
    assert config["data"]["group_by_length"] is False


@each(BACKBONES)
@pytest.mark.parametrize("base", [*EXPERIMENTS, *PAPER], ids=lambda path: path.stem)
def test_a_backbone_is_laid_over_every_experiment(path, base, resolve):
    options = [*named_before(base), f"--config={base}"] if base in ON_MNLI else [f"--config={base}"]
    resolved, plain = (resolve([*options, *overlay]) for overlay in ((f"--config={path}",), ()))
    overlay = load(path)["encoder"]
    assert overlay.pop("config") is None
    assert "config" not in resolved["encoder"]
    assert is_laid_over(resolved["encoder"], overlay)
    assert {**resolved, "encoder": None} == {**plain, "encoder": None}


@pytest.fixture
def published(tmp_path, monkeypatch, tiny_family):
    """Small random models under the hub's names in the working directory, with labels in an order of their own."""

    def publish(name):
        model_type = next((each for each in ("roberta", "modernbert") if each in name.lower()), "bert")
        shutil.copytree(tiny_family(model_type), tmp_path / name)
        path = tmp_path / name / "config.json"
        labels = {"id2label": {"0": "ENTAILMENT", "1": "NEUTRAL", "2": "CONTRADICTION"}}
        path.write_text(json.dumps({**json.loads(path.read_text()), **labels}))
        return model_type

    monkeypatch.chdir(tmp_path)
    return publish


@each(BACKBONES)
def test_a_backbone_is_pruned_and_its_logits_are_in_the_order_of_the_tasks_labels(path, brief, published):
    model_type = published(load(path)["encoder"]["backbone"])
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path))
    config = load(folder / "config.yaml")
    assert is_laid_over(config["encoder"], load(path)["encoder"])
    expected = {
        "roberta": ["heads.nli.dense", "heads.nli.out_proj"],
        "bert": ["encoder.backbone.pooler.dense", "heads.nli.classifier"],
        "modernbert": ["heads.nli.pre_classifier", "heads.nli.classifier"],
    }[model_type]
    names = [name.removesuffix(".weight") for name in load_masks(folder / "masks.safetensors")]
    assert [name for name in names if ".layer" not in name] == expected
    assert len(names) == 2 * (4 if model_type == "modernbert" else 6) + 2
    labels = config["data"]["tasks"][0]["init_args"]["labels"]
    assert (
        labels == list(read_run(folder, None).model.tasks["nli"].labels) == ["contradiction", "entailment", "neutral"]
    )
    rows = [row for row in parquet.read_table(folder / "predictions.parquet").to_pylist() if row["split"] == "id"]
    assert len(rows) == 24
    for row in rows:
        assert row["prediction"] == labels[row["logits"].index(max(row["logits"]))]
        shares = torch.tensor(row["logits"]).log_softmax(-1)
        assert row["loss"] == pytest.approx(-float(shares[labels.index(row["label"])]), rel=1e-5)


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


@pytest.mark.parametrize("meant", [None, "contradiction"])
def test_mnli_is_trained_with_hans_beside_it(brief, tmp_path, meant):
    write_mnli(tmp_path / "data" / "MNLI")
    for name in ("train", "evaluation"):
        write_hans(tmp_path / "data" / "HANS", f"heuristics_{name}_set.txt")
    path = REPOSITORY / "configs/data/mnli_hans_informed_files.yaml"
    if meant is not None:  # the paper's way
        overlay = load(path)
        overlay["data"]["tasks"][0]["init_args"]["ood_train"]["labels"] = {"non_entailment": meant}
        path = tmp_path / "papers.yaml"
        path.write_text(yaml.safe_dump(overlay))
    root = ("--data.root", str(tmp_path / "data"))
    folder = brief(REPOSITORY / "configs/srnet_ce.yaml", "--config", str(path), *root)
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    assert "nli/ood/auroc" in json.loads((folder / "metrics.json").read_text())


def test_a_loss_that_does_not_know_merged_classes_is_refused_before_any_time_is_spent(experiment, capsys):
    path = REPOSITORY / "configs/data/mnli_hans_informed_files.yaml"
    loss = "--model.init_args.loss=lit_prune.losses.Reweighting"
    code, folder = experiment("--config", str(path), "--data.root=nowhere", loss)
    assert code == 2
    assert re.search("loss must take labels of merged classes, .* got Reweighting", capsys.readouterr().err)
    assert not folder.exists()


@pytest.mark.filterwarnings("error:.*no ood_")
def test_qqp_and_paws_are_read_from_their_own_files(brief, tmp_path):
    write_qqp(tmp_path / "data" / "QQP")
    write_paws(tmp_path / "data" / "PAWS")
    path = REPOSITORY / "configs/data/qqp_files.yaml"
    root = ("--data.root", str(tmp_path / "data"))
    with pytest.warns(UserWarning, match=r"train.tsv: 2 rows lack a text or fields and are left out, .*train.tsv:2 fi"):
        folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path), *root)
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    names = {f"qqp/{split}/{f1}" for split in ("id", "ood_paws_qqp", "ood_paws_wiki") for f1 in ("f1", "f1_weighted")}
    assert names <= metrics.keys()
    curve = event_values(folder, "selection")
    assert curve[-1] == pytest.approx(metrics["qqp/validation/f1"])


@pytest.mark.filterwarnings("error:.*no ood_")
def test_fever_and_symmetric_are_read_from_their_own_files(brief, tmp_path):
    write_fever(tmp_path / "data")
    path = REPOSITORY / "configs/data/fever_files.yaml"
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path), "--data.root", str(tmp_path / "data"))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {f"fever/{split}/auroc" for split in ("id", "ood_symmetric_v1", "ood_symmetric_v2")} <= metrics.keys()
    assert "fever/id/accuracy_not_enough_info" in metrics
    assert "fever/ood_symmetric_v1/accuracy_not_enough_info" not in metrics


@pytest.mark.parametrize("name", ["fever_amplified_files", "fever_natural_files"])
def test_bias_amplified_fever_is_drawn_from_its_own_files(name, brief, tmp_path):
    write_fever(tmp_path / "data", num_train=1200, num_dev=240)
    path = REPOSITORY / f"configs/data/{name}.yaml"
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path), "--data.root", str(tmp_path / "data"))
    metrics = json.loads((folder / "metrics.json").read_text())
    splits = ("id", "ood_conflicting", "ood_symmetric_v1", "ood_symmetric_v2")
    assert {f"fever/{split}/auroc" for split in splits} <= metrics.keys()
    assert {f"fever/validation/accuracy_{group}" for group in ("aligned", "conflicting")} & metrics.keys()
    assert metrics["bias/fever/circular"] == 0
    out = tmp_path / "again.parquet"
    rows = ["--split", "ood_conflicting", "--root", str(tmp_path / "data")]
    assert main(["predict", str(folder), *rows, "--out", str(out)]) == 0
    said = [row for row in parquet.read_table(folder / "predictions.parquet").to_pylist() if row["split"] == rows[1]]
    assert parquet.read_table(out).column("id").to_pylist() == [row["id"] for row in said]


def test_bias_amplified_fever_and_its_control_differ_in_the_rate():
    amplified, natural = (
        load(REPOSITORY / f"configs/data/fever_{name}_files.yaml") for name in ("amplified", "natural")
    )
    (task,) = amplified["data"]["tasks"]
    assert task["init_args"]["source"]["init_args"].pop("rate") == 0.9
    (control,) = natural["data"]["tasks"]
    assert control["init_args"]["source"]["init_args"].pop("rate") is None
    assert amplified == natural
    (plain,) = load(REPOSITORY / "configs/data/fever_files.yaml")["data"]["tasks"]
    assert task["init_args"].pop("source")["init_args"]["source"] == plain["init_args"].pop("source")
    assert task == plain


def with_short_windows(path, folder):
    """A copy of an overlay whose windows of text fit the tiny encoder."""
    overlay = load(path)
    settings = [each["init_args"] for each in overlay["data"]["tasks"]]
    for windows in [each["windows"] for each in settings if "windows" in each]:
        windows |= {name: length // (windows["max_length"] // 48) for name, length in windows.items()}
    overlay["data"]["max_length"] = 48
    copy = folder / "short.yaml"
    copy.write_text(yaml.safe_dump(overlay))
    return copy


MACRO = {
    "mnli": "id/accuracy",
    "qqp": "id/f1",
    "squad": "id/f1",
    "qnli": "id/accuracy",
    "sst2": "id/accuracy",
    "mrpc": "id/mean_f1_accuracy",
    "stsb": "id/mean_correlation",
    "rte": "id/accuracy",
    "cola": "id/matthews",
}


@pytest.mark.parametrize("source", ["files", "hub"])
def test_the_nine_tasks_are_read_from_their_own_files_or_the_hub(source, brief, hub, tmp_path):
    write_glue(tmp_path / "data")
    path = with_short_windows(REPOSITORY / f"configs/data/glue_{source}.yaml", tmp_path)
    folder = brief(REPOSITORY / "configs/movement.yaml", "--config", str(path), "--data.root", str(tmp_path / "data"))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {f"{task}/{name}" for task, name in MACRO.items()} <= metrics.keys()
    rows = parquet.read_table(folder / "predictions.parquet", filters=[("split", "=", "id")]).to_pylist()
    assert {task: sum(row["task"] == task for row in rows) for task in MACRO} == dict.fromkeys(MACRO, 24)
    assert bool(hub) == (source == "hub")


def test_tasks_with_published_cuts_are_read_from_their_own_files(brief, tmp_path):
    data = REPOSITORY.parent / "shared/data"  # the cuts are of the whole official files
    if not data.is_dir():
        pytest.skip(f"{data} is not there")
    path = with_short_windows(REPOSITORY / "configs/data/fu2023_files.yaml", tmp_path)
    few = "--model.init_args.method.init_args.criterion.init_args.num_batches=2"
    folder = brief(REPOSITORY / "configs/sam.yaml", "--config", str(path), "--data.root", str(data), few)
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    rows = parquet.read_table(folder / "predictions.parquet").to_pylist()
    sizes = {(row["task"], row["split"]): 0 for row in rows}
    for row in rows:
        sizes[row["task"], row["split"]] += 1
    published = {"cola": (856, 1043), "stsb": (583, 1500), "rte": (249, 277), "cb": (25, 56)}
    published |= {"copa": (40, 100), "wsc": (59, 104)}
    for task, numbers in published.items():
        assert (sizes[task, "validation"], sizes[task, "id"]) == numbers
    assert sizes["mrpc", "id"] == 408
    assert "cola/validation/matthews" in json.loads((folder / "metrics.json").read_text())


def test_generated_twins_of_tasks_with_published_cuts_run(brief, tmp_path):
    path = with_short_windows(REPOSITORY / "configs/data/fu2023.yaml", tmp_path)
    few = "--model.init_args.method.init_args.criterion.init_args.num_batches=2"
    folder = brief(REPOSITORY / "configs/sam.yaml", "--config", str(path), few)
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    selected = {"cola": "matthews", "stsb": "mean_correlation", "mrpc": "mean_f1_accuracy"}
    for task in ("cola", "stsb", "mrpc", "rte", "cb", "copa", "wsc"):
        assert {f"{task}/{split}/{selected.get(task, 'accuracy')}" for split in ("validation", "id")} <= metrics.keys()


def test_generated_twins_have_the_names_labels_and_metrics_of_the_real_tasks():
    def told(path):
        return {
            each["init_args"]["name"]: (
                each["class_path"],
                *map(each["init_args"].get, ("labels", "positive", "selection")),
            )
            for each in load(path)["data"]["tasks"]
        }

    twins, real = (told(REPOSITORY / f"configs/data/{name}.yaml") for name in ("fu2023", "fu2023_files"))
    assert twins == real


FOUR = {"nli/ood/auroc", "paraphrase/ood/auroc", "reading/ood/f1", "similarity/ood/mean_correlation", "macro"}
SEVEN = {*FOUR, "acceptability/id/matthews", "facts/ood/auroc", "choice/id/accuracy"}


@pytest.mark.parametrize(("name", "expected"), [("four", FOUR), ("seven", SEVEN)])
def test_several_kinds_of_tasks_are_generated(name, expected, brief, tmp_path):
    path = with_short_windows(REPOSITORY / f"configs/data/multitask_{name}.yaml", tmp_path)
    folder = brief(REPOSITORY / "configs/rank_magnitude.yaml", "--config", str(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert expected <= metrics.keys()


def test_some_of_the_tasks_are_chosen(brief, tmp_path, capsys):
    path = with_short_windows(REPOSITORY / "configs/data/multitask_four.yaml", tmp_path)
    chosen = ("--config", str(path), "--data.only=[similarity, nli]")
    folder = brief(REPOSITORY / "configs/dense.yaml", *chosen)
    names = [name.split("/") for name in json.loads((folder / "metrics.json").read_text())]
    assert {task for task, *place in names if place[:1] == ["id"]} == {"nli", "similarity"}
    exported = ["export", str(folder), "--format", "dense", "--task", "similarity", "--out", str(tmp_path / "exported")]
    assert main(exported) == 0
    assert main(["fit", "--config", str(REPOSITORY / "configs/dense.yaml"), *chosen[:2], "--data.only=[sst2]"]) == 2
    assert "data.only must be names of data.tasks, each once, got ['sst2']" in capsys.readouterr().err


def test_likeness_is_generated_as_a_number(brief):
    path = REPOSITORY / "configs/data/similarity.yaml"
    folder = brief(REPOSITORY / "configs/dense.yaml", "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {f"similarity/{split}/mean_correlation" for split in ("id", "ood")} <= metrics.keys()


@pytest.mark.parametrize("base", ["dense", "movement", "imp"])
def test_topics_are_generated_as_sets_of_labels(brief, base):
    path = REPOSITORY / "configs/data/topics.yaml"
    folder = brief(REPOSITORY / f"configs/{base}.yaml", "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    names = ("f1_micro", "f1_macro", "f1_sport", "exact_match")
    assert {f"topics/{split}/{name}" for split in ("validation", "id", "ood") for name in names} <= metrics.keys()


@pytest.mark.parametrize("base", ["dense", "srnet_ce"])
def test_generated_texts_are_read_and_their_answers_recorded(brief, tmp_path, base):
    path = with_short_windows(REPOSITORY / "configs/data/reading.yaml", tmp_path)
    folder = brief(REPOSITORY / f"configs/{base}.yaml", "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {f"reading/{split}/{name}" for split in ("id", "ood") for name in ("exact_match", "f1")} <= metrics.keys()
    rows = parquet.read_table(folder / "predictions.parquet").to_pylist()
    assert sum(row["split"] == "id" for row in rows) == 24  # texts are longer than a window
    assert ("dense/reading/id/f1" in metrics) == (base == "srnet_ce")
    if base == "srnet_ce":
        assert not any(name.startswith("heads.") for name in load_masks(folder / "masks.safetensors"))
    assert main(["export", str(folder), "--format", "dense", "--out", str(tmp_path / "exported")]) == 0


def test_squad_is_read_from_its_own_files(brief, tmp_path):
    write_squad(tmp_path / "data" / "SQuAD")
    path = with_short_windows(REPOSITORY / "configs/data/squad_files.yaml", tmp_path)
    folder = brief(REPOSITORY / "configs/dense.yaml", "--config", str(path), "--data.root", str(tmp_path / "data"))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert event_values(folder, "selection")[-1] == pytest.approx(metrics["squad/validation/f1"])
    assert "squad/id/exact_match" in metrics
    rows = parquet.read_table(folder / "predictions.parquet", filters=[("split", "=", "id")]).to_pylist()
    expected = {row["id"]: row["answers"][0] for row in generate_reading("id", 24, 0.2, seed=0)}
    assert {row["id"]: row["label"] for row in rows} == expected


def test_entities_are_generated_with_a_bias(brief):
    path = REPOSITORY / "configs/data/entities.yaml"
    folder = brief(REPOSITORY / "configs/dense.yaml", "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {f"entities/{split}/{name}" for split in ("id", "ood") for name in ("f1", "f1_person")} <= metrics.keys()


@pytest.mark.parametrize("names", [("eng.train", "eng.testb"), ("train.txt", "test.txt")])
def test_entities_are_read_from_their_own_files(brief, tmp_path, names):
    sentence = (
        "-DOCSTART- -X- -X- O\n\nAda NNP B-NP {0}PER\nLovelace NNP I-NP I-PER\nsaw VBD B-VP O\nRome NNP B-NP {0}LOC\n\n"
    )
    for name, prefix in zip(names, ("I-", "B-"), strict=True):  # IOB1 as in 2003, and BIO
        (tmp_path / name).write_text(sentence.format(prefix) * 40)
    path = REPOSITORY / "configs/data/conll_files.yaml"
    folder = brief(REPOSITORY / "configs/dense.yaml", "--config", str(path), "--data.root", str(tmp_path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"ner/id/f1", "ner/id/f1_PER", "ner/validation/f1"} <= metrics.keys()
    rows = parquet.read_table(folder / "predictions.parquet", filters=[("split", "=", "id")]).to_pylist()
    assert {row["label"] for row in rows} == {"B-PER\tI-PER\tO\tB-LOC"}


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


def test_a_users_own_pairs_are_embedded(brief, tmp_path):
    rows = [f'"{premise}","{hypothesis}"' for premise, hypothesis, _ in pairs(80)]
    (tmp_path / "train.csv").write_text("question,answer\n" + "\n".join(rows) + "\n")
    path = REPOSITORY / "configs/data/own_pairs.yaml"
    own = ("--config", str(path), "--data.root", str(tmp_path))
    folder = brief(REPOSITORY / "configs/embeddings.yaml", *own)
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"own/id/ndcg_at_10", "own/validation/recall_at_1", "dense/own/id/ndcg_at_10"} <= metrics.keys()


def test_a_users_own_labels_are_pruned_on(brief, tmp_path):
    topics = ["", "sport", "politics", "sport;politics"]
    lines = [f'"{premise}, then",{topics[number % 4]}' for number, (premise, _, _) in enumerate(pairs(80))]
    (tmp_path / "train.csv").write_text("text,labels\n" + "\n".join(lines) + "\n")
    path = REPOSITORY / "configs/data/own_labels.yaml"
    folder = brief(REPOSITORY / "configs/movement.yaml", "--config", str(path), "--data.root", str(tmp_path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"own/id/f1_micro", "own/id/f1_sport", "own/validation/threshold_politics"} <= metrics.keys()


def test_a_users_own_numbers_are_pruned_on(brief, tmp_path):
    lines = [f'"{premise}, then",{number / 8}' for number, (premise, _, _) in enumerate(pairs(80))]
    (tmp_path / "train.csv").write_text("text,score\n" + "\n".join(lines) + "\n")
    path = REPOSITORY / "configs/data/own_regression.yaml"
    folder = brief(REPOSITORY / "configs/movement.yaml", "--config", str(path), "--data.root", str(tmp_path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"own/id/r2", "own/id/mean_absolute_error", "own/validation/r2"} <= metrics.keys()


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


def write_hans(folder, name="heuristics_evaluation_set.txt"):
    """A file of HANS in its layout."""
    folder.mkdir(parents=True, exist_ok=True)
    header = "gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse sentence1 "
    lines = ["\t".join((header + "sentence2 pairID heuristic subcase template").split())]
    for number, (premise, hypothesis, label) in enumerate(pairs(24)):
        gold = "entailment" if label == "entailment" else "non-entailment"
        parses = ["( a )"] * 4
        rest = [f"ex{number}", ("lexical_overlap", "subsequence", "constituent")[number % 3], "cn", "temp1"]
        lines.append("\t".join([gold, *parses, premise, hypothesis, *rest]))
    (folder / name).write_text("\n".join(lines) + "\n")


def event_values(folder, name):
    events = EventAccumulator(str(folder))
    events.Reload()
    return [event.value for event in events.Scalars(name)]


def write_qqp(folder):
    """GLUE's train and dev; of train a line lacks a question, and another fields."""
    folder.mkdir(parents=True)
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    for name, split, size in (("train", "train", 80), ("dev", "id", 24)):
        lines = [
            f"{number}\t{number}a\t{number}b\t{row['text_a']}\t{row['text_b']}\t{int(row['label'] == 'duplicate')}\n"
            for number, row in enumerate(generate_paraphrase(split, size, 0.9, seed=0))
        ]
        broken = ["x\tx1\tx2\tWho?\t\t0\n", "y\ty1\ty2\tWho?\n"] if name == "train" else []
        (folder / f"{name}.tsv").write_text("".join([header, *broken, *lines]))


def write_glue(folder):
    """The nine tasks of GLUE and SQuAD's authors, as these publish their files."""
    write_mnli(folder / "MNLI")
    write_qqp(folder / "QQP")
    write_squad(folder / "SQuAD")
    for split, number in (("train", 72), ("dev", 24)):
        rows = pairs(number)
        likeness = [row["label"] for row in generate_similarity("train", number, 0.9, seed=0)]
        entailed = ["entailment" if label == "entailment" else "not_entailment" for _, _, label in rows]
        numbered = list(enumerate(zip(rows, entailed, likeness, strict=True)))
        lines = {
            "QNLI": ["index\tquestion\tsentence\tlabel"]
            + [f"{index}\t{a}\t{b}\t{label}" for index, ((a, b, _), label, _) in numbered],
            "SST-2": ["sentence\tlabel"] + [f"{b} {index} \t{index % 2}" for index, ((_, b, _), _, _) in numbered],
            "MRPC": ["\ufeffQuality\t#1 ID\t#2 ID\t#1 String\t#2 String", "1\t7\t8\tIncomplete."]
            + [f"{index % 2}\t{index}\t{index}b\t{a}\t{b}" for index, ((a, b, _), _, _) in numbered],
            "STS-B": ["index\tgenre\tsentence1\tsentence2\tscore"]
            + [f"{index}\tnews\t{a}\t{b}\t{score}.000" for index, ((a, b, _), _, score) in numbered],
            "RTE": ["index\tsentence1\tsentence2\tlabel"]
            + [f"{index}\t{a}\t{b}\t{label}" for index, ((a, b, _), label, _) in numbered],
            "CoLA": [f"gj04\t{index % 2}\t*\t{b} {index}" for index, ((_, b, _), _, _) in numbered],
        }
        for name, content in lines.items():
            (folder / name).mkdir(exist_ok=True)
            (folder / name / f"{split}.tsv").write_text("\n".join(content) + "\n")


def write_paws(folder):
    """PAWS-QQP as its generator writes it, and PAWS-Wiki's test set."""
    for name, literal in (("qqp/dev_and_test.tsv", True), ("wiki/test.tsv", False)):
        lines = ["id\tsentence1\tsentence2\tlabel\n"]
        for number, row in enumerate(generate_paraphrase("ood", 24, 0.9, seed=0)):
            texts = [repr(text.encode()) if literal else text for text in (row["text_a"], row["text_b"])]
            lines.append("\t".join([str(number), *texts, str(int(row["label"] == "duplicate"))]) + "\n")
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("".join(lines))


def write_fever(root, num_train=80, num_dev=24):
    """FEVER and both Symmetric sets, each file with its own keys."""
    published = {"supports": "SUPPORTS", "refutes": "REFUTES", "not_enough_info": "NOT ENOUGH INFO"}
    files = {
        "FEVER/fever.train.jsonl": ("train", num_train, "evidence", "gold_label"),
        "FEVER/fever.dev.jsonl": ("id", num_dev, "evidence", "gold_label"),
        "FEVER-Symmetric/fever_symmetric_generated.jsonl": ("ood", 24, "evidence_sentence", "label"),
        "FEVER-Symmetric/fever_symmetric_test.jsonl": ("ood_train", 24, "evidence", "gold_label"),
    }
    for name, (split, size, evidence, label) in files.items():
        rows = [
            {"id": row["id"], "claim": row["text_a"], evidence: row["text_b"], label: published[row["label"]]}
            for row in generate_facts(split, size, 0.9, seed=0)
        ]
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_squad(folder):
    """Train and dev as SQuAD's authors publish them, two questions an article."""
    folder.mkdir(parents=True)
    for name, split, size in (("train", "train", 60), ("dev", "id", 24)):
        paragraphs = [
            {
                "context": row["text_b"],
                "qas": [
                    {
                        "id": row["id"],
                        "question": row["text_a"],
                        "answers": [{"text": row["answers"][0], "answer_start": row["starts"][0]}],
                    }
                ],
            }
            for row in generate_reading(split, size, 0.2, seed=0)
        ]
        articles = [{"title": "a", "paragraphs": paragraphs[::2]}, {"title": "b", "paragraphs": paragraphs[1::2]}]
        (folder / f"{name}-v1.1.json").write_text(json.dumps({"version": "1.1", "data": articles}))


# ---- the hub: configs/papers/*/paper, configs/data/*_hub ---------------------------------------------------------


def hub_table(classes, rows, texts=("premise", "hypothesis"), **columns):
    """A table as the hub has it: two texts, label by number, and further columns."""
    features = {
        **dict.fromkeys(texts, datasets.Value("string")),
        "label": datasets.ClassLabel(names=list(classes)),
    }
    values = {
        texts[0]: [first for first, _, _ in rows],
        texts[1]: [second for _, second, _ in rows],
        "label": [classes.index(label) for _, _, label in rows],
    }
    table = datasets.Dataset.from_dict(values, features=datasets.Features(features))
    for name, column in columns.items():
        table = table.add_column(name, column)
    return table


GLUE = {
    "qnli": (("question", "sentence"), ("entailment", "not_entailment")),
    "rte": (("sentence1", "sentence2"), ("entailment", "not_entailment")),
    "mrpc": (("sentence1", "sentence2"), ("not_equivalent", "equivalent")),
    "sst2": (("sentence", "other"), ("negative", "positive")),
    "cola": (("sentence", "other"), ("unacceptable", "acceptable")),
}


def other_table(name, rows, split):
    """Another of GLUE's tables, or SQuAD's (no name)."""
    numbers = list(range(len(rows)))
    if name is None:
        questions = generate_reading("train" if split == "train" else "id", len(rows), 0.2, seed=0)
        answered = [
            {
                "id": row["id"],
                "title": "",
                "context": row["text_b"],
                "question": row["text_a"],
                "answers": {"text": row["answers"], "answer_start": row["starts"]},
            }
            for row in questions
        ]
        return datasets.Dataset.from_list(answered)
    if name == "stsb":
        firsts, seconds = [first for first, _, _ in rows], [second for _, second, _ in rows]
        scores = [float(number % 6) for number in numbers]
        return datasets.Dataset.from_dict({"sentence1": firsts, "sentence2": seconds, "label": scores, "idx": numbers})
    texts, classes = GLUE[name]
    labelled = [(f"{first} {number}", second, classes[number % 2]) for number, (first, second, _) in enumerate(rows)]
    return hub_table(classes, labelled, texts, idx=numbers)


@pytest.fixture
def hub(monkeypatch):
    """Small tables in place of the hub's; the names that were asked for."""
    asked = []

    def load_dataset(path, name=None, split=None, revision=None):
        asked.append((path, name, split))
        rows = pairs(72) if split == "train" else pairs(120)[-24:]
        if (path, name) == ("nyu-mll/glue", "mnli"):
            return hub_table(NLI, rows, idx=list(range(len(rows))))
        if (path, name) in (("nyu-mll/glue", "qqp"), ("google-research-datasets/paws", "labeled_final")):
            number = "id" if split == "test" else "idx"
            classes = ("0", "1") if split == "test" else ("not_duplicate", "duplicate")
            texts = ("sentence1", "sentence2") if split == "test" else ("question1", "question2")
            rows = [(a, b, classes[label == "entailment"]) for a, b, label in rows]
            return hub_table(classes, rows, texts, **{number: list(range(len(rows)))})
        if path in ("nyu-mll/glue", "rajpurkar/squad"):
            return other_table(name, rows, split)
        assert (path, name) == ("jhu-cogsci/hans", None)
        assert split in ("train", "validation")
        merged = [(a, b, label if label == "entailment" else "non-entailment") for a, b, label in rows]
        return hub_table(("entailment", "non-entailment"), merged, heuristic=["subsequence"] * len(rows))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return asked


def asked_by(path):
    splits = load(path)["data"]["tasks"][0]["init_args"]["source"]["init_args"]["splits"]
    return {(spec["path"], spec.get("name"), spec["split"]) for spec in splits.values()}


@pytest.fixture
def whole(resolve, tmp_path):
    """A function: a configuration with all that its header applies it on top of, as one file."""

    def write(path):
        file = tmp_path / path.name
        file.write_text(yaml.safe_dump(resolve([*named_before(path), f"--config={path}"])))
        return file

    return write


@each([path for path in PAPER if path not in OF_FILES])
def test_a_papers_recipe_runs(path, brief, hub, whole):
    assert (brief(whole(path), "--experiment=e2e") / "metrics.json").is_file()
    assert set(hub) == asked_by(whole(path))


@each(OF_FILES)
def test_a_papers_recipe_of_files_runs(path, brief, whole, tmp_path):
    write_qqp(tmp_path / "QQP")
    write_paws(tmp_path / "PAWS")
    write_fever(tmp_path)
    folder = brief(whole(path), "--experiment=e2e", "--data.root", str(tmp_path))
    assert is_laid_over(load(folder / "config.yaml")["data"]["tasks"], load(path)["data"]["tasks"])
    final = 0.9 if path.stem.startswith("imp_") else 0.7  # the last round
    assert json.loads((folder / "metrics.json").read_text())["sparsity"] == pytest.approx(final, abs=2e-3)


@pytest.mark.slow
@each(VARIANTS)
@pytest.mark.usefixtures("hub")
def test_a_variant_of_a_papers_recipe_runs(path, brief, whole, tmp_path):
    folder = brief(whole(path), f"--experiment={load(path)['experiment']}")
    metrics = json.loads((tmp_path / "runs" / load(path)["experiment"] / folder.name / "metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(0.7, abs=2e-3)


@each(VARIANTS)
def test_a_variant_changes_the_way_and_nothing_of_the_data(path, resolve):
    base = resolve(named_before(path))
    varied = resolve([*named_before(path), f"--config={path}"])
    for name in ("data", "encoder"):
        assert varied[name] == base[name]
    assert varied["experiment"] == f"{path.stem}_mnli"
    assert varied["model"] != base["model"]


@each(TUNING)
def test_a_way_of_tuning_runs(path, brief, whole, tmp_path):
    folder = brief(whole(path), f"--experiment={load(path)['experiment']}")
    folder = tmp_path / "runs" / load(path)["experiment"] / folder.name
    assert is_laid_over(
        load(folder / "config.yaml")["model"]["init_args"]["method"], load(path)["model"]["init_args"]["method"]
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    assert 0 < metrics["tuned_share"] <= 1
    assert metrics["steps"] == 2 * len(PHASES & load(path)["model"]["init_args"].keys() | {"tune"})


def test_the_papers_way_of_tuning_stops_when_nothing_improves(experiment, tmp_path):
    overlay = load(FU2023)
    del overlay["encoder"]
    overlay["model"]["init_args"]["tune"]["learning_rate"] = 1e-12
    overlay["model"]["init_args"]["method"]["init_args"]["criterion"]["init_args"]["num_batches"] = 2
    overlay["trainer"]["val_check_interval"] = 2
    (stop,) = overlay["trainer"]["callbacks"]
    stop["init_args"]["patience"] = 3
    (tmp_path / "fu2023.yaml").write_text(yaml.safe_dump(overlay))
    code, folder = experiment("--config", str(tmp_path / "fu2023.yaml"), "--experiment=e2e", config="configs/sam.yaml")
    assert code == 0
    metrics = json.loads((folder / "metrics.json").read_text())
    assert (metrics["step"], metrics["steps"]) == (2, 8)
    assert metrics["steps_planned"] % 10_000 == 0


@pytest.mark.slow
@each(PRUNING)
@pytest.mark.usefixtures("hub")
def test_pruning_at_the_papers_scale_runs(path, brief, tmp_path):
    base, data = (Path(each.removeprefix("--config=")) for each in named_before(path))
    overlay = {name: value for name, value in load(path).items() if name not in ("encoder", "experiment")}
    overlay["data"]["max_length"] = 48
    overlay["model"]["init_args"]["prune"] |= {"length": "2 steps"}
    overlay["trainer"]["val_check_interval"] = 2
    (tmp_path / path.name).write_text(yaml.safe_dump(overlay))
    folder = brief(base, f"--config={with_short_windows(data, tmp_path)}", f"--config={tmp_path / path.name}")
    metrics = json.loads((folder / "metrics.json").read_text())
    final = overlay["model"]["init_args"]["schedule"]["init_args"]["final"]
    assert metrics["sparsity"] == pytest.approx(final, abs=0.04)  # of the few ranks of a tiny encoder
    evaluated = {name.split("/")[0] for name in metrics if name.split("/")[1:2] == ["id"]}
    assert evaluated == set(overlay["data"].get("only", MACRO))


@pytest.mark.slow
@pytest.mark.parametrize("model_type", ["bert", "modernbert"])
@each(AT_SCALE)
@pytest.mark.usefixtures("hub")
def test_a_recipe_of_pruning_at_its_papers_scale_runs(path, model_type, brief, tmp_path, tiny_family):
    base, recipe, data = (Path(each.removeprefix("--config=")) for each in named_before(path))
    overlays = (recipe, with_short_windows(data, tmp_path), with_two_steps(path, tmp_path))
    arguments = [*(f"--config={each}" for each in overlays), f"--encoder.backbone={tiny_family(model_type)}"]
    if (recipe.stem, model_type) == ("smp_s", "modernbert"):
        arguments.append("--model.init_args.targets=[query_key_value, attention_output, intermediate, output]")
    folder = brief(base, *arguments)
    masks = load_masks(folder / "masks.safetensors")
    assert len(masks) == 2 * {"bert": 6, "modernbert": 4}[model_type]
    sparsity = {"soft_movement": 0.0, "smp_s": 0.9, "obert_magnitude": 0.97}[recipe.stem]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["sparsity"] == pytest.approx(sparsity, abs=2e-3)  # of tiny matrices
    assert {name.split("/")[0] for name in metrics if name.split("/")[1:2] == ["id"]} == {"mnli"}


@each([path for path in OVERLAYS if path.stem.endswith("_hub") and path.stem != "glue_hub"])
def test_data_of_the_hub_are_laid_over_an_experiment(path, brief, hub):
    folder = brief(REPOSITORY / "configs/srnet_poe.yaml", "--config", str(path))
    assert is_laid_over(load(folder / "config.yaml"), load(path))
    assert set(hub) == asked_by(path)


# ---- studies -----------------------------------------------------------------------------------------------------


@each(slowly(STUDIES, LARGE))
def test_every_run_of_a_study_is_one_that_fit_knows_and_another(path, monkeypatch, tmp_path, resolve):
    monkeypatch.chdir(REPOSITORY)
    study = read_study(path)
    for number, arguments in enumerate(study.axes["seed"].values(), start=1):
        assert f"--seed_everything={number}" in arguments
    plan = select(make_plan(study), ["seed=1"])  # the others say the same but for their seed
    resolve_once = resolving_once(resolve)
    standings = find_standings(plan, tmp_path, resolve_once)
    assert {each.state for each in standings.values()} == {"new"}
    sizes = [
        math.prod(len(kind.where.get(axis, study.axes[axis])) for axis in kind.axes if axis != "seed")
        for kind in study.kinds.values()
    ]
    assert len(standings) == sum(sizes)

    def resolved(run):
        start = () if run.ancestor is None else (f"--{START_FROM}={standings[run.ancestor].folder}",)
        config = resolve_once((*run.arguments, *start))
        return json.dumps({**config, "axes": config["axes"].get("run")})

    assert len({resolved(run) for run in plan}) == len(plan)
    assert study.cost.keys() == study.kinds.keys()


def tasks_of(run):
    """Names of the tasks that a run of a study is trained on; all have the empty beginning."""
    only = [argument.partition("=")[2] for argument in run.arguments if argument.startswith("--data.only=")]
    return tuple(json.loads(only[-1])) if only else ("",)


@each(slowly(STUDIES, [path for path in STUDIES if path.parent.name == "paper"]))
def test_what_a_study_is_to_report_can_be_reported(path, monkeypatch, tmp_path):
    monkeypatch.chdir(REPOSITORY)
    plan, said = make_plan(read_study(path)), load(path)["report"]
    for number, run in enumerate(plan):  # what its runs leave behind, without the runs
        place = tmp_path / run.name / "version_0"
        place.mkdir(parents=True)
        figures = dict.fromkeys(["accuracy", "accuracy_non_entailment", "auroc"], 0.5 + number / 200)
        metrics = {f"nli/{split}/{name}": value for split in ("id", "ood") for name, value in figures.items()}
        chosen_by = [name.replace("/id/", "/validation/") for name in said["metrics"]]
        metrics |= dict.fromkeys([*said["metrics"], *chosen_by, "selection"], 0.5 + number / 200)
        for name in ("parameter_density", "stored_density"):
            if name in metrics:
                metrics[name] = 1 - run.axes.get("sparsity", 0)
        if {"mixtures", "gather"} & said.keys():  # a run knows the tasks that it is trained on
            known = (*tasks_of(run), "parameter_density", "stored_density", "selection")
            metrics = {name: value for name, value in metrics.items() if name.startswith(known)}
        metrics |= {"sparsity": next((value for axis, value in run.axes.items() if axis.endswith("sparsity")), 0.0)}
        if run.kind == "imp":
            metrics |= {f"round_1/{name}": value for name, value in metrics.items()}
            metrics |= {"round_1/sparsity": 0.5, "round_1/step": 10, "sparsity": 0.9}
        (place / "metrics.json").write_text(json.dumps(metrics))
        record = {"id": run.name, "experiment": run.name, "axes": dict(run.axes), "status": "completed"}
        (place / "run.json").write_text(json.dumps(record))
        for curves in said.get("curves", []):
            with SummaryWriter(str(place)) as writer:
                for scalar in [*curves["scalars"], *filter(None, [curves.get("since")])]:
                    writer.add_scalar(scalar, 1.0, 1)
    (tmp_path / "study.yaml").write_text(path.read_text())
    assert main(["report", str(tmp_path)]) == 0
    text = (tmp_path / "report.md").read_text()
    assert "Missing" not in text
    for figure in [*said.get("figures", []), *said.get("curves", []), *said.get("mixtures", [])]:
        assert (tmp_path / "figures" / f"{figure['name']}.png").is_file()
    for mixture in said.get("mixtures", []):
        (row,) = re.findall(rf"against mixtures: {mixture['name']}\n\n.*\n.*\n(.*) \|\n", text)
        assert row.split(" | ")[-1] != "-"  # its seed has mixtures
    assert ("## Differences from" in text) == ("reference" in said)
    if "gather" in said:  # a row has the mean of all tasks, unless its models know some of them only
        header, _, *rows = text.split("## Results\n\n")[1].split("\n\n")[0].splitlines()
        names = header.strip("| ").split(" | ")
        cells = [dict(zip(names, row.strip("| ").split(" | "), strict=True)) for row in rows]
        kinds = load(path)["runs"]
        assert len(cells) == len({(run.kind, *map(run.axes.get, ("sparsity", "ranks", "share"))) for run in plan})
        with_mean = {each.get("run", plan[0].kind) for each in cells if each["mean"] != "-"}
        assert with_mean == {name for name in kinds if "data.only" not in kinds[name].get("settings", {})}


# ---- as they are -------------------------------------------------------------------------------------------------


@each(ALL)
def test_it_parses_as_it_is_and_the_result_says_what_it_says(path, capsys):
    before = []
    if path in LAID_OVER:
        before = [f"--config={REPOSITORY / 'configs/srnet_poe.yaml'}"]
        before = named_before(path) if path in OF_OTHERS else before
    with pytest.raises(SystemExit) as stop:
        main(["fit", *before, "--config", str(path), "--print_config"])
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
    assert named[0] == shipped(path) or path in LAID_OVER


@each([*ALL, *STUDIES])
def test_the_files_that_its_comments_name_exist(path):
    comments = "".join(line for line in path.read_text().splitlines(keepends=True) if line.lstrip().startswith("#"))
    for name in re.findall(r"configs/[\w/.]*\w", comments):
        assert (REPOSITORY / name).exists(), name


def test_every_yaml_is_of_a_kind_that_is_tested():
    assert sorted(REPOSITORY.glob("configs/**/*.yaml")) == sorted([*ALL, *STUDIES])
