"""The folder of a run: claimed by one process, locked while that trains, named by a random id."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lit_prune.errors import UserError
from lit_prune.files import remove_partials

_VERSION = "version_"


@contextmanager
def claimed(experiment: Path) -> Iterator[Path]:
    """Create the next `version_<n>` of an experiment, which no other process has; if it stays empty it is removed.

    Args:
        experiment: The folder of the experiment's runs.

    Raises:
        UserError: the folder cannot be created, or lies in another run.
    """
    above = (experiment, *experiment.absolute().parents)
    if run := next(
        (each for each in above if (each / "run.json").is_file() and (each / "config.yaml").is_file()), None
    ):
        raise UserError(
            f"trainer.default_root_dir and experiment must name a folder outside of runs, got {experiment} in the run "
            f"{run}: give another"
        )
    missing = [each for each in (experiment, *experiment.parents) if not each.exists()]
    try:
        folder = _create(experiment)
    except OSError as error:
        raise UserError(
            f"trainer.default_root_dir and experiment must name a folder that can be created, got {experiment}: "
            f"{error.strerror}"
        ) from error
    try:
        yield folder
    finally:
        with suppress(OSError):  # the first that is not empty ends it
            for each in (folder, *missing):
                each.rmdir()


def _create(experiment: Path) -> Path:
    numbers = [path.name.removeprefix(_VERSION) for path in experiment.glob(f"{_VERSION}*")]
    number = max((int(each) for each in numbers if each.isdecimal()), default=-1) + 1
    while True:
        folder = experiment / f"{_VERSION}{number}"
        try:
            folder.mkdir(parents=True)
            return folder
        except FileExistsError:
            if not experiment.is_dir():
                raise
            number += 1  # another process was faster


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder for this process, and remove what a killed one left half-written there.

    Raises:
        UserError: another process trains the run.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system releases it, however the process ends
        except BlockingIOError as error:
            raise UserError(f"another process trains the run in {folder}: wait until it has ended") from error
        except OSError:
            pass  # a file system without locks
        else:
            remove_partials(folder)
        yield
    finally:
        os.close(descriptor)


def empty_unless_begun(folder: Path) -> None:
    """Remove what a run left in its folder that could not begin; one that has has a `run.json`."""
    if not (folder / "run.json").exists():
        for each in folder.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
