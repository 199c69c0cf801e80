"""The sentence templates of the generated fact-verification corpus, written for this package (source: none)."""

# Slots as in `nli_templates` and `paraphrase_templates`; C, A and B stand for what a claim or evidence names.
#
# Dimension -> the two slots of which a claim names one, and the claims.
CLAIMS = {
    "agent": (("s", "x"), ["{C} {v} {o}", "it was {C} who {v} {o}"]),
    "patient": (("s", "x"), ["{o} {v} {C}", "it was {C} whom {o} {v}"]),
    "place": (("p", "q"), ["{s} {v} {o} in the {C}", "it was in the {C} that {s} {v} {o}"]),
    "day": (("d", "e"), ["{s} {v} {o} on {C}", "it was on {C} that {s} {v} {o}"]),
}

# Kind -> dimension -> evidence. In the first two kinds A is true and B is not: exchanging them gives evidence that says
# the opposite, and where both are named it does so in the same words. The third kind leaves open which of them is true.
_EVIDENCE = {
    "stated": {
        "agent": "{A} {v} {o} {tail} | it was {A} who {v} {o} | {tail}, {A} {v} {o}",
        "patient": "{o} {v} {A} {tail} | it was {A} whom {o} {v} | {tail}, {o} {v} {A}",
        "place": "{s} {v} {o} in the {A} | it was in the {A} that {s} {v} {o} | in the {A}, {s} {v} {o} {time}",
        "day": "{s} {v} {o} on {A} | it was on {A} that {s} {v} {o} | on {A}, {s} {v} {o} in the {place}",
    },
    "contrasted": {
        "agent": "{A}, not {B}, {v} {o} | it was {A} and not {B} who {v} {o} | it was not {B} but {A} who {v} {o}",
        "patient": "{o} {v} {A} and not {B} | {o} {v} not {B} but {A} | it was {A} and not {B} whom {o} {v}",
        "place": "{s} {v} {o} in the {A} and not in the {B} | {s} {v} {o} not in the {B} but in the {A}",
        "day": "{s} {v} {o} on {A} and not on {B} | {s} {v} {o} not on {B} but on {A}",
    },
    "open": {
        "agent": "it was either {A} or {B} who {v} {o} | {A} or {B} {v} {o} | somebody {v} {o} {tail} | {A} {w} {o}",
        "patient": "it was either {A} or {B} whom {o} {v} | {o} {v} {A} or {B} | {o} {v} somebody {tail} | {o} {w} {A}",
        "place": "{s} {v} {o} in the {A} or in the {B} | {s} {v} {o} on {day} | {s} {w} {o} in the {A}",
        "day": "{s} {v} {o} on {A} or on {B} | {s} {v} {o} in the {place} | {s} {w} {o} on {A}",
    },
}

# Kind -> dimension -> templates.
EVIDENCE = {
    kind: {dimension: lines.split(" | ") for dimension, lines in table.items()} for kind, table in _EVIDENCE.items()
}
