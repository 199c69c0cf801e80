"""The command line: commands, imported when called, and errors for users in one line."""

import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from lit_prune import __version__
from lit_prune.errors import UserError
from lit_prune.fitting.arguments import HELP, explain, with_config_files
from lit_prune.names import choice

_SIGPIPE = 141  # exit code of shells for a closed pipe

# Purpose -> commands, each a module in lit_prune.commands with a function `run(arguments)`, with its line in the help.
GROUPS = {
    "Train": {
        "fit": "train a model by a configuration; resume an interrupted run",
        "prune": "prune a fine-tuned model on your own files; compare it with the original",
        "configs": "list the configurations that come with the package; print one",
        "prepare": "download and tokenise the data of a fit, which then needs no network",
    },
    "Use a trained model": {
        "test": "evaluate it on labelled files",
        "predict": "write its predictions for a file or for the data of its run",
        "export": "write it as a folder for transformers, or packed small",
        "vocabulary": "keep a part of its vocabulary, by the texts that it is for",
    },
    "Compare runs": {
        "study": "run a grid of configurations and seeds from a yaml",
        "report": "summarise a study or a folder of runs: results, statistics, tables, figures",
        "stability": "run one configuration with many seeds; pointwise: losses of left-out examples",
        "compare": "compare the masks of runs by layer and target, and their overlap",
    },
    "Measure": {
        "bench": "measure training, inference and start-up relative to a baseline",
        "certify": "check that the bias of a generated corpus misleads and can be resisted",
    },
}
_CONFIGURED = ("fit", "prune", "prepare", "stability")  # commands with --config
COMMANDS = [name for group in GROUPS.values() for name in group]
RENAMED = {"masks": ["compare"], "pointwise": ["stability", "pointwise"]}  # the names of 0.1.0, until 0.3.0


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
    if name in RENAMED:
        new = " ".join(RENAMED[name])
        print(f"lit_prune: warning: {name} is now {new}: version 0.3 drops the old name", file=sys.stderr)
        name, *arguments = [*RENAMED[name], *arguments]
    try:
        if name not in COMMANDS:
            raise UserError(f"unknown command {name!r}: {choice(name, COMMANDS)}")
        if name in _CONFIGURED:
            arguments = with_config_files(arguments)
        command = import_module(f"lit_prune.commands.{name}")
        from lit_prune.hardware.threads import limit_threads  # not above: the help needs no torch

        limit_threads()
        command.run(arguments)
    except Exception as error:  # libraries that call the package may wrap its errors
        cause = find_user_error(error)
        if cause is None:
            raise
        message = " ".join(str(cause).split()).replace(HELP, HELP.replace("COMMAND", name))
        print(f"lit_prune: error: {message}", file=sys.stderr)
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
    width = max(map(len, COMMANDS))
    groups = (
        "\n".join([f"{purpose}:", *(f"  {name:{width}}  {line}" for name, line in group.items())])
        for purpose, group in GROUPS.items()
    )
    return "\n\n".join(
        [
            "usage: lit_prune COMMAND ...",
            "Prune pretrained text encoders and tune them sparsely, honestly measured.",
            *groups,
            "lit_prune COMMAND --help shows the arguments of a command; lit_prune --version prints the version.",
        ]
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
