"""The question templates of the generated paraphrase corpus, written for this package (source: none)."""

from lit_prune.data.generated.corpus import read_templates

_LABEL_OF = {"D": "duplicate", "N": "not_duplicate"}

# Lines and slots as in `nli_templates`; p and q are two places, j is a second event. In the first table both questions
# hold (nearly) the same words, and their order or one small word says whether they ask the same.
HIGH_OVERLAP = {
    "insertion": """
        D: is it true that {s} {v} {o} {tail} => is it {really} true that {s} {v} {o} {tail}
        D: is it true that {s} {v} {o} {tail} => is it true that {tail} {s} {really} {v} {o}
        N: is it true that {s} {v} {o} {tail} => is it true that {s} {hardly} {v} {o} {tail}
        N: is it true that {s} {v} {o} {tail} => is it true that {tail} {s} {hardly} {v} {o}
    """,
    "attempt": """
        D: why did {s} {do_v} {o} {time} => why did {s} {manage} to {do_v} {o} {time} | {time}, why did {s} {do_v} {o}
        N: why did {s} {do_v} {o} {time} => why did {s} {fail} to {do_v} {o} {time}
        N: why did {s} {do_v} {o} {time} => why did {s} {want} to {do_v} {o} {time}
    """,
    "report": """
        D: is it true that {s} {v} {o} {tail} => is it true that {s} {v} {o} {tail}, {please}
        N: is it true that {s} {v} {o} {tail} => is it true that {x} {said} that {s} {v} {o} {tail}
        N: is it true that {s} {v} {o} {tail} => is it true that {x} {pretended} that {s} {v} {o} {tail}
    """,
    "choice": """
        D: who {v} {o} {tail}, {s} or {x} => {tail}, who {v} {o}, {x} or {s}
        D: who {v} {o} {tail}, {s} or {x} => who was it, {s} or {x}, who {v} {o} {tail}
        N: who {v} {o} {tail}, {s} or {x} => who {v} {o} {tail}, {s} and {x} | who {v} neither {s} nor {x} {tail}
    """,
    "journey": """
        D: how did {s} get from the {p} to the {q} {time} => how did {s} get to the {q} from the {p} {time}
        N: how did {s} get from the {p} to the {q} {time} => how did {s} get from the {q} to the {p} {time}
    """,
    "order": """
        D: is it true that {s} {i} before {o} {j} => is it true that before {o} {j}, {s} {i}
        N: is it true that {s} {i} before {o} {j} => is it true that after {o} {j}, {s} {i}
        N: is it true that {s} {i} before {o} {j} => is it true that {s} {i} after {o} {j}
    """,
    "contrast": """
        D: why was it {s} and not {x} who {v} {o} => why was it not {x} but {s} who {v} {o}
        N: why was it {s} and not {x} who {v} {o} => why was it {x} and not {s} who {v} {o}
    """,
    "roles": """
        D: why did {s} and not {x} {do_v} {o} => why did not {x} but {s} {do_v} {o}
        N: why did {s} and not {x} {do_v} {o} => why did {o} {do_v} {s} and not {x}
    """,
}
LOW_OVERLAP = {
    "wording": """
        D: is it true that {s} {v} {o} => can anybody confirm that {s_alt} {v_alt} {o_alt}
        D: is it true that {s} was {v} by {o} => does somebody know whether {o_alt} {v_alt} {s_alt}
        D: is it true that {s} {i} => does somebody know whether {s_alt} {i_alt}
        D: is it true that {s} {i} => can anybody confirm that {s_alt} {i_alt}
        N: is it true that {s} {v} {o} => can anybody confirm that {s_alt} {w_alt} {x_alt}
        N: is it true that {s} {v} {o} => does somebody know whether {s_alt} {i_alt}
        N: is it true that {s} {i} => does somebody know whether {s_alt} never {i_alt}
        N: is it true that {s} {i} => can anybody confirm that {x_alt} {v_alt} {s_alt}
    """,
    "question": """
        D: why did {s} {do_v} {o} => what was the reason that {s_alt} {v_alt} {o_alt}
        N: why did {s} {do_v} {o} => what was the reason that {o_alt} {i_alt}
        D: when did {s} {do_v} {o} => at what time was it that {s_alt} {v_alt} {o_alt}
        N: when did {s} {do_v} {o} => what was the reason that {s_alt} {v_alt} {o_alt}
        D: where did {s} {do_v} {o} => in what place was it that {s_alt} {v_alt} {o_alt}
        N: where did {s} {do_v} {o} => at what time was it that {s_alt} {w_alt} {x_alt}
    """,
    "person": """
        D: who {v} {o} {time} => which person was it that {v_alt} {o_alt}, {time}
        N: who {v} {o} {time} => which person was it that {o_alt} {v_alt}, {time}
        N: who {v} {o} {time} => which person was it that {w_alt} {o_alt}
        D: whom did {s} {do_v} {time} => which person was it that {s_alt} {v_alt}, {time}
        N: whom did {s} {do_v} {time} => which person was it that {v_alt} {s_alt}, {time}
    """,
}

# High overlap? -> label -> family -> [(first question, second question)].
TEMPLATES = {high: read_templates(table, _LABEL_OF) for high, table in ((True, HIGH_OVERLAP), (False, LOW_OVERLAP))}
