"""The configurations that come with the package, found by name from any folder."""

import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path

from lit_prune.errors import UserError

_MOST = 4  # names that a message suggests
_OLD = ("configs/studies/", "configs/paper/", "configs/overlay/")  # folders of version 0.1.0


def configs_folder() -> Path:
    """Return the folder of the shipped configurations: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped_configs() -> dict[str, Path]:
    """Return the files of the shipped configurations by name, such as `srnet_poe` or `data/facts`."""
    folder = configs_folder()
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in sorted(folder.rglob("*.yaml"))}


def find_config(value: str, setting: str = "--config") -> Path:
    """Return the file that a path or a name stands for; a file that exists wins.

    Args:
        value: A path, or the name of a shipped configuration: its path below `configs/`, or the end of that if no other
            ends so, with or without `configs/` and `.yaml`.
        setting: The setting that has this value.

    Raises:
        UserError: There is no such file, and no or more than one shipped configuration of this name.
    """
    path = Path(value)
    if path.exists() and not path.is_dir():
        return path
    if path.is_absolute():
        raise UserError(f"{setting} must be an existing file, got {value}: check the path")
    name = value.removeprefix("./").removeprefix("configs/").removesuffix(".yaml")
    shipped = shipped_configs()
    if value.removeprefix("./").startswith(_OLD):
        choices = _moved(name, shipped)
    elif len(choices := [name] if name in shipped else _ending_with(name, shipped)) == 1:
        return shipped[choices[0]]
    files = [each.name for each in path.parent.glob("*.yaml")] if path.parent.is_dir() else []
    beside = [str(path.with_name(each)) for each in get_close_matches(path.name, files, n=1)]
    suggested = ", ".join(choices or [*beside, *_similar(name, shipped)])
    remedy = f"choose from {suggested}" if suggested else "choose from those that `lit_prune configs` lists, or a file"
    raise UserError(f"unknown config {value}: {remedy}")


def summary(path: Path) -> str:
    """Return the first sentence of a configuration's header, where files of others are called by their names."""
    header = re.match(r"(?:# .+\n)*", path.read_text())
    assert header is not None
    paragraph = " ".join(line.removeprefix("# ") for line in header[0].splitlines())
    sentence = re.split(r"(?<=[.?]) (?=[A-Z])", paragraph)[0]
    return re.sub(r"configs/(?:\w+/)*(\w+)\.yaml", r"\1", sentence)


def _ending_with(name: str, shipped: Collection[str]) -> list[str]:
    return [each for each in shipped if each.endswith(f"/{name}")]


def _moved(name: str, shipped: Collection[str]) -> list[str]:
    """Return the new name of a configuration that version 0.1.0 had elsewhere, as a list."""
    folders = name.split("/")
    found = _ending_with(folders[-1], shipped)
    return [each for each in found if ("paper" in each.split("/")) == ("paper" in folders)]


def _similar(name: str, shipped: Collection[str]) -> list[str]:
    """Return the names that are spelt like a name, or whose last part is spelt like its last part."""
    last = {each.rpartition("/")[2]: each for each in sorted(shipped, reverse=True)}
    close = get_close_matches(name.rpartition("/")[2], list(last), _MOST, cutoff=0.75)
    return [last[each] for each in close] or get_close_matches(name, list(shipped), _MOST, cutoff=0.75)
