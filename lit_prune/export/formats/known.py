"""The package's formats of exports; formats of the user come from plugins."""

from collections.abc import Mapping
from pathlib import Path

from lit_prune.errors import UserError
from lit_prune.export.formats.compact import Compact
from lit_prune.export.formats.csr import Csr
from lit_prune.export.formats.delta import Delta
from lit_prune.export.formats.dense import Dense
from lit_prune.export.formats.format import Format
from lit_prune.export.formats.lowrank import LowRank
from lit_prune.export.formats.masks import Masks
from lit_prune.export.formats.packed import Packed
from lit_prune.export.tensor_files import FOREIGN

FORMATS: dict[str, type[Format]] = {each.name: each for each in (Dense, Packed, Compact, LowRank, Csr, Masks, Delta)}


def named_format(name: str, plugins: Mapping[str, type]) -> Format:
    """Return the format of a name, or of a class path of a plugin.

    Raises:
        UserError: there is none.
    """
    kind = FORMATS.get(name) or plugins.get(name)
    if kind is None or not issubclass(kind, Format):
        raise UserError(
            f"unknown --format {name!r}: choose from {', '.join(FORMATS)}, or name a class of your own by its class "
            "path, and its module with --plugins"
        )
    return kind()


def format_of(folder: Path, plugins: Mapping[str, type]) -> Format:
    """Return the format of a folder that `lit_prune export` wrote, by the names of its files.

    Raises:
        UserError: it has none.
    """
    own = [each for each in plugins.values() if issubclass(each, Format) and each is not Format]
    kinds = [*own, *FORMATS.values()]
    for kind in kinds:
        if (folder / kind.files[0]).is_file():
            return kind()
    names = ", ".join(dict.fromkeys(kind.files[0] for kind in kinds))
    raise UserError(f"{folder} must have one of {names}, got none: give the --out of lit_prune export; {FOREIGN}")
