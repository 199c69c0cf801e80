"""The constructions of version 2 of the generated NLI corpus, in which neither text alone gives the label away.

Every premise has hypotheses that follow and others that do not, made of the premise's words. Over the premises of a
family, each form of hypothesis (person verb person, person verb, ...) follows as often as not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_LABEL_OF = {"C": "contradiction", "E": "entailment", "N": "neutral"}


@dataclass(frozen=True)
class Construction:
    """A premise with its hypotheses.

    Args:
        premise: The template of the premise; see `nli_templates` for its slots.
        hypotheses: Labels and templates of the hypotheses, each made of words of the premise.
    """

    premise: str
    hypotheses: list[tuple[str, str]]

    def outcomes(self, is_entailed: bool) -> list[tuple[str, str]]:
        """Return the hypotheses that follow, or those that do not, with their labels."""
        return [each for each in self.hypotheses if (each[0] == "entailment") == is_entailed]


def _read(families: Mapping[str, str]) -> dict[str, list[Construction]]:
    """Read lines "premise => letter hypothesis | letter hypothesis | ..."."""
    return {
        family: [_read_line(line.strip()) for line in lines.strip().splitlines()] for family, lines in families.items()
    }


def _read_line(line: str) -> Construction:
    premise, hypotheses = line.split(" => ")
    pairs = (hypothesis.split(" ", 1) for hypothesis in hypotheses.split(" | "))
    return Construction(premise, [(_LABEL_OF[letter], template) for letter, template in pairs])


TRAINED = _read(
    {
        "contrast": """
            {S}, not {X}, {v} {O} {tail} => E {s} {v} {o} | C {x} {v} {o}
            {S} {v} {O}, not {X}, {tail} => E {s} {v} {o} | C {s} {v} {x}
            not {S} but {X} {v} {O} {tail} => E {x} {v} {o} | C {s} {v} {o}
            {S} {v} not {O} but {X} {tail} => E {s} {v} {x} | C {s} {v} {o}
        """,
        "subject": """
            not {S} but {X} {i} {tail} => E {x} {i} | C {s} {i}
            {S}, not {X}, {i} {tail} => E {s} {i} | C {x} {i}
            {S} {i} {tail}, but {X} did not => E {s} {i} | C {x} {i}
            unlike {S}, {X} {i} {tail} => E {x} {i} | C {s} {i}
        """,
        "did": """
            {S} did {do_v} {O} but not {X} => E {s} did {do_v} {o} | C {s} did {do_v} {x}
            {S} did {do_v} {O} but {X} did not => E {s} did {do_v} {o} | C {x} did {do_v} {o}
            {S} did not {do_v} {O} but did {do_w} {X} => E {s} did {do_w} {x} | C {s} did {do_v} {o}
        """,
        "implicative": """
            {S} did {manage} to {do_v} {O} but did {fail} to {do_w} {X} => E {s} did {do_v} {o} | C {s} did {do_w} {x}
            {S} did {fail} to {do_v} {O} but did {manage} to {do_w} {X} => E {s} did {do_w} {x} | C {s} did {do_v} {o}
            {S} did {manage} to {do_v} {O} and did {want} to {do_w} {X} => E {s} did {do_v} {o} | N {s} did {do_w} {x}
            {S} did {want} to {do_v} {O} and did {manage} to {do_w} {X} => E {s} did {do_w} {x} | N {s} did {do_v} {o}
        """,
        "embedding": """
            {S}, who {said} that {X} {i}, {v} {O} => E {s} {v} {o} | N {x} {i}
            {S} {i} and {said} that {X} {v} {O} => E {s} {i} | N {x} {v} {o}
            {S}, who {pretended} that {X} {i}, {v} {O} => E {s} {v} {o} | C {x} {i}
            {S} {i} and {pretended} that {X} {v} {O} => E {s} {i} | C {x} {v} {o}
            {S}, who {knew} that {X} {i}, {v} {O} => E {s} {v} {o} | E {x} {i} | N {o} {v} {s} | N {o} {i}
        """,
        "modal": """
            {S} perhaps {v} {O}, but {X} certainly {i} {tail} => E {x} {i} | N {s} {v} {o}
            {S} certainly {v} {O}, but {X} perhaps {i} {tail} => E {s} {v} {o} | N {x} {i}
            {S} perhaps, but {X} certainly, {v} {O} {tail} => E {x} {v} {o} | N {s} {v} {o}
        """,
        "disjunction": """
            {S} {i} and {v} either {O} or {X} {tail} => E {s} {i} | N {s} {v} {o} | N {s} {v} {x}
            either {S} or {X} {i} after {S} {v} {O} => E {s} {v} {o} | N {s} {i} | N {x} {i}
        """,
    }
)
"""Family -> its constructions, for training and all evaluation sets but `ood_heldout`."""

HELD_OUT = _read(
    {
        "cleft": """
            it was {S} and not {X} who {v} {O} => E {s} {v} {o} | C {x} {v} {o}
            it was not {S} but {X} who {v} {O} => E {x} {v} {o} | C {s} {v} {o}
            it was {O} and not {X} whom {S} {v} => E {s} {v} {o} | C {s} {v} {x}
            it was not {O} but {X} whom {S} {v} => E {s} {v} {x} | C {s} {v} {o}
        """,
        "replacement": """
            {S} {v} {O} {instead_of} {X} => E {s} {v} {o} | C {s} {v} {x}
            {S} {instead_of} {X} {v} {O} => E {s} {v} {o} | C {x} {v} {o}
            instead of {O}, {S} {v} {X} => E {s} {v} {x} | C {s} {v} {o}
        """,
        "exception": """
            nobody {except} {S}, not even {X}, {v} {O} => E {s} {v} {o} | C {x} {v} {o}
            everybody {except} {S}, even {X}, {v} {O} => E {x} {v} {o} | C {s} {v} {o}
        """,
    }
)
"""Family -> its constructions, for `ood_heldout` alone."""
