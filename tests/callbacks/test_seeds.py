"""Three seeds of one small configuration, and what the later ones say of all, against plain arithmetic over files."""

import json
import math
import statistics
import warnings
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
import yaml
from run_helpers import copy_runs
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lit_prune.callbacks import seeds as module
from lit_prune.callbacks.seeds import SeedStability, find_siblings, mask_overlap, pairwise_disagreement
from lit_prune.cli import main
from lit_prune.sparsity.files import load_masks, save_masks


def read(path):
    return json.loads(path.read_text())


def write(path, values):
    path.write_text(json.dumps(values))


def run(study, seed, version=0):
    return study / f"seed={seed}" / f"version_{version}"


@pytest.fixture(scope="module")
def study(tmp_path_factory, small):
    """The folder of three seeds that learn something, of a mask; only to read."""
    out = tmp_path_factory.mktemp("stability") / "out"
    configs = [part for path in small("configs/srnet_poe.yaml") for part in ("--config", path)]
    learns = ("--model.init_args.dense.steps=60", "--model.init_args.dense.learning_rate=5e-3")
    command = ["stability", *configs, "--out", str(out), "--seeds=1..3", *learns]
    assert main([*command, "--trainer.val_check_interval=20", "--trainer.enable_progress_bar=false"]) == 0
    return out


@pytest.fixture(scope="module")
def folders(study):
    return [run(study, seed) for seed in (1, 2, 3)]


@pytest.fixture(scope="module")
def values(folders):
    return read(folders[-1] / "stability.json")


@pytest.fixture
def copied(study, tmp_path):
    """A copy of the study, to be changed; its runs have compared nothing yet."""
    out = copy_runs(study, tmp_path / "out")
    for path in out.rglob("stability.json"):
        path.unlink()
    return out


def compare(folder, rank=0):
    """What a run that has just ended in this folder compares, and what it logs; None: nothing."""
    logged = []
    logger = SimpleNamespace(log_metrics=lambda values, step: logged.append((step, values)))
    trainer = SimpleNamespace(is_global_zero=rank == 0, loggers=[logger], global_step=80)
    SeedStability().on_fit_end(trainer, SimpleNamespace(folder=folder))
    path = folder / "stability.json"
    assert bool(logged) == path.is_file()
    return read(path) if path.is_file() else None


# ---- a true study --------------------------------------------------------------------------------------------------


def test_each_run_compares_those_before_it(folders):
    assert not (folders[0] / "stability.json").exists()
    assert [read(folder / "stability.json")["seeds"] for folder in folders[1:]] == [2, 3]


def test_what_is_compared(values):
    sets = [f"nli/{split}" for split in ("id", "ood")]
    figures = ("mean", "std", "min", "max", "rank")
    expected = {f"{name}/{metric}/{each}" for name in sets for metric in ("accuracy", "auroc") for each in figures}
    expected |= {f"{name}/disagreement" for name in sets} | {"seeds", "mask_overlap", "mask_overlap_by_chance"}
    assert set(values) == expected, "and nothing of the validation cut, whose rows are others for each seed"


@pytest.mark.parametrize("metric", ["nli/id/accuracy", "nli/id/auroc", "nli/ood/accuracy", "nli/ood/auroc"])
def test_metrics_over_seeds(folders, values, metric):
    each = [read(folder / "metrics.json")[metric] for folder in folders]
    assert values[f"{metric}/mean"] == pytest.approx(statistics.mean(each))
    assert values[f"{metric}/std"] == pytest.approx(statistics.stdev(each))
    assert (values[f"{metric}/min"], values[f"{metric}/max"]) == (min(each), max(each))
    assert values[f"{metric}/rank"] == 1 + sorted(each, reverse=True).index(each[-1])


def test_seeds_differ_at_all(values):
    assert values["nli/ood/auroc/std"] > 0
    assert values["nli/ood/disagreement"] > 0


@pytest.mark.parametrize("split", ["id", "ood"])
def test_disagreement_of_the_predictions_on_disk(folders, values, split):
    predicted = []
    for folder in folders:
        rows = pa.parquet.read_table(folder / "predictions.parquet").to_pylist()
        predicted.append({row["id"]: row["prediction"] for row in rows if row["split"] == split})
    shares = [sum(one[row] != other[row] for row in one) / len(one) for one, other in combinations(predicted, 2)]
    assert {len(each) for each in predicted} == {60}
    assert values[f"nli/{split}/disagreement"] == pytest.approx(statistics.mean(shares))


def test_overlap_of_the_masks_on_disk(folders, values):
    masks = [
        torch.cat([keep.flatten() for keep in load_masks(each / "masks.safetensors").values()]) for each in folders
    ]
    overlaps = [float((one & other).sum() / (one | other).sum()) for one, other in combinations(masks, 2)]
    assert values["mask_overlap"] == pytest.approx(statistics.mean(overlaps))
    assert values["mask_overlap_by_chance"] == pytest.approx(1 / 3, abs=0.005), "half of everything: 1/4 of 3/4"
    assert values["mask_overlap_by_chance"] < values["mask_overlap"] < 1


def test_tensorboard_shows_the_same_at_the_last_step(folders, values):
    events = EventAccumulator(str(folders[-1]), size_guidance={"scalars": 0}).Reload()
    tags = [tag for tag in events.Tags()["scalars"] if tag.startswith("stability/")]
    shown = {}
    for tag in tags:
        (event,) = events.Scalars(tag)
        assert event.step == 80
        shown[tag.removeprefix("stability/")] = event.value
    assert shown == pytest.approx(values)


def test_a_run_without_siblings_compares_nothing(plain_run, monkeypatch):
    monkeypatch.setattr(module, "read_seed", lambda folder: pytest.fail("it read a run"))
    assert compare(plain_run) is None


def test_a_dense_model_has_no_overlap(copied):
    for path in copied.rglob("masks.safetensors"):
        path.unlink()
    assert not [name for name in compare(run(copied, 3)) if "mask" in name]


# ---- who is a sibling ----------------------------------------------------------------------------------------------


def copy(folder, version):
    return copy_runs(folder, folder.with_name(f"version_{version}"))


def change(path, change):
    values = yaml.safe_load(path.read_text())
    change(values)
    path.write_text(yaml.safe_dump(values) if path.suffix == ".yaml" else json.dumps(values))


def test_siblings_are_the_other_seeds(copied):
    assert find_siblings(run(copied, 2)) == [run(copied, 1), run(copied, 3)]


def test_the_newest_version_counts(copied):
    for version in (1, 2, 10):
        copy(run(copied, 1), version)
    assert find_siblings(run(copied, 2)) == [run(copied, 1, 10), run(copied, 3)]


def test_one_that_is_not_complete_does_not_count(copied):
    (copy(run(copied, 1), 1) / "metrics.json").unlink()
    (run(copied, 3) / "metrics.json").unlink()
    assert find_siblings(run(copied, 2)) == [run(copied, 1)]


@pytest.mark.parametrize(
    ("file", "how"),
    [
        ("config.yaml", lambda config: config["data"].update(batch_size=3)),
        ("config.yaml", lambda config: config["model"]["init_args"].update(start_from="elsewhere")),
        ("config.yaml", dict.clear),
        ("run.json", lambda record: record["axes"].update(loss="ce")),
    ],
)
def test_other_settings_are_no_sibling(copied, file, how):
    change(copy(run(copied, 1), 1) / file, how)
    change(run(copied, 3) / file, how)
    assert find_siblings(run(copied, 2)) == [run(copied, 1)]


def test_a_run_that_cannot_be_told_from_others_has_no_siblings(copied):
    for seed in (1, 2, 3):
        (run(copied, seed) / "config.yaml").unlink()
    assert find_siblings(run(copied, 2)) == []


def test_other_axes_lie_in_other_folders(copied):
    for loss in ("ce", "poe"):
        for seed in (1, 2):
            folder = copied / "mask" / f"loss={loss}" / f"seed={seed}" / "size=3" / "version_0"
            copy_runs(run(copied, seed), folder)
    poe = copied / "mask" / "loss=poe"
    assert find_siblings(poe / "seed=1/size=3/version_0") == [poe / "seed=2/size=3/version_0"]


def test_runs_that_start_from_a_run_of_their_own_seed_are_siblings_if_those_are(copied):
    for seed in (1, 2, 3):
        folder = copy_runs(run(copied, seed), copied / "mask" / f"seed={seed}" / "version_0")
        start = {"start_from": str(run(copied, seed))}
        change(folder / "config.yaml", lambda config, start=start: config["model"]["init_args"].update(start))
    change(run(copied, 3) / "config.yaml", lambda config: config["data"].update(batch_size=3))
    assert find_siblings(run(copied / "mask", 2)) == [run(copied / "mask", 1)]


# ---- what is compared ----------------------------------------------------------------------------------------------


def test_it_is_compared_as_in_the_run_itself(copied, values):
    assert compare(run(copied, 3)) == values


def test_rows_are_paired_by_their_ids(copied, values):
    path = run(copied, 2) / "predictions.parquet"
    table = pa.parquet.read_table(path)
    pa.parquet.write_table(table.take(np.random.default_rng(0).permutation(len(table))), path)
    assert compare(run(copied, 3)) == values


def test_ranks_are_of_this_run_and_equals_share_one(copied):
    for seed, accuracy in {1: 0.5, 2: 0.9, 3: 0.5}.items():
        change(run(copied, seed) / "metrics.json", lambda each, new=accuracy: each.update({"nli/id/accuracy": new}))
    assert [compare(run(copied, seed))["nli/id/accuracy/rank"] for seed in (1, 2, 3)] == [2, 1, 2]


def _relabel(table, column):
    changed = table[column].to_pylist()
    last = max(row for row, split in enumerate(table["split"].to_pylist()) if split == "ood")
    changed[last] = "another"
    return table.set_column(table.column_names.index(column), column, pa.array(changed))


ROWS = "rows must be those of this run"


@pytest.mark.parametrize(
    ("change_rows", "why"),
    [
        (lambda table: table.slice(0, len(table) - 1), ROWS),
        (lambda table: _relabel(table, "id"), ROWS),
        (lambda table: _relabel(table, "label"), ROWS),
        (lambda table: table.filter(pa.compute.field("split") != "ood"), ROWS),
        (lambda table: table.drop(["label"]), "label"),
    ],
)
def test_a_run_of_other_rows_is_left_out_with_a_warning(copied, change_rows, why):
    path = run(copied, 2) / "predictions.parquet"
    pa.parquet.write_table(change_rows(pa.parquet.read_table(path)), path)
    with pytest.warns(UserWarning, match=rf"leaves out .*seed=2.version_0: .*{why}"):
        values = compare(run(copied, 3))
    assert values["seeds"] == 2


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda folder: (folder / "predictions.parquet").unlink(), "must be an existing file"),
        (lambda folder: (folder / "predictions.parquet").write_bytes(b"no table"), "arquet"),
        (lambda folder: (folder / "metrics.json").write_text("{"), "must be valid JSON, got Expecting"),
        (lambda folder: (folder / "masks.safetensors").write_bytes(b"no masks"), "must be a mask file"),
        (lambda folder: (folder / "masks.safetensors").unlink(), "this run's matrices"),
        (
            lambda folder: save_masks({"a": torch.ones(3).bool()}, folder / "masks.safetensors", {}),
            "this run's matrices",
        ),
    ],
)
def test_a_damaged_run_is_left_out_with_a_warning(copied, damage, why):
    damage(run(copied, 1))
    damage(run(copied, 2))
    with pytest.warns(UserWarning, match=f"leaves out .*seed=[12].version_0: .*{why}") as told:
        assert compare(run(copied, 3)) is None
    assert len(told) == 2


def test_nothing_is_said_where_all_is_well(copied):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert compare(run(copied, 2))["seeds"] == 3


def test_only_a_complete_run_compares_and_only_one_process(copied):
    assert compare(run(copied, 3), rank=1) is None
    (run(copied, 3) / "metrics.json").unlink()
    assert compare(run(copied, 3)) is None


# ---- arithmetic ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("predictions", "expected"),
    [
        ([["a", "b", "a", "a"], ["a", "b", "a", "b"]], 1 / 4),
        ([["a", "b"], ["a", "b"]], 0),
        ([["a", "b"], ["b", "a"]], 1),
        ([["a", "a"], ["a", "b"], ["b", "b"]], (1 / 2 + 1 + 1 / 2) / 3),
    ],
)
def test_disagreement_by_hand(predictions, expected):
    assert pairwise_disagreement(np.array(predictions, dtype=object)) == pytest.approx(expected)


def masks(**kept):
    """Masks as sets of kept entries, of their sizes."""
    packed = {}
    for name, (size, entries) in kept.items():
        keep = np.zeros(size, dtype=bool)
        keep[list(entries)] = True
        packed[name] = (size, np.packbits(keep))
    return packed


def test_overlap_by_hand():
    one = masks(a=(10, {0, 1, 9}), b=(4, {0, 1, 2, 3}))
    other = masks(a=(10, {1, 9, 5, 6}), b=(4, {3}))
    by_chance = 3 * 4 / 10 + 4 * 1 / 4
    assert mask_overlap(one, other) == pytest.approx(((2 + 1) / (5 + 4), by_chance / (12 - by_chance)))
    assert mask_overlap(other, one) == mask_overlap(one, other)


def test_overlap_at_its_ends():
    kept = masks(a=(11, {0, 10}))
    assert mask_overlap(kept, kept)[0] == 1
    assert mask_overlap(kept, masks(a=(11, {1})))[0] == 0
    assert mask_overlap(masks(a=(3, ())), masks(a=(3, ()))) == (0, 0)
    assert mask_overlap(masks(a=(3, range(3))), masks(a=(3, range(3)))) == (1, 1)


def test_chance_is_what_random_masks_show():
    generator = np.random.default_rng(0)
    sizes = {"a": (1000, 100, 300), "b": (5000, 4000, 3000)}
    shown = []
    for _ in range(200):
        one, other = (
            {name: set(generator.permutation(size[0])[: size[k]]) for name, size in sizes.items()} for k in (1, 2)
        )
        both = sum(len(one[name] & other[name]) for name in sizes)
        shown.append(both / sum(len(one[name] | other[name]) for name in sizes))
    packed = [masks(**{name: (size[0], range(size[k])) for name, size in sizes.items()}) for k in (1, 2)]
    error = statistics.stdev(shown) / math.sqrt(len(shown))
    assert mask_overlap(*packed)[1] == pytest.approx(statistics.mean(shown), abs=4 * error)
