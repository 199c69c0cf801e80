"""The templates of the generated reading corpus, written for this package (source: none)."""

# Slots: s did v (past; do_v its base form) to o in the place p at the time t. Every sentence has all of them.
SENTENCES = (
    "{s} {v} {o} in {p} {t}",
    "{s} {v} {o} {t}, in {p}",
    "{t}, {s} {v} {o} in {p}",
    "in {p}, {s} {v} {o} {t}",
    "{o} was {v} by {s} {t}, in {p}",
    "{t}, {o} was {v} by {s} in {p}",
    "in {p}, {o} was {v} by {s} {t}",
    "it was {s} who {v} {o} in {p} {t}",
    "{s} was in {p} and {v} {o} {t}",
    "{o} was in {p} and was {v} by {s} {t}",
)

# What is asked for (a slot) -> the name of the kind of question, and questions.
QUESTIONS = {
    "s": ("who", ("who {v} {o}", "by whom was {o} {v}", "which person {v} {o}")),
    "o": ("whom", ("whom did {s} {do_v}", "who was {v} by {s}", "which person did {s} {do_v}")),
    "p": ("where", ("where did {s} {do_v} {o}", "where was {o} {v} by {s}", "in which place was {o} {v} by {s}")),
    "t": ("when", ("when did {s} {do_v} {o}", "when was {o} {v} by {s}", "at what time was {o} {v} by {s}")),
}
