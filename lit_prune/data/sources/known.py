"""The package's sources of rows by class path: the only ones, beside those of plugins, that a file may name."""

from lit_prune.data.closed import class_paths
from lit_prune.data.sources import public

SOURCES = class_paths(
    (
        public.CopaFiles,
        public.Files,
        public.GeneratedAcceptability,
        public.GeneratedChoice,
        public.GeneratedFacts,
        public.GeneratedMentions,
        public.GeneratedNli,
        public.GeneratedParaphrase,
        public.GeneratedReading,
        public.GeneratedSimilarity,
        public.Hub,
        public.SquadFiles,
        public.SquadHub,
        public.WscFiles,
    ),
    "lit_prune.data",
    "lit_prune.data.sources",
)
