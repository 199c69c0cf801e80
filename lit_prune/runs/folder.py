"""The folder of a run: created by one process and locked while it trains."""

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
    """Create the next folder `version_<n>` of an experiment, and remove it at the end if it is empty.

    Args:
        experiment: The folder of the experiment's runs.

    Raises:
        UserError: The folder cannot be created, or lies in another run.
    """
    above = (experiment, *experiment.absolute().parents)
    if run := next(
        (each for each in above if (each / "run.json").is_file() and (each / "config.yaml").is_file()), None
    ):
        raise UserError(
            f"trainer.default_root_dir and experiment must name a folder outside of runs, got {experiment} in the run "
            f"{run}: choose another"
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
        with suppress(OSError):  # raised by the first that is not empty
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
    """Lock the folder of a run, and remove partial files of a killed process.

    Raises:
        UserError: Another process trains the run.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released by the system when the process ends
        except BlockingIOError as error:
            raise UserError(f"a run must be trained by one process, got another in {folder}: wait for it") from error
        except OSError:
            pass  # a file system without locks
        else:
            remove_partials(folder)
        yield
    finally:
        os.close(descriptor)


def empty_unless_begun(folder: Path) -> None:
    """Empty the folder of a run that ended before it wrote `run.json`."""
    if not (folder / "run.json").exists():
        for each in folder.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
