"""`lit_prune stability`: one configuration with many seeds, as a study with the one axis `seed`.

A seed is the run's, or that of the part of the training set that it lacks (data perturbation; Fu et al. 2023, Table 2).
"""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lit_prune.commands.study import run_study
from lit_prune.errors import UserError
from lit_prune.fitting.settings import LARGEST_SEED
from lit_prune.studies.study import DATA_SEED, SEED, Study, make_study

MOST_SEEDS = 10_000
SHARE = "data.perturbation.share"
VARIED = {"model": (SEED,), "data": (DATA_SEED,), "both": (SEED, DATA_SEED)}  # what --vary may say


def run(arguments: Sequence[str]) -> None:
    """Run a configuration with many seeds as the arguments of `lit_prune stability` say."""
    parser = ArgumentParser(  # not jsonargparse's, which cannot leave arguments to others
        prog="lit_prune stability",
        exit_on_error=False,
        allow_abbrev=False,
        description="Run one configuration with many seeds, one after the other: a study with the one axis seed, so "
        "finished runs are kept and those cut off are continued. Further arguments are those of lit_prune fit.",
    )
    parser.add_argument("--config", action="append", default=[], help="As of lit_prune fit; later ones are laid over.")
    parser.add_argument("--seeds", default="1..10", help="1..10, or 1,2,5 (default: %(default)s).")
    parser.add_argument(
        "--perturb",
        type=float,
        help="The share of the training set that each run lacks, drawn by its seed; by default each has all of it.",
    )
    parser.add_argument(
        "--vary",
        choices=VARIED,
        help="With --perturb: whether the seeds are those of the draw (data, the default), or of the run too (both).",
    )
    parser.add_argument("--out", help="The study's folder, default: logs/studies/<name of the first config>_stability.")
    parser.add_argument("--dry-run", action="store_true", help="Only show what would be run.")
    said, rest = parser.parse_known_args(list(arguments))
    if not said.config:
        raise UserError("--config is missing: name the configuration to run, as for lit_prune fit")
    name = Path(said.config[0]).stem
    out = Path(said.out or f"logs/studies/{name}_stability")
    settings = parse_settings(rest)
    if said.perturb is not None:
        from lit_prune.data.perturbation import Perturbation  # not above: --help waits for nothing

        settings |= {SHARE: str(Perturbation(said.perturb).share)}
    elif said.vary in ("data", "both"):
        raise UserError(f"--vary {said.vary} varies what the training set lacks: say with --perturb how much that is")
    varied = VARIED[said.vary or ("model" if said.perturb is None else "data")]
    study = seeds_study(f"Stability of {name}", said.config, parse_seeds(said.seeds), settings, varied)
    run_study(study, out, dry_run=said.dry_run)


def seeds_study(
    title: str, configs: Sequence[str], seeds: Sequence[int], settings: dict[str, Any], varied: Sequence[str] = (SEED,)
) -> Study:
    """A study of one configuration with these seeds, each the value of the settings that are varied."""
    for name in varied:
        if name in settings:
            raise UserError(f"--{name} is what --seeds varies: leave it out")
    return make_study(
        {
            "title": title,
            "runs": {"fit": {"configs": list(configs), "axes": ["seed"]}},
            "axes": {"seed": {seed: {"settings": dict.fromkeys(varied, seed)} for seed in seeds}},
            "settings": settings,
        }
    )


def parse_seeds(said: str) -> list[int]:
    """Seeds as `1..10` (both ends included) or `1,2,5` say them.

    Raises:
        UserError: it says neither.
    """
    first, dots, last = said.partition("..")
    try:
        seeds = range(int(first), int(last) + 1) if dots else [int(each) for each in said.split(",")]
    except ValueError as error:
        raise UserError(f"--seeds is {said!r}: use 1..10, or 1,2,5") from error
    if len(seeds[: MOST_SEEDS + 1]) > MOST_SEEDS:
        raise UserError(f"--seeds must be at most {MOST_SEEDS:,}, got {said}: each is a run")
    if wrong := [each for each in seeds if not 0 <= each <= LARGEST_SEED]:
        raise UserError(f"--seeds must be from 0 to {LARGEST_SEED}, got {wrong[0]}: use 1..10, or 1,2,5")
    if not seeds:
        raise UserError(f"--seeds {said} are none: the first is greater than the last")
    return list(seeds)


def parse_settings(arguments: Sequence[str]) -> dict[str, str]:
    """Arguments of `lit_prune fit`, `--name value` or `--name=value`, as settings.

    Raises:
        UserError: a value stands without a name, or a name without a value.
    """
    settings = {}
    rest = iter(arguments)
    for each in rest:
        name, equals, value = each.removeprefix("--").partition("=")
        if not each.startswith("--"):
            raise UserError(f"{each!r} stands without the setting that it is a value of")
        if not equals and (value := next(rest, "--")).startswith("--"):
            raise UserError(f"{each} stands without a value")
        settings[name] = value
    return settings
