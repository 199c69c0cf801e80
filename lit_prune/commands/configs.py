"""`lit_prune configs`: the configurations that come with the package."""

import textwrap
from collections.abc import Sequence
from shutil import get_terminal_size

from lit_prune.commands.parser import command_parser
from lit_prune.shipped import find_config, shipped_configs, summary

_FILE_WIDTH = 160  # of a list that is piped into a file


def run(arguments: Sequence[str]) -> None:
    """List the shipped configurations, or print the one that the arguments name."""
    parser = command_parser(
        "configs",
        "List the configurations that come with the package, or print one. `lit_prune fit --config NAME` and "
        "`lit_prune study NAME` find them by name from any folder.",
        "lit_prune configs",
        "lit_prune configs srnet_poe > mine.yaml",
    )
    parser.add_argument(
        "name", nargs="?", type=str | None, help="The configuration to print; by default all are listed."
    )
    parser.add_argument("--path", action="store_true", help="Print the path of the file instead of its content.")
    given = parser.parse_args(list(arguments))
    if given.name is None:
        list_configs()
        return
    path = find_config(given.name, "name")
    print(path if given.path else path.read_text(), end="\n" if given.path else "")


def list_configs() -> None:
    """Print a line for each shipped configuration: its name, and the first sentence of its header."""
    shipped = shipped_configs()
    longest = max(map(len, shipped))
    width = max(get_terminal_size((_FILE_WIDTH, 0)).columns - longest - 2, 40)
    for name in sorted(shipped, key=lambda name: (name.count("/"), name)):
        print(f"{name:{longest}}  {textwrap.shorten(summary(shipped[name]), width, placeholder=' ...')}")
