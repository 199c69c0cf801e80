"""The parser that commands share: its help begins with a purpose and examples, misspelt options get a suggestion."""

from collections.abc import Sequence
from typing import Any

from jsonargparse import ArgumentParser, Namespace

from lit_prune.display.help import HelpFormatter, description
from lit_prune.fitting.arguments import explained


class CommandParser(ArgumentParser):  # type: ignore[misc]
    """A parser whose errors are one line; it takes no prefix of an option for the option, but suggests it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, allow_abbrev=False, **kwargs)

    def parse_args(self, args: Sequence[str], *further: Any, **options: Any) -> Namespace:
        """Parse arguments.

        Raises:
            UserError: An argument is missing, unknown or invalid.
        """
        names = [each.removeprefix("--") for each in self._option_string_actions if each.startswith("--")]
        with explained(names):
            return super().parse_args(args, *further, **options)


def command_parser(command: str, purpose: str, *examples: str) -> CommandParser:
    """Return the parser of a command.

    Args:
        command: The command, without `lit_prune`.
        purpose: The purpose of the command, in whole sentences.
        examples: Command lines.
    """
    return CommandParser(
        prog=f"lit_prune {command}",
        exit_on_error=False,
        formatter_class=HelpFormatter,
        description=description(purpose, *examples),
    )
