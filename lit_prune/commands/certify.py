"""`lit_prune certify`: check a biased task before any debiasing method is run on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_prune.certify.certificate import LONG, Certificate, check_headroom, check_one_text, check_shallow
from lit_prune.certify.runs import Config, Runs, task_settings
from lit_prune.cli import main
from lit_prune.commands.parser import command_parser
from lit_prune.data.ood import is_ood
from lit_prune.data.public import MultitaskDataModule
from lit_prune.data.tasks.task import Task
from lit_prune.display.console import wide_console
from lit_prune.errors import UserError
from lit_prune.files import write_json
from lit_prune.fitting.cli import BuildingCLI, make_resolver
from lit_prune.paradigms.paradigm import Paradigm


def certify(
    dense: str = "configs/dense.yaml",
    data: str | None = None,
    unbiased: str = "configs/data/nli_unbiased.yaml",
    balanced: str = "configs/recipes/balanced_sampling.yaml",
    masks: str = "configs/srnet_ce.yaml",
    informed: str | None = "configs/data/nli_ood_informed.yaml",
    task: str = "nli",
    epochs: float = 2.0,
    learning_rates: list[float] | None = None,
    num_rows: int = 4000,
    seed: int = 1,
    ood: list[str] | None = None,
    data_root: str | None = None,
    root: str = "logs/certify",
) -> bool:
    """Train the missing runs, print each figure with its bound, and write `certificate.json`.

    Args:
        dense: The dense experiment on the biased task.
        data: Configuration of the biased task, applied on top of each experiment. If None, its own.
        unbiased: Configuration of the task without the bias.
        balanced: Recipe that trains with balanced groups.
        masks: The mask experiment with cross-entropy.
        informed: Configuration of the task with OOD examples in the training set, for masks that are reported only. If
            None, none are trained.
        task: The task's name.
        epochs: Full budget: epochs of the dense and the mask phase together. Dense models with the bias are trained for
            it and for four times as long, and the best of all their evaluations counts; those without it and with
            balanced groups are trained for four times as long.
        learning_rates: Peak learning rates of the biased dense models. If None, 1e-4 and 2e-4. Others have the first.
        num_rows: Examples of each evaluation set of a generated task.
        seed: Seed of all runs, and of the rows that the task draws.
        ood: The OOD sets that one text must not solve. The bounds of models of whole examples are about the first. If
            None, all of the task.
        data_root: Folder of the task's files.
        root: Folder of the certificates. Complete runs are not run again.

    Returns:
        True if all bounds hold.

    Raises:
        UserError: A run failed, or the task has no positive class or lacks an OOD set.
    """
    rates = learning_rates or [1e-4, 2e-4]
    runs = Runs(Path(root) / f"{task}_seed{seed}", seed, make_resolver(), main)

    def config(*names: str, **settings: Any) -> Config:
        found = runs.config(names, **settings)
        source = task_settings(found, task)["source"]["init_args"]
        source |= {name: value for name, value in (("num_eval", num_rows), ("seed", seed)) if name in source}
        return found if data_root is None else {**found, "data": {**found["data"], "root": data_root}}

    def dense_config(*overlays: str, epochs: float, rate: float = rates[0]) -> Config:
        return config(dense, *overlays, dense__length=f"{epochs:g} epochs", dense__learning_rate=rate)

    biased_task = [] if data is None else [data]
    base = dense_config(*biased_task, epochs=epochs)
    whole = _read_task(base, runs.folder, task)
    sets = _ood_sets(whole, data_root, ood)
    checks = [*check_shallow(whole, data_root, sets), *check_one_text(runs, base, task, sets)]
    models = {"unbiased": runs.train("unbiased", dense_config(unbiased, epochs=LONG * epochs))}
    biased = {
        f"biased_{length:g}_epochs_at_{rate:g}": dense_config(*biased_task, epochs=length, rate=rate)
        for length in (epochs, LONG * epochs)
        for rate in rates
    }
    models |= {name: runs.train(name, each) for name, each in biased.items()}
    models["balanced"] = runs.train("balanced", dense_config(balanced, *biased_task, epochs=LONG * epochs))
    if informed is not None:
        start = runs.folder / next(iter(biased)) / "version_0"
        models["informed_masks"] = runs.train("informed_masks", config(masks, informed, start_from=start))
    reached = {name: runs.highest(name, f"{task}/{sets[0]}/auroc") for name in biased}
    checks += check_headroom(models["unbiased"], reached, models["balanced"], f"{task}/{sets[0]}")
    certificate = Certificate(task, whole.source.version, seed, sets, checks, models)
    write_json(certificate.values(), runs.folder / "certificate.json")
    console = wide_console()
    for table in certificate.tables():
        console.print(table.rich(len(table.rows)))
    console.print(str(runs.folder), highlight=False, markup=False)
    return certificate.holds


class _DataCLI(BuildingCLI):
    """The data of a fit."""

    def fit(self, model: Paradigm, datamodule: MultitaskDataModule) -> None:
        """Keep the data module."""
        self.data = datamodule


def _read_task(config: Config, folder: Path, name: str) -> Task:
    """Return a task of a configuration."""
    path = folder / "task.json"
    folder.mkdir(parents=True, exist_ok=True)
    write_json(config, path)
    return _DataCLI(["fit", f"--config={path}"]).data.tasks[name]


def _ood_sets(task: Task, root: str | None, chosen: list[str] | None) -> list[str]:
    """Return the chosen OOD sets of a task, or all.

    Raises:
        UserError: The task has no positive class, no OOD set or not one that is chosen.
    """
    if task.positive is None:
        raise UserError(f"task {task.name!r} must have a positive class to be certified, got none: set `positive`")
    known = [split for split in task.source.available(root) if is_ood(split)]
    sets = known if chosen is None else chosen
    if not sets or (unknown := [each for each in sets if each not in known]):
        got = "none" if not sets else ", ".join(unknown)
        raise UserError(f"OOD sets of task {task.name!r} must be of {', '.join(known) or 'its source'}, got {got}")
    return sets


def run(arguments: Sequence[str]) -> None:
    """Certify a task; the exit code is 1 if a bound does not hold."""
    parser = command_parser(
        "certify",
        "Check a biased task before any debiasing method is run on it. Models of one text, n-grams or lengths must not "
        "solve its OOD sets; a dense model must learn the task without the bias; the bias must mislead dense models, "
        "also if they train four times as long; and balanced groups must help. Complete runs are kept.",
        "lit_prune certify --seed 101",
    )
    parser.add_function_arguments(certify, as_group=False)
    if not certify(**parser.parse_args(list(arguments)).as_dict()):
        raise SystemExit(1)
