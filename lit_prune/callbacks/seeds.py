"""How far a result depends on its seed: a run beside its siblings, which differ from it by their seed alone."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from numpy.typing import NDArray

from lit_prune.callbacks.record import decisive
from lit_prune.errors import UserError
from lit_prune.files import check_undamaged, read_json, write_json, write_recorded
from lit_prune.runs.upgrade import read_config
from lit_prune.sparsity.files import FILE, load_masks
from lit_prune.sparsity.overlap import overlap

if TYPE_CHECKING:
    from lit_prune.paradigms.paradigm import Paradigm

AXIS = "seed="  # begins the part of a run's folder that says its seed
Mask = tuple[int, NDArray[np.uint8]]  # number of entries; which are kept, 8 to the byte and padded with 0


class Seed(NamedTuple):
    """A run to compare: its metrics, its rows (label, prediction) by task, split and id, its masks by name."""

    metrics: Mapping[str, float]
    rows: pd.DataFrame
    masks: Mapping[str, Mask]


class SeedStability(Callback):
    """Compares a run that is complete with its siblings that are, in `stability.json` and under `stability/`.

    One whose rows or matrices are others is left out with a warning.
    """

    def on_fit_end(self, trainer: Trainer, pl_module: "Paradigm") -> None:
        """Compare, once the run's record is complete (`RunRecord` comes before)."""
        folder = pl_module.folder
        complete = trainer.is_global_zero and (folder / "metrics.json").is_file()
        if not complete or not (siblings := find_siblings(folder)):
            return
        seeds = [own := read_seed(folder)]
        for sibling in siblings:
            try:
                seeds.append(check_comparable(read_seed(sibling), own))
            except (OSError, ValueError, LookupError, UserError) as error:
                rank_zero_warn(f"stability.json leaves out {sibling}: {error}")
        if len(seeds) > 1:
            values = stability(seeds)
            for logger in trainer.loggers:
                logger.log_metrics({f"stability/{name}": value for name, value in values.items()}, trainer.global_step)
            write_json(values, folder / "stability.json", write_recorded)


def find_siblings(folder: Path) -> list[Path]:
    """The newest complete run of each other seed that differs from a run, `.../seed=1/version_0`, by that alone."""
    place = next((each for each in folder.parents if each.name.startswith(AXIS)), None)
    if place is None or (mine := _settings(folder)) is None:
        return []
    siblings = []
    for other in sorted(each for each in place.parent.glob(f"{AXIS}*") if each.name != place.name):
        complete = (other / folder.parent.relative_to(place)).glob("version_*/metrics.json")
        same = [path.parent for path in complete if _settings(path.parent) == mine]
        siblings += sorted(same, key=lambda path: (len(path.name), path.name))[-1:]
    return siblings


def _settings(folder: Path) -> Any:
    """Return a run's axes and configuration without the seed, and those of the run it starts from, or None."""
    try:
        axes = read_json(folder / "run.json", dict)["axes"]
        config = decisive(read_config(folder))
        start = config["model"]["init_args"].pop("start_from", None)  # a folder of its own for each seed
        del axes["seed"], config["seed_everything"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return axes, config, start and (_settings(Path(start)) or start)


def read_seed(folder: Path) -> Seed:
    """Read a complete run to compare, without `validation`, of which each seed cuts its own rows."""
    metrics = read_json(folder / "metrics.json", dict)
    columns = ["task", "split", "id", "label", "prediction"]
    check_undamaged(folder / "predictions.parquet")
    with (folder / "predictions.parquet").open("rb") as file:
        rows = pd.read_parquet(file, columns=columns)
    rows = rows[rows["split"] != "validation"].set_index(columns[:3]).sort_index()
    path = folder / FILE
    masks = load_masks(path) if path.is_file() else {}
    return Seed(metrics, rows, {name: (mask.numel(), np.packbits(mask.numpy())) for name, mask in masks.items()})


def check_comparable(other: Seed, own: Seed) -> Seed:
    """Return the other run if it can be compared with this one, else raise a `UserError`."""
    if not own.rows["label"].equals(other.rows["label"]):
        raise UserError("rows must be those of this run, got other ids or labels: compare runs of the same data")
    if [(name, size) for name, (size, _) in own.masks.items()] != [(name, n) for name, (n, _) in other.masks.items()]:
        raise UserError("masks must be of this run's matrices, got others: compare runs of one architecture")
    return other


def stability(seeds: Sequence[Seed]) -> dict[str, float]:
    """Return statistics over two or more comparable seeds, the first of which is the run that they are written for.

    Returns:
        Their number as `seeds`; `<task>/<split>/<accuracy or auroc>/<mean, std (ddof 1), min, max or rank>`, where the
        best has rank 1 and equals share one; means over all pairs as `<task>/<split>/disagreement` and, of masks,
        `mask_overlap` and `mask_overlap_by_chance`.
    """
    values: dict[str, float] = {"seeds": len(seeds)}
    table = pd.DataFrame([seed.metrics for seed in seeds])
    predictions = np.array([seed.rows["prediction"] for seed in seeds])
    for (task, split), rows in seeds[0].rows.groupby(["task", "split"]).indices.items():
        name = f"{task}/{split}"
        for metric in (each for each in (f"{name}/accuracy", f"{name}/auroc") if each in table):
            figures = {figure: float(table[metric].agg(figure)) for figure in ("mean", "std", "min", "max")}
            figures["rank"] = 1 + int((table[metric] > table[metric][0]).sum())
            values |= {f"{metric}/{figure}": value for figure, value in figures.items()}
        values[f"{name}/disagreement"] = pairwise_disagreement(predictions[:, rows])
    if seeds[0].masks:
        overlaps = [mask_overlap(one.masks, other.masks) for one, other in combinations(seeds, 2)]
        values["mask_overlap"], values["mask_overlap_by_chance"] = np.mean(overlaps, axis=0).tolist()
    return values


def pairwise_disagreement(predictions: NDArray[Any]) -> float:
    """Share of rows that two models predict differently (churn), the mean over all pairs of models (models, rows)."""
    return float(np.mean([(one != other).mean() for one, other in combinations(predictions, 2)]))


def mask_overlap(one: Mapping[str, Mask], other: Mapping[str, Mask]) -> tuple[float, float]:
    """Return entries that two models keep, over those that either keeps (intersection over union), in all matrices.

    Returns:
        The overlap, and what is expected of random masks that keep as many entries of each matrix.
    """
    sizes = [size for size, _ in one.values()]
    bits = [(bits, other[name][1]) for name, (_, bits) in one.items()]
    counts = [[int(np.bitwise_count(each).sum()) for each in (a & b, a, b)] for a, b in bits]
    both, kept, others = np.array(counts).T
    found, by_chance = overlap(both, kept, others, np.array(sizes))
    return float(found), float(by_chance)
