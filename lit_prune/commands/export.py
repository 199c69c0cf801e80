"""`lit_prune export`: a finished run's selected model as a folder that others can load."""

from collections.abc import Sequence

from lit_prune.commands.parser import command_parser
from lit_prune.data.closed import add_plugins
from lit_prune.export.formats.known import FORMATS
from lit_prune.export.run import export_run


def run(arguments: Sequence[str]) -> None:
    """Export with the arguments of `lit_prune export`."""
    parser = command_parser(
        "export",
        "Write the selected model of a finished run as a folder that other programs load.",
        "lit_prune export logs/srnet_poe/version_0 --format dense --out my_model",
    )
    parser.add_function_arguments(export_run, as_group=False, as_positional=True, skip={"format", "plugins"})
    known = "; ".join(f"{name} ({each.purpose})" for name, each in FORMATS.items())
    parser.add_argument("--format", type=str, required=True, help=f"{known}; or the class path of a format of a plugin")
    add_plugins(parser)
    parsed = parser.parse_args(list(arguments)).as_dict()
    export_run(**parsed)
    print(parsed["out"])
