"""Where rows come from: generated, local files or the Hugging Face hub."""

from lit_prune.data.sources.files import Files, FileSplit
from lit_prune.data.sources.generated import GeneratedFacts, GeneratedNli, GeneratedParaphrase
from lit_prune.data.sources.given import Given
from lit_prune.data.sources.hub import Hub, HubSplit
from lit_prune.data.sources.source import Row, Source

__all__ = [
    "FileSplit",
    "Files",
    "GeneratedFacts",
    "GeneratedNli",
    "GeneratedParaphrase",
    "Given",
    "Hub",
    "HubSplit",
    "Row",
    "Source",
]
