"""The package's sources of rows, and the bias models that they may have, by class path.

A file may name no others, beside those of plugins.
"""

from lit_prune.data.bias.public import ClaimBias, NgramBias, OverlapBias
from lit_prune.data.closed import class_paths
from lit_prune.data.sources import public

SOURCES = class_paths(
    (
        public.BiasAmplified,
        public.ConllFiles,
        public.CopaFiles,
        public.Files,
        public.GeneratedAcceptability,
        public.GeneratedChoice,
        public.GeneratedEntities,
        public.GeneratedFacts,
        public.GeneratedMentions,
        public.GeneratedNli,
        public.GeneratedParaphrase,
        public.GeneratedReading,
        public.GeneratedRestatements,
        public.GeneratedSimilarity,
        public.GeneratedTopics,
        public.Hub,
        public.OneText,
        public.PairFiles,
        public.SpanFiles,
        public.SquadFiles,
        public.SquadHub,
        public.WithUnlabelled,
        public.WscFiles,
    ),
    "lit_prune.data",
    "lit_prune.data.sources",
)
BIASES = class_paths((ClaimBias, NgramBias, OverlapBias), "lit_prune.data", "lit_prune.data.bias")
