"""The sentence templates of the generated fact-verification corpus, written for this package (source: none)."""

from lit_prune.data.generated.corpus import read_templates

LABELS = ("supports", "refutes", "not_enough_info")

# Family -> lines "label: claim => evidence" (a line with several pieces of evidence parts them by "|"). Slots as in
# `nli_templates`. A family has all labels for the same claim: only the evidence tells them apart.
_FAMILIES = {
    "report": """
        S: {s} {v} {o} => {X} {knew} that {S} {v} {O}
        R: {s} {v} {o} => {X} {pretended} that {S} {v} {O}
        N: {s} {v} {o} => {X} {said} that {S} {v} {O}
    """,
    "attempt": """
        S: {s} {v} {o} => {tail}, {S} did {manage} to {do_v} {O} | {S} did {manage} to {do_v} {O} {tail}
        R: {s} {v} {o} => {tail}, {S} did {fail} to {do_v} {O} | {S} did {fail} to {do_v} {O} {tail}
        N: {s} {v} {o} => {tail}, {S} did {want} to {do_v} {O} | {S} did {want} to {do_v} {O} {tail}
    """,
    "two_attempts": """
        S: {s} {v} {o} => {S} did {fail} to {do_w} {X} but did {manage} to {do_v} {O}
        R: {s} {v} {o} => {S} did {manage} to {do_w} {X} but did {fail} to {do_v} {O}
        N: {s} {v} {o} => {S} did {fail} to {do_w} {X} but did {want} to {do_v} {O}
    """,
    "exception": """
        S: {s} {v} {o} => nobody {except} {S} {v} {O} | everybody, including {S}, {v} {O}
        R: {s} {v} {o} => everybody {except} {S} {v} {O} | nobody, including {S}, {v} {O}
        N: {s} {v} {o} => somebody, perhaps {S}, {v} {O} | hardly anybody, perhaps not even {S}, {v} {O}
    """,
    "contrast": """
        S: {s} {v} {o} => {S}, not {X}, {v} {O} {tail} | {S} {v} {O}, not {X}, {tail}
        R: {s} {v} {o} => {X}, not {S}, {v} {O} {tail} | {S} {v} {X}, not {O}, {tail}
        N: {s} {v} {o} => {S}, or {X}, {v} {O} {tail} | {S} {v} {O}, or {X}, {tail}
    """,
    "choice": """
        S: {s} {v} {o} => it was {S} and not {X} who {v} {O} | it was not {X} but {S} who {v} {O}
        R: {s} {v} {o} => it was {X} and not {S} who {v} {O} | it was not {S} but {X} who {v} {O}
        N: {s} {v} {o} => it was {S} or {X} who {v} {O} | it was either {X} or {S} who {v} {O}
    """,
    "replacement": """
        S: {s} {v} {o} => {S} {v} {O} {instead_of} {X} | {S} {instead_of} {X} {v} {O}
        R: {s} {v} {o} => {S} {v} {X} {instead_of} {O} | {X} {instead_of} {S} {v} {O}
        N: {s} {v} {o} => {S} {w} {O} {instead_of} {X} | {S} {instead_of} {X} {w} {O}
    """,
    "wording": """
        S: {s} {v} {o} => {o_alt} was {v_alt} by {s_alt} {tail} | {tail}, {s_alt} {v_alt} {o_alt}
        R: {s} {v} {o} => {o_alt} was never {v_alt} by {s_alt} | {s_alt} never {v_alt} anybody
        R: {s} {v} {o} => nobody ever {v_alt} {o_alt}
        N: {s} {v} {o} => {o_alt} {i_alt} {tail} | {s_alt} {i_alt} {reason} | {s_alt} never {i_alt}
    """,
}

# Label -> family -> [(claim, evidence)].
TEMPLATES = read_templates(_FAMILIES, dict(zip("SRN", LABELS, strict=True)))
