"""Overhead of a study: runs started by `lit_prune fit` against the same runs as a study on this machine's Ray."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from lit_prune.errors import UserError
from lit_prune.shipped import find_config


def run_functions(configs: Sequence[str], num_runs: int) -> dict[str, Callable[[], object]]:
    """Return two functions that run a configuration with the seeds 1 to `num_runs`, by the names of their figures.

    One starts `lit_prune fit` once per seed, the other `lit_prune study` for all seeds; a run has all cores in both.

    Args:
        configs: Files or names of the configuration, later ones on top of earlier ones.
        num_runs: Number of runs.

    Raises:
        UserError: A configuration does not exist.
    """
    paths = [str(find_config(each, "configs").resolve()) for each in configs]
    return {
        "study_seconds_fit": lambda: _in_temporary_folder(_fit, paths, num_runs),
        "study_seconds_study": lambda: _in_temporary_folder(_study, paths, num_runs),
    }


def _in_temporary_folder(run: Callable[[Sequence[str], int, Path], None], paths: Sequence[str], num_runs: int) -> None:
    with TemporaryDirectory() as folder:
        run(paths, num_runs, Path(folder))


def _fit(paths: Sequence[str], num_runs: int, folder: Path) -> None:
    for seed in range(1, num_runs + 1):
        configs = [f"--config={each}" for each in paths]
        _call("fit", *configs, f"--seed_everything={seed}", f"--trainer.default_root_dir={folder}")


def _study(paths: Sequence[str], num_runs: int, folder: Path) -> None:
    study = {
        "title": "One configuration, several seeds",
        "runs": {"fit": {"configs": list(paths), "axes": ["seed"]}},
        "axes": {"seed": {"setting": "seed_everything", "values": list(range(1, num_runs + 1))}},
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    _call("study", str(path), f"--out={folder / 'out'}", "--address=local", f"--each.cpus={os.cpu_count()}")


def _call(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "lit_prune", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise UserError(
            f"lit_prune {arguments[0]} must succeed, got exit code {done.returncode}: {done.stderr.strip()[-2000:]}"
        )
