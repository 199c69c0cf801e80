"""The public classes of `lit_prune.data.sources`."""

from lit_prune.data.sources.amplified import BiasAmplified
from lit_prune.data.sources.conll import ConllFiles
from lit_prune.data.sources.copa import CopaFiles
from lit_prune.data.sources.files import Files, FileSplit, TextSplit
from lit_prune.data.sources.frames import Frames
from lit_prune.data.sources.generated import (
    GeneratedAcceptability,
    GeneratedChoice,
    GeneratedEntities,
    GeneratedFacts,
    GeneratedMentions,
    GeneratedNli,
    GeneratedParaphrase,
    GeneratedReading,
    GeneratedRestatements,
    GeneratedSimilarity,
    GeneratedTopics,
)
from lit_prune.data.sources.given import Given
from lit_prune.data.sources.hub import Hub, HubSplit, HubTable
from lit_prune.data.sources.one_text import OneText
from lit_prune.data.sources.pairs import PairFiles, PairFrames
from lit_prune.data.sources.source import LabelsRow, MentionRow, Row, Source, SpanRow, TokensRow
from lit_prune.data.sources.spans import SpanFiles
from lit_prune.data.sources.squad import SquadFiles, SquadHub
from lit_prune.data.sources.unlabelled import WithUnlabelled
from lit_prune.data.sources.word_frames import WordFrames
from lit_prune.data.sources.wsc import WscFiles

__all__ = [
    "BiasAmplified",
    "ConllFiles",
    "CopaFiles",
    "FileSplit",
    "Files",
    "Frames",
    "GeneratedAcceptability",
    "GeneratedChoice",
    "GeneratedEntities",
    "GeneratedFacts",
    "GeneratedMentions",
    "GeneratedNli",
    "GeneratedParaphrase",
    "GeneratedReading",
    "GeneratedRestatements",
    "GeneratedSimilarity",
    "GeneratedTopics",
    "Given",
    "Hub",
    "HubSplit",
    "HubTable",
    "LabelsRow",
    "MentionRow",
    "OneText",
    "PairFiles",
    "PairFrames",
    "Row",
    "Source",
    "SpanFiles",
    "SpanRow",
    "SquadFiles",
    "SquadHub",
    "TextSplit",
    "TokensRow",
    "WithUnlabelled",
    "WordFrames",
    "WscFiles",
]
