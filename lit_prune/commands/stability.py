"""`lit_prune stability`: one configuration with many seeds, as a study with the axis `seed`.

The seeds vary the run, the part of the training set that is left out (data perturbation; Fu et al. 2023, Table 2), or
both.
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lit_prune.commands import pointwise
from lit_prune.commands.study import run_study
from lit_prune.display.help import description
from lit_prune.errors import UserError
from lit_prune.limits import LARGEST_SEED
from lit_prune.names import choice
from lit_prune.studies.study import DATA_SEED, SEED, Study, make_study

MOST_SEEDS = 10_000
SHARE = "data.perturbation.share"
VARIED = {"model": (SEED,), "data": (DATA_SEED,), "both": (SEED, DATA_SEED)}  # --vary -> settings


def run(arguments: Sequence[str]) -> None:
    """Run a configuration with many seeds or measure pointwise stability, with the arguments of the command."""
    if arguments[:1] == ["pointwise"]:
        pointwise.run(arguments[1:])
        return
    if arguments and not arguments[0].startswith("-"):
        raise UserError(f"unknown command stability {arguments[0]}: {choice(arguments[0], ['pointwise'])}")
    parser = ArgumentParser(  # not jsonargparse's, which has no parse_known_args
        prog="lit_prune stability",
        exit_on_error=False,
        allow_abbrev=False,
        formatter_class=RawDescriptionHelpFormatter,
        usage="lit_prune stability --config FILE [--seeds SEEDS] [OPTIONS] [ARGUMENTS OF lit_prune fit]\n"
        "       lit_prune stability pointwise WHOLE PART [PART ...]",
        description=description(
            "Run one configuration with many seeds, one after the other, as a study with the axis seed: complete runs "
            "are kept, interrupted ones are resumed. Further arguments are those of lit_prune fit. "
            "`lit_prune stability pointwise` measures how losses of left-out examples change.",
            "lit_prune stability --config configs/srnet_poe.yaml --seeds 1..10",
            "lit_prune stability pointwise --help",
        ),
    )
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        help="Configuration of lit_prune fit; later files override earlier ones.",
    )
    parser.add_argument("--seeds", default="1..10", help="1..10, or 1,2,5 (default: %(default)s).")
    parser.add_argument(
        "--perturb",
        type=float,
        help="Fraction of the training set that a run leaves out, drawn by its seed (default: none).",
    )
    parser.add_argument(
        "--vary",
        choices=VARIED,
        help="With --perturb: vary the left-out part (data, the default), or the run's seed too (both).",
    )
    parser.add_argument("--out", help="The study's folder, default: logs/studies/<name of the first config>_stability.")
    parser.add_argument("--dry-run", action="store_true", help="Print the plan without running it.")
    parsed, rest = parser.parse_known_args(list(arguments))
    options = [each.removeprefix("--") for each in parser._option_string_actions if each.startswith("--")]
    for name in (each.removeprefix("--").partition("=")[0] for each in rest if each.startswith("--")):
        if close := get_close_matches(name, options, n=1, cutoff=0.8):
            raise UserError(f"unknown key {name}: did you mean {close[0]}?")
    if not parsed.config:
        raise UserError("--config must be set, got none: name the configuration to run, as for lit_prune fit")
    name = Path(parsed.config[0]).stem
    out = Path(parsed.out or f"logs/studies/{name}_stability")
    settings = parse_settings(rest)
    if parsed.perturb is not None:
        from lit_prune.data.perturbation import Perturbation  # not above: slow to import

        settings |= {SHARE: str(Perturbation(parsed.perturb).share)}
    elif parsed.vary in ("data", "both"):
        raise UserError(f"--perturb must be set with --vary {parsed.vary}, got none: name the fraction to leave out")
    varied = VARIED[parsed.vary or ("model" if parsed.perturb is None else "data")]
    study = seeds_study(f"Stability of {name}", parsed.config, parse_seeds(parsed.seeds), settings, varied)
    run_study(study, out, dry_run=parsed.dry_run)


def seeds_study(
    title: str, configs: Sequence[str], seeds: Sequence[int], settings: dict[str, Any], varied: Sequence[str] = (SEED,)
) -> Study:
    """Return a study of one configuration with seeds as the values of the varied settings."""
    for name in varied:
        if name in settings:
            raise UserError(f"--{name} must not be set, got {settings[name]}: --seeds varies it")
    return make_study(
        {
            "title": title,
            "runs": {"fit": {"configs": list(configs), "axes": ["seed"]}},
            "axes": {"seed": {seed: {"settings": dict.fromkeys(varied, seed)} for seed in seeds}},
            "settings": settings,
        }
    )


def parse_seeds(text: str) -> list[int]:
    """Parse seeds such as `1..10` (both ends included) or `1,2,5`.

    Raises:
        UserError: The text has another form, or a seed is out of range.
    """
    first, dots, last = text.partition("..")
    try:
        seeds = range(int(first), int(last) + 1) if dots else [int(part) for part in text.split(",")]
    except ValueError as error:
        raise UserError(f"--seeds must be a range or a list, got {text!r}: use 1..10, or 1,2,5") from error
    if len(seeds[: MOST_SEEDS + 1]) > MOST_SEEDS:
        raise UserError(f"--seeds must be at most {MOST_SEEDS:,}, got {text}: a run is started for each")
    if wrong := [each for each in seeds if not 0 <= each <= LARGEST_SEED]:
        raise UserError(f"--seeds must be from 0 to {LARGEST_SEED}, got {wrong[0]}: use 1..10, or 1,2,5")
    if not seeds:
        raise UserError(f"--seeds must ascend, got {text}: swap first and last")
    return list(seeds)


def parse_settings(arguments: Sequence[str]) -> dict[str, str]:
    """Parse arguments `--name value` or `--name=value` of `lit_prune fit` as settings.

    Raises:
        UserError: A value has no name, or a name has no value.
    """
    settings = {}
    rest = iter(arguments)
    for each in rest:
        name, equals, value = each.removeprefix("--").partition("=")
        if not each.startswith("--"):
            raise UserError(f"settings must be --name value, got {each!r}: add its name")
        if not equals and (value := next(rest, "--")).startswith("--"):
            raise UserError(f"settings must be --name value, got {each}: add its value")
        settings[name] = value
    return settings
