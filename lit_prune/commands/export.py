"""`lit_prune export`: a finished run's selected model as a folder that others can load."""

from collections.abc import Sequence

from jsonargparse import ArgumentParser

from lit_prune.data.closed import add_plugins
from lit_prune.export.formats.known import FORMATS
from lit_prune.export.run import export_run


def run(arguments: Sequence[str]) -> None:
    """Export as the arguments of `lit_prune export` say."""
    parser = ArgumentParser(prog="lit_prune export", exit_on_error=False, description=__doc__)
    parser.add_function_arguments(export_run, as_group=False, as_positional=True, skip={"format", "plugins"})
    known = "; ".join(f"{name} ({each.purpose})" for name, each in FORMATS.items())
    parser.add_argument("--format", type=str, required=True, help=f"{known}; or the class path of one of a plugin")
    add_plugins(parser)
    parsed = parser.parse_args(list(arguments)).as_dict()
    export_run(**parsed)
    print(parsed["out"])
