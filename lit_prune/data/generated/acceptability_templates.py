"""The sentence templates and verbs of the generated acceptability corpus, written for this package (source: none)."""

from lit_prune.data.generated import words

# Family -> lines "acceptable => unacceptable" (a line with several of the latter parts them by "|"). Slots: a, b, c are
# people, one or several, with a determiner or (several) none; x is one person, y are several; det_ and noun_ name their
# parts. t needs an object, i takes none, k takes a clause; t_a is the form that agrees with a, t_not_a the other one.
# The sides of a line differ in a verb's form, in where a word stands or in which verb it is: no word alone tells them
# apart.
_FAMILIES = {
    "agreement": """
        {a} {i_a} {near} {b} => {a} {i_not_a} {near} {b}
        {a} {t_a} {b} {near} {c} => {a} {t_not_a} {b} {near} {c}
        {a} {near} {b} {i_a} => {a} {near} {b} {i_not_a}
        {a} {near} {b} {t_a} {c} => {a} {near} {b} {t_not_a} {c}
        {a} who {t_a} {b} {i_a} => {a} who {t_a} {b} {i_not_a} | {a} who {t_not_a} {b} {i_a}
        {a} whom {b} {t_b} {i_a} => {a} whom {b} {t_b} {i_not_a} | {a} whom {b} {t_not_b} {i_a}
        {a} {k_a} that {b} {near} {c} {i_b} => {a} {k_a} that {b} {near} {c} {i_not_b}
    """,
    "order": """
        {det_x} {adj} {noun_x} {t_x} {b} => {det_x} {noun_x} {adj} {t_x} {b} | {adj} {det_x} {noun_x} {t_x} {b}
        {a} {t_a} {b} {near} {c} => {a} {t_a} {b} {c} {near} | {a} {b} {t_a} {near} {c}
        {a} {adv} {t_a} {det_x} {noun_x} => {a} {t_a} {adv} {det_x} {noun_x}
        {a} {i_a} in the {place} => {a} {i_a} the in {place} | {a} {i_a} the {place} in | {a} in {i_a} the {place}
        {a} whom {b} {t_b} {i_a} => {a} {b} whom {t_b} {i_a} | whom {a} {b} {t_b} {i_a}
        {a} {k_a} that {b} {i_b} => {a} that {k_a} {b} {i_b} | {a} {k_a} {b} that {i_b} | that {a} {k_a} {b} {i_b}
    """,
    "determiner": """
        the {noun_x} {t_x} {noun_y} => {noun_x} {t_x} the {noun_y}
        {noun_y} {t_y} the {adj} {noun_x} => the {noun_y} {t_y} {adj} {noun_x}
        the {noun_x} {near} {noun_y} {i_x} => {noun_x} {near} the {noun_y} {i_x}
        the {noun_x} {t_x} the {noun_y} => the the {noun_x} {t_x} {noun_y}
        every {noun_x} {i_x} {near} the {noun_y} => the every {noun_x} {i_x} {near} {noun_y}
        this {noun_x} {t_x} these {noun_y} => these {noun_x} {t_x} this {noun_y}
        many {noun_y} {t_y} every {noun_x} => every {noun_y} {t_y} many {noun_x}
    """,
    "frame": """
        {a} who {i_a} {t_a} {b} => {a} who {t_a} {i_a} {b}
        {a} {i_a} and {b} {t_b} {c} => {a} {t_a} and {b} {i_b} {c}
        {a} {t_a} {b} because {c} {i_c} => {a} {i_a} {b} because {c} {t_c}
        {a} {k_a} that {b} {t_b} {c} => {a} {t_a} that {b} {k_b} {c}
        {a} {near} {b} {i_a} => {a} {near} {b} {t_a}
        {a} {near} {b} {t_a} {c} => {a} {near} {b} {i_a} {c}
    """,
}

# Family -> [(acceptable, its unacceptable variants)].
TEMPLATES = {
    family: [
        (right, wrong.split(" | "))
        for right, wrong in (line.strip().split(" => ") for line in lines.strip().splitlines())
    ]
    for family, lines in _FAMILIES.items()
}

# Are they several? -> determiners.
DETERMINERS = {False: ["the", "this", "every"], True: ["the", "these", "many"]}
NOUNS = [noun for noun, _, hypernym in words.PEOPLE if hypernym != "relative"]  # "Uncle waits" needs no determiner
# Kind -> base forms; then what else a slot is filled with.
_VERBS = {
    "t": """
accompany admire avoid befriend betray blame chaperone congratulate contact convince despise employ envy escort flatter
frighten greet harass humiliate imitate interrogate outwit pity praise replace rescue resemble restrain ridicule startle
summon surround
""",
    "i": """
arrive blush collapse complain cough disappear faint giggle gossip groan hesitate kneel laugh shiver shudder sigh sleep
smile sneeze snore stumble sulk tremble vanish wait weep yawn
""",
    "k": "agree argue assume conclude hope insist pretend remark reply say think",
}
_CHOICES = {
    "adj": "brave clever famous friendly gloomy honest humble lazy nervous polite poor rich rude short tall wise",
    "adv": "always barely frequently gladly never often openly rarely reluctantly secretly seldom sometimes",
    "near": "near beside behind",
}
VERBS = {kind: text.split() for kind, text in _VERBS.items()}
CHOICES = {slot: text.split() for slot, text in _CHOICES.items()} | {"place": words.PLACES}

_IRREGULAR = {
    "ferryman": "ferrymen",
    "midwife": "midwives",
    "policeman": "policemen",
    "schoolchild": "schoolchildren",
    "thief": "thieves",
    "watchman": "watchmen",
}


def with_s(word: str) -> str:
    """Return the plural of a noun, or the form of a verb for one person."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "sh", "ch", "x", "z")) else f"{word}s"
