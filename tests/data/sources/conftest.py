import pytest
from jsonargparse import ArgumentParser

from lit_prune.data.sources import Source


@pytest.fixture
def from_yaml():
    """A function: yaml -> the source that it describes."""

    def make(text: str) -> Source:
        parser = ArgumentParser()
        parser.add_argument("--source", type=Source)
        indented = "source:\n" + "\n".join("  " + line for line in text.splitlines())
        return parser.instantiate(parser.parse_string(indented)).source

    return make
