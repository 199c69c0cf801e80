"""The table of sources that a file may name."""

from lit_prune.data.sources.known import SOURCES
from lit_prune.data.sources.source import Source


def test_sources_are_known_by_their_module_and_by_the_packages_that_export_them():
    assert all(issubclass(each, Source) for each in SOURCES.values())
    names = ("lit_prune.data.Files", "lit_prune.data.sources.Files", "lit_prune.data.sources.files.Files")
    assert len({SOURCES[name] for name in names}) == 1
