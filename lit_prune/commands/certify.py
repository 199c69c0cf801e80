"""Certify a generated corpus before any debiasing method is run on it, so that it is not tuned towards a method.

    lit_prune certify --seed 1

(for the NLI corpus; the commands of the others are in configs/data/paraphrase.yaml and configs/data/facts.yaml).

Three runs with cross-entropy alone: dense on the corpus without its bias, dense with it, and masks over the latter
trained with OOD rows (the positive control of Liu et al. 2022, Fig. 6). The corpus is certified if the first
learns the task, the second loses enough, and the third regains enough of the loss.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_prune.cli import main
from lit_prune.commands.parser import command_parser
from lit_prune.errors import UserError

OOD_ACCURACY = 0.95  # of the dense model without bias, at least
LOST_AUROC = 0.10  # by the bias, at least
REGAINED = 0.80  # of what was lost, by masks that saw OOD rows, at least


def certify(
    dense: str = "configs/dense.yaml",
    masks: str = "configs/srnet_ce.yaml",
    data: str | None = None,
    unbiased: str = "configs/data/nli_unbiased.yaml",
    informed: str = "configs/data/nli_ood_informed.yaml",
    length: str = "configs/recipes/long.yaml",
    task: str = "nli",
    seed: int = 1,
    root: str = "logs/certify",
) -> bool:
    """Train the missing runs, and print the three figures with their bounds.

    Args:
        dense: The dense experiment on the biased corpus.
        masks: The mask experiment with cross-entropy.
        data: Configuration of the biased corpus, applied on top of each experiment. If None, the experiments' own data.
        unbiased: Configuration of the corpus without the bias.
        informed: Configuration of the corpus with OOD examples in the training set.
        length: Configuration with the length of the mask experiment.
        task: The task's name.
        seed: Seed of all three runs.
        root: Folder of the runs; complete ones are not run again.

    Returns:
        True if all three bounds hold.

    Raises:
        UserError: A run failed.
    """
    folder = Path(root) / f"seed{seed}"
    plain = _run(folder, "unbiased", seed, dense, unbiased)
    biased = _run(folder, "biased", seed, dense, *filter(None, [data]))
    start = f"--model.init_args.start_from={folder / 'biased' / 'version_0'}"
    aware = _run(folder, "informed", seed, masks, length, informed, start)
    auroc = {name: run[f"{task}/ood/auroc"] for name, run in {"plain": plain, "biased": biased, "aware": aware}.items()}
    lost = auroc["plain"] - auroc["biased"]
    regained = (auroc["aware"] - auroc["biased"]) / lost
    checks = [
        ("OOD accuracy of the dense model without bias", plain[f"{task}/ood/accuracy"], OOD_ACCURACY),
        ("OOD AUROC that the bias costs the dense model", lost, LOST_AUROC),
        ("share of it that masks trained with OOD rows regain", regained, REGAINED),
    ]
    for name, value, bound in checks:
        print(f"{'holds' if value >= bound else 'FAILS':5}  {name}: {value:.3f} (at least {bound})")
    print(f"AUROC: unbiased {auroc['plain']:.3f}, biased {auroc['biased']:.3f}, informed masks {auroc['aware']:.3f}")
    return all(value >= bound for _, value, bound in checks)


def _run(folder: Path, name: str, seed: int, config: str, *further: str) -> dict[str, Any]:
    metrics = folder / name / "version_0" / "metrics.json"
    if not metrics.is_file():
        arguments = [part for each in further for part in ([each] if each.startswith("--") else ["--config", each])]
        where = ["--trainer.default_root_dir", str(folder), "--experiment", name, f"--seed_everything={seed}"]
        if code := main(["fit", "--config", config, *arguments, *where]):
            raise UserError(f"run {name!r} must succeed, got exit code {code}: see its output above")
    values: dict[str, Any] = json.loads(metrics.read_text())
    return values


def run(arguments: Sequence[str]) -> None:
    """Certify a corpus; the exit code is 1 if a bound does not hold."""
    parser = command_parser(
        "certify",
        "Check a generated corpus before debiasing: its bias must mislead a dense model, and masks trained with OOD "
        "examples must resist it. Three runs are trained; complete ones are kept.",
        "lit_prune certify --seed 1",
    )
    parser.add_function_arguments(certify, as_group=False)
    if not certify(**parser.parse_args(list(arguments)).as_dict()):
        raise SystemExit(1)
