"""What a study costs beside its runs: the same runs by `lit_prune fit` alone, and as a study on this machine's Ray."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from lit_prune.errors import UserError
from lit_prune.shipped import find_config


def ways(configs: Sequence[str], num_runs: int) -> dict[str, Callable[[], object]]:
    """Two functions by the names of their figures, each of which runs a configuration with the seeds 1 to `num_runs`.

    One starts `lit_prune fit` for each, the other `lit_prune study` for all, where a run has all cores, as there.

    Args:
        configs: Files or names of the configuration, each applied on top of the one before.
        num_runs: How many runs.

    Raises:
        UserError: there is no such configuration.
    """
    paths = [str(find_config(each, "configs").resolve()) for each in configs]
    return {
        "study_seconds_fit": lambda: _in_a_folder(_fit, paths, num_runs),
        "study_seconds_study": lambda: _in_a_folder(_study, paths, num_runs),
    }


def _in_a_folder(way: Callable[[Sequence[str], int, Path], None], paths: Sequence[str], num_runs: int) -> None:
    with TemporaryDirectory() as folder:
        way(paths, num_runs, Path(folder))


def _fit(paths: Sequence[str], num_runs: int, folder: Path) -> None:
    for seed in range(1, num_runs + 1):
        configs = [f"--config={each}" for each in paths]
        _call("fit", *configs, f"--seed_everything={seed}", f"--trainer.default_root_dir={folder}")


def _study(paths: Sequence[str], num_runs: int, folder: Path) -> None:
    study = {
        "title": "The same with several seeds",
        "runs": {"fit": {"configs": list(paths), "axes": ["seed"]}},
        "axes": {"seed": {"setting": "seed_everything", "values": list(range(1, num_runs + 1))}},
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    _call("study", str(path), f"--out={folder / 'out'}", "--address=local", f"--each.cpus={os.cpu_count()}")


def _call(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "lit_prune", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"lit_prune {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
