"""The sentence templates of the generated NLI corpus, written for this package (source: none, HANS has others)."""

from lit_prune.data.generated.corpus import read_templates

LABELS: tuple[str, str, str] = ("contradiction", "entailment", "neutral")

_LABEL_OF = {"C": "contradiction", "E": "entailment", "N": "neutral"}

# Family -> lines "label: premise => hypothesis" (a line with several hypotheses parts them by "|"). Slots: s, o, x are
# people ("the doctor"), in capitals perhaps with an adjective; v and w transitive pasts, do_v and do_w their base
# forms; i an intransitive past; a and b adjectives; tail an adjunct; others name a list in `words`. The suffix _alt
# gives words that the plain slot implies, _kind and _hypernym the person's class, _not an opposite. Entailed and other
# lines of a family share their words: only who did what to whom, or one small word, tells them apart.
FULL_OVERLAP = {
    "embedding": """
        E: {X} {knew} that {S} {v} {O} => {s} {v} {o}
        N: {X} {said} that {S} {v} {O} => {s} {v} {o}
        C: {X} {pretended} that {S} {v} {O} => {s} {v} {o}
        E: {S}, who {said} that {X} {i}, {v} {O} => {s} {v} {o}
        N: {S}, who {said} that {X} {i}, {v} {O} => {x} {i}
        E: {S}, who {pretended} that {X} {i}, {v} {O} => {s} {v} {o}
        C: {S}, who {pretended} that {X} {i}, {v} {O} => {x} {i}
        E: {S}, who {knew} that {X} {i}, {v} {O} => {x} {i}
    """,
    "contrast": """
        E: {S}, not {X}, {v} {O} {tail} => {s} {v} {o}
        C: {S}, not {X}, {v} {O} {tail} => {x} {v} {o}
        E: {S} {v} {O}, not {X}, {tail} => {s} {v} {o}
        C: {S} {v} {O}, not {X}, {tail} => {s} {v} {x}
        N: {S}, or {X}, {v} {O} {tail} => {s} {v} {o} | {x} {v} {o}
    """,
    "coordination": """
        E: {S} {v} {O} and {X} {tail} => {s} {v} {x} | {s} {v} {o}
        N: {S} {v} either {O} or {X} {tail} => {s} {v} {x} | {s} {v} {o}
        C: {S} {v} not {O} but {X} {tail} => {s} {v} {o}
        E: {S} {v} not {O} but {X} {tail} => {s} {v} {x}
        E: {S} and {X} {i} {tail} => {s} {i} | {x} {i}
        N: either {S} or {X} {i} {tail} => {s} {i} | {x} {i}
        C: not {S} but {X} {i} {tail} => {s} {i}
        E: not {S} but {X} {i} {tail} => {x} {i}
    """,
    "did": """
        E: {S} did {do_v} {O} but not {X} => {s} did {do_v} {o}
        C: {S} did {do_v} {O} but not {X} => {s} did {do_v} {x}
        C: {S} did not {do_v} {O} but did {do_w} {X} => {s} did {do_v} {o}
        E: {S} did not {do_v} {O} but did {do_w} {X} => {s} did {do_w} {x}
    """,
    "implicative": """
        E: {S} did {manage} to {do_v} {O} {tail} => {s} did {do_v} {o}
        N: {S} did {want} to {do_v} {O} {tail} => {s} did {do_v} {o}
        C: {S} did {fail} to {do_v} {O} {tail} => {s} did {do_v} {o}
        E: {S} did {manage} to {do_v} {O} but did {fail} to {do_w} {X} => {s} did {do_v} {o}
        C: {S} did {manage} to {do_v} {O} but did {fail} to {do_w} {X} => {s} did {do_w} {x}
        N: {S} did {fail} to {do_v} {O} but did {want} to {do_w} {X} => {s} did {do_w} {x}
    """,
    "exception": """
        E: nobody {except} {S} {v} {O} => {s} {v} {o}
        C: everybody {except} {S} {v} {O} => {s} {v} {o}
        E: everybody, including {S}, {v} {O} => {s} {v} {o}
        C: nobody, including {S}, {v} {O} => {s} {v} {o}
    """,
    "replacement": """
        E: {S} {v} {O} {instead_of} {X} => {s} {v} {o}
        C: {S} {v} {O} {instead_of} {X} => {s} {v} {x}
        E: {S} {instead_of} {X} {v} {O} => {s} {v} {o}
        C: {S} {instead_of} {X} {v} {O} => {x} {v} {o}
    """,
    "cleft": """
        E: it was {S} and not {X} who {v} {O} => {s} {v} {o}
        C: it was {S} and not {X} who {v} {O} => {x} {v} {o}
        E: it was not {S} but {X} who {v} {O} => {x} {v} {o}
        C: it was not {S} but {X} who {v} {O} => {s} {v} {o}
        N: it was {S} or {X} who {v} {O} => {s} {v} {o} | {x} {v} {o}
    """,
}
LOW_OVERLAP = {
    "paraphrase": """
        E: {S} {v} {O} {tail} => {s_alt} {v_alt} {o_alt} | {o_alt} was {v_alt} by {s_alt} | somebody {v_alt} {o_alt}
        N: {S} {v} {O} => {s_alt} {v_alt} {o_alt} {reason} | {o_alt} was {v_alt} by {s_alt} {reason}
        C: {S} {v} {O} {tail} => {s_alt} never {v_alt} {o_alt} | {o_alt} was never {v_alt} by {s_alt}
        C: {S} {v} {O} {tail} => nobody ever {v_alt} {o_alt} | {s_alt} never {v_alt} anybody
    """,
    "paraphrased_passive": """
        E: {S} was {v} by {O} {tail} => {o_alt} {v_alt} {s_alt} | {s_alt} was {v_alt} by {o_alt}
        N: {S} was {v} by {O} => {o_alt} {v_alt} {s_alt} {reason}
        C: {S} was {v} by {O} {tail} => {o_alt} never {v_alt} {s_alt} | nobody ever {v_alt} {s_alt}
    """,
    "paraphrased_negation": """
        E: {S} never {v} {O} => at no time was {o_alt} {v_alt} by {s_alt} | {o_alt} was not {v_alt} by {s_alt}
        N: {S} never {v} {O} => {s_alt} never {i_alt} | {o_alt} {i_alt} {tail}
        C: {S} never {v} {O} => {s_alt} {v_alt} {o_alt} {reason} | {o_alt} was {v_alt} by {s_alt}
    """,
    "event": """
        E: {S} {i} {tail} => {s_alt} {i_alt} | somebody {i_alt}
        N: {S} {i} => {s_alt} {i_alt} {reason}
        C: {S} {i} {tail} => {s_alt} never {i_alt} | nobody ever {i_alt}
        E: {S} never {i} => it is not true that {s_alt} {i_alt}
        C: {S} {i} {tail} => it is not true that {s_alt} {i_alt}
        C: {S} never {i} => {s_alt} {i_alt} {reason}
    """,
    "other_event": """
        N: {S} {v} {O} {tail} => {s_alt} {i_alt} {reason} | {o_alt} {i_alt} | {s_alt} never {i_alt} | nobody {i_alt}
    """,
    "specific": """
        E: {S} {v} {O} {tail} => {s_kind} {v_alt} {o_kind}
        N: {s_kind} {v} {o_kind} {tail} => {s} {v_alt} {o}
        C: {S} {v} {O} {tail} => no {s_hypernym} ever {v_alt} {o_alt}
    """,
    "quality": """
        E: {s}, who was {a}, {v} {o} => {s_alt} was not {a_not}
        N: {s}, who was {a}, {v} {o} => {s_alt} was not {b} | {s_alt} was {b} | {o_alt} was {b}
        C: {s}, who was {a}, {v} {o} => {s_alt} was {a_not}
    """,
    "stay": """
        E: {S} spent all of {day} in the {place} => {s_alt} did not go anywhere else that day
        N: {S} spent all of {day} in the {place} => {s_alt} liked being there | {s_alt} {i_alt}
        C: {S} spent all of {day} in the {place} => {s_alt} never set foot there | {s_alt} was away the whole time
    """,
}


# Full overlap? -> label -> family -> [(premise, hypothesis)].
TEMPLATES = {
    full: read_templates(families, _LABEL_OF) for full, families in ((True, FULL_OVERLAP), (False, LOW_OVERLAP))
}
