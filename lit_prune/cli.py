"""The command line: its commands, each imported when it is asked for, and one class of errors for users."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from lit_prune import __version__
from lit_prune.errors import UserError
from lit_prune.fitting.arguments import explain, with_config_files

_SIGPIPE = 141  # exit code of a process whose pipe is closed, as shells have it

# Name -> module whose `run(arguments)` does it, and what it is for.
COMMANDS = {
    "fit": (
        "lit_prune.commands.fit",
        "train as a yaml says: fine-tune, prune; --resume RUN continues a run that was cut off",
    ),
    "configs": ("lit_prune.commands.configs", "list the configurations that come with the package; print one"),
    "prepare": (
        "lit_prune.commands.prepare",
        "read, download and tokenise what a fit needs; the fit then needs no network",
    ),
    "test": ("lit_prune.commands.test", "evaluate a finished run's model on labelled files"),
    "predict": ("lit_prune.commands.predict", "write what a finished run's model says of a file's rows"),
    "export": ("lit_prune.commands.export", "write a finished run's model for plain transformers, or packed small"),
    "masks": (
        "lit_prune.commands.masks",
        "what runs keep by layer and kind of matrix, and how much of it they share",
    ),
    "study": ("lit_prune.commands.study", "a grid of runs as a yaml says: axes, seeds, what starts from what"),
    "stability": ("lit_prune.commands.stability", "one configuration with many seeds"),
    "certify": (
        "lit_prune.commands.certify",
        "certify a generated corpus: its bias misleads, and can be resisted",
    ),
    "pointwise": ("lit_prune.commands.pointwise", "how far losses move of training rows that runs lacked"),
    "report": ("lit_prune.commands.report", "what a study's runs show: results, statistics, tables, figures"),
    "bench": (
        "lit_prune.commands.bench",
        "what masks, selection and the start of a command cost on this machine, as ratios",
    ),
}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        args: The arguments, None: those of the process.

    Returns:
        The exit code: 0, or 2 after a user's error, which is printed in one line. Bugs raise.
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
            raise UserError(f"there is no command {name!r}: use one of {', '.join(COMMANDS)} (lit_prune --help)")
        arguments = with_config_files(arguments)
        command = import_module(COMMANDS[name][0])
        from lit_prune.hardware.threads import limit_threads  # not above: the help answers without torch

        limit_threads()
        command.run(arguments)
    except Exception as error:  # a user's error may come wrapped by whatever library called us
        cause = users_error(error)
        if cause is None:
            raise
        print(f"lit_prune: error: {' '.join(str(cause).split())}", file=sys.stderr)
        return 2
    return 0


def console() -> None:
    """The console script."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe, as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _SIGPIPE
    sys.exit(code)


def _help() -> str:
    commands = "\n".join(f"  {name:9} {purpose}" for name, (_, purpose) in COMMANDS.items())
    return (
        "usage: lit_prune COMMAND ...\n\n"
        "Prune pretrained text encoders and tune them sparsely, honestly measured.\n\n"
        f"commands:\n{commands}\n\n"
        "lit_prune COMMAND --help explains a command's arguments; lit_prune --version prints the version."
    )


def users_error(error: BaseException) -> BaseException | None:
    """What of a chain of errors is meant for a user: the last word of the package's own; None where it is a bug."""
    from jsonargparse import ArgumentError  # not above: the help answers without the libraries
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for each in chain:
        if isinstance(each, UserError):
            return each
    if isinstance(error, ArgumentError):
        return UserError(explain(str(error)))
    return UserError(" ".join(str(error).split())) if isinstance(error, MisconfigurationException) else None
