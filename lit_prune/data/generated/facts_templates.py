"""The sentence templates of the generated fact-verification corpus, written for this package (source: none)."""

# Slots as in `nli_templates` and `paraphrase_templates`; C, A and B stand for what a claim or evidence names.
#
# Dimension -> the two slots of which a claim names one, and the claims.
CLAIMS = {
    "agent": (("s", "x"), ["{C} {v} {o}", "{o} was {v} by {C}", "it was {C} who {v} {o}"]),
    "patient": (("s", "x"), ["{o} {v} {C}", "{C} was {v} by {o}", "it was {C} whom {o} {v}"]),
    "place": (("p", "q"), ["{s} {v} {o} in the {C}", "it was in the {C} that {s} {v} {o}"]),
    "day": (("d", "e"), ["{s} {v} {o} on {C}", "it was on {C} that {s} {v} {o}"]),
}

# Dimension -> evidence that A is true and B is not. Exchanging the two gives evidence of the same words that says the
# opposite.
DECIDES = {
    "agent": """
        it was {A} and not {B} who {v} {o}
        it was not {B} but {A} who {v} {o}
        {A}, not {B}, {v} {o} {tail}
        {A} {v} {o} {instead_of} {B}
        {o} was {v} by {A} and not by {B}
        {o} was {v} not by {B} but by {A}
        {B} did {fail} to {do_v} {o}, but {A} did {manage} to
        {teller} {pretended} that {B} {v} {o}, but it was {A}
    """,
    "patient": """
        {o} {v} {A} and not {B} {tail}
        {o} {v} not {B} but {A} {tail}
        {o} {v} {A} {instead_of} {B}
        it was {A} and not {B} whom {o} {v}
        it was not {B} but {A} whom {o} {v}
        {A} was {v} by {o}, and {B} was not
        {teller} {pretended} that {o} {v} {B}, but it was {A}
    """,
    "place": """
        {s} {v} {o} in the {A} and not in the {B}
        {s} {v} {o} not in the {B} but in the {A}
        it was in the {A}, not in the {B}, that {s} {v} {o}
        {teller} {pretended} that {s} {v} {o} in the {B}, but it was in the {A}
    """,
    "day": """
        {s} {v} {o} on {A} and not on {B}
        {s} {v} {o} not on {B} but on {A}
        it was on {A}, not on {B}, that {s} {v} {o}
        {teller} {pretended} that {s} {v} {o} on {B}, but it was on {A}
    """,
}

# Dimension -> evidence that leaves open which of A and B it was.
LEAVES_OPEN = {
    "agent": """
        it was either {A} or {B} who {v} {o}
        {A} or {B} {v} {o} {tail}
        {o} was {v} by {A} or by {B}
        {teller} {said} that {A} and not {B} {v} {o}
        {A} and {B} {w} {o} {tail}
    """,
    "patient": """
        {o} {v} either {A} or {B} {tail}
        it was {A} or {B} whom {o} {v}
        {teller} {said} that {o} {v} {A} and not {B}
        {o} {w} {A} and {B} {tail}
    """,
    "place": """
        {s} {v} {o} in the {A} or in the {B}
        {teller} {said} that {s} {v} {o} in the {A} and not in the {B}
        {s} {w} {o} in the {A} and in the {B}
    """,
    "day": """
        {s} {v} {o} on {A} or on {B}
        {teller} {said} that {s} {v} {o} on {A} and not on {B}
        {s} {w} {o} on {A} and on {B}
    """,
}


def _lines(table: dict[str, str]) -> dict[str, list[str]]:
    return {dimension: [line.strip() for line in lines.strip().splitlines()] for dimension, lines in table.items()}


DECIDING, OPEN = _lines(DECIDES), _lines(LEAVES_OPEN)
