"""The clauses and names of the generated corpus of entities, written for this package (source: none)."""

# Type -> clauses around a name of it; nothing else in a clause tells of a name. `time` and `day` are those of `words`.
CLAUSES = {
    "person": (
        "{name} slept badly {time}",
        "the parents of {name} live abroad",
        "{name} broke a leg on {day}",
        "a letter made {name} cry",
        "{name} married a neighbor",
        "everybody agrees that {name} cannot sing",
        "{name} forgot the keys {time}",
        "the doctor told {name} to rest",
        "nobody has seen {name} since {day}",
        "{name} went for a walk with a friend",
        "the left hand of {name} hurts",
        "a dog bit {name} {time}",
    ),
    "place": (
        "it rained in {name} {time}",
        "the mayor of {name} resigned",
        "the streets of {name} are empty on {day}",
        "all trains to {name} were late",
        "the river flooded half of {name}",
        "north of {name} there are only fields",
        "a bridge near {name} collapsed {time}",
        "the population of {name} has doubled",
        "tourists leave {name} in autumn",
        "the road from {name} was blocked on {day}",
        "houses in {name} are cheap",
        "the weather is mild around {name}",
    ),
    "organisation": (
        "shares of {name} fell {time}",
        "the board of {name} met on {day}",
        "{name} cut its prices",
        "two former employees sued {name}",
        "{name} opened three new factories",
        "customers of {name} complained {time}",
        "a bank lent money to {name}",
        "{name} reported a loss",
        "the lawyers of {name} refused to comment",
        "a rival took over {name} on {day}",
        "the annual report of {name} is late",
        "investors no longer trust {name}",
    ),
}
LINKS = (", and ", ", but ", ", while ", ", although ")

# A word of a name is a beginning, a vowel and an ending. The endings are the bias.
BEGINNINGS = (
    *("Bal", "Cor", "Den", "Fal", "Gar", "Hel", "Jor", "Kel", "Lam", "Mar", "Nor", "Pel", "Quil"),
    *("Ros", "Sal", "Tor", "Ul", "Ver", "Wen", "Yar", "Bran", "Dor", "Gil", "Han", "Kor", "Lor"),
)
VOWELS = ("a", "e", "i", "o")
ENDINGS = {
    "person": ("bert", "dina", "rik"),
    "place": ("burg", "ville", "stead"),
    "organisation": ("corp", "tech", "soft"),
}
