"""The command line: commands, imported when called, and errors for users in one line."""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from lit_prune import __version__
from lit_prune.errors import UserError
from lit_prune.fitting.arguments import explain, with_config_files

_SIGPIPE = 141  # exit code of shells for a closed pipe

# Name -> module whose `run(arguments)` is the command, and its line in the help.
COMMANDS = {
    "fit": ("lit_prune.commands.fit", "train a model from a yaml; --resume RUN resumes an interrupted run"),
    "prune": ("lit_prune.commands.prune", "prune a fine-tuned model on your own files; compare it with the original"),
    "configs": ("lit_prune.commands.configs", "list the configurations that come with the package; print one"),
    "prepare": ("lit_prune.commands.prepare", "download and tokenise the data of a fit, which then needs no network"),
    "test": ("lit_prune.commands.test", "evaluate the model of a finished run on labelled files"),
    "predict": ("lit_prune.commands.predict", "write the predictions of a finished run's model for a file"),
    "export": (
        "lit_prune.commands.export",
        "write the model of a finished run for plain transformers, or packed small",
    ),
    "masks": ("lit_prune.commands.masks", "compare the masks of runs by layer and target, and their overlap"),
    "study": ("lit_prune.commands.study", "run a grid of configurations and seeds from a yaml"),
    "stability": ("lit_prune.commands.stability", "run one configuration with many seeds"),
    "certify": ("lit_prune.commands.certify", "check that the bias of a generated corpus misleads and can be resisted"),
    "pointwise": ("lit_prune.commands.pointwise", "measure how losses of left-out training examples change"),
    "report": ("lit_prune.commands.report", "summarise the runs of a study: results, statistics, tables, figures"),
    "bench": ("lit_prune.commands.bench", "measure training, inference and start-up relative to a baseline"),
}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        args: The arguments, None for those of the process.

    Returns:
        The exit code: 0, or 2 after an error for users, which is printed in one line. Other errors propagate.
    """
    name, *arguments = list(sys.argv[1:] if args is None else args) or ["--help"]
    if name in ("-h", "--help"):
        print(_help())
        return 0
    if name == "--version":
        print(f"lit_prune {__version__}")
        return 0
    try:
        if name not in COMMANDS:
            raise UserError(f"unknown command {name!r}: choose from {', '.join(COMMANDS)}")
        arguments = with_config_files(arguments)
        command = import_module(COMMANDS[name][0])
        from lit_prune.hardware.threads import limit_threads  # not above: the help needs no torch

        limit_threads()
        command.run(arguments)
    except Exception as error:  # libraries that call the package may wrap its errors
        cause = find_user_error(error)
        if cause is None:
            raise
        print(f"lit_prune: error: {' '.join(str(cause).split())}", file=sys.stderr)
        return 2
    return 0


def console() -> None:
    """Run the console script."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the pipe, such as head, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _SIGPIPE
    sys.exit(code)


def _help() -> str:
    commands = "\n".join(f"  {name:9} {purpose}" for name, (_, purpose) in COMMANDS.items())
    return (
        "usage: lit_prune COMMAND ...\n\n"
        "Prune pretrained text encoders and tune them sparsely, honestly measured.\n\n"
        f"commands:\n{commands}\n\n"
        "lit_prune COMMAND --help shows the arguments of a command; lit_prune --version prints the version."
    )


def find_user_error(error: BaseException) -> BaseException | None:
    """Return the outermost error for users in a chain of causes, None if the error is a bug."""
    from jsonargparse import ArgumentError  # not above: the help needs no libraries
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for each in chain:
        if isinstance(each, UserError):
            return each
    if disk := next((each for each in chain if _is_of_disk(each)), None):
        place = getattr(disk, "filename", None) or "the disk"
        return UserError(f"{place} must be writable, got {disk}: free space or grant access, then start again")
    if isinstance(error, ArgumentError):
        return UserError(explain(str(error)))
    wrong = next((each for each in chain if isinstance(each, MisconfigurationException)), None)
    return None if wrong is None else UserError(" ".join(str(wrong).split()))


def _is_of_disk(error: BaseException) -> bool:
    """True if an error is of a full or read-only disk; libraries in Rust raise their own class."""
    is_of_system = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    return is_of_system or f"os error {errno.ENOSPC}" in str(error)
