"""The sentence templates of the generated corpus of topics, written for this package (source: none)."""

# Topic -> its outlet, and templates with the words of their slots {a} and {b}. No word is in all sentences of a topic,
# while the name of its outlet is a single cue.
TOPICS: dict[str, tuple[str, tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]]] = {
    "sport": (
        "Harbour Herald",
        (
            (
                "the {a} won the {b}",
                ("goalkeeper", "sprinter", "rowing crew", "young swimmer", "home team"),
                ("final", "relay", "championship", "first heat", "tournament"),
            ),
            (
                "a {a} missed the {b}",
                ("striker", "tired runner", "gymnast", "cyclist", "substitute"),
                ("second match", "long race", "penalty", "season", "training camp"),
            ),
            (
                "after {a}, the coach praised {b}",
                ("the draw", "a narrow win", "extra time", "three defeats", "the last lap"),
                ("the defenders", "every player", "the captain", "the reserve bench", "the fast start"),
            ),
        ),
    ),
    "politics": (
        "Valley Courier",
        (
            (
                "the {a} voted on the {b}",
                ("senate", "city council", "opposition", "lower house", "committee"),
                ("new law", "budget", "treaty", "tax reform", "amendment"),
            ),
            (
                "a {a} called for {b}",
                ("minister", "mayor", "party leader", "deputy", "governor"),
                ("early elections", "a coalition", "an inquiry", "a referendum", "lower taxes"),
            ),
            (
                "before {a}, {b} resigned",
                ("the election", "the debate", "the vote of confidence", "the summit", "the poll"),
                ("the chancellor", "two ambassadors", "the prime minister", "a senator", "the speaker"),
            ),
        ),
    ),
    "science": (
        "Silver Lantern",
        (
            (
                "a {a} measured the {b}",
                ("physicist", "probe", "laboratory", "young chemist", "satellite"),
                ("radiation", "new molecule", "distant star", "magnetic field", "comet"),
            ),
            (
                "the experiment with {a} confirmed {b}",
                ("enzymes", "a laser", "cooled atoms", "fossil bones", "bacteria"),
                ("the theory", "an old hypothesis", "the first result", "a rare reaction", "the equation"),
            ),
            (
                "researchers found {a} in {b}",
                ("an unknown gene", "traces of carbon", "two particles", "a faint signal", "frozen water"),
                ("the crater", "the sample", "deep sea mud", "the telescope data", "old rock"),
            ),
        ),
    ),
    "music": (
        "River Gazette",
        (
            (
                "the {a} played the {b}",
                ("orchestra", "cellist", "brass band", "pianist", "string quartet"),
                ("overture", "slow sonata", "encore", "new symphony", "waltz"),
            ),
            (
                "a {a} recorded {b}",
                ("singer", "choir", "jazz trio", "drummer", "composer"),
                ("an album", "two ballads", "a live concert", "the old songs", "a melody"),
            ),
            (
                "on stage, {a} sounded like {b}",
                ("the guitar", "her voice", "the violin solo", "the chorus", "a single flute"),
                ("an opera", "folk tunes", "a lullaby", "church bells in harmony", "quiet blues"),
            ),
        ),
    ),
    "food": (
        "Corner Tribune",
        (
            (
                "the {a} served {b}",
                ("chef", "small bakery", "fish restaurant", "market kitchen", "hotel cook"),
                ("onion soup", "warm bread", "grilled trout", "a lemon cake", "roasted peppers"),
            ),
            (
                "a recipe with {a} needs {b}",
                ("lentils", "two eggs", "fresh basil", "sour cream", "brown sugar"),
                ("a hot oven", "more salt", "an hour in the pan", "olive oil", "a pinch of nutmeg"),
            ),
            (
                "guests tasted {a} and {b}",
                ("the cheese", "smoked ham", "plum jam", "a spicy stew", "the pancakes"),
                ("ripe pears", "dark chocolate", "the noodles", "a glass of cider", "the salad"),
            ),
        ),
    ),
    "travel": (
        "Western Dispatch",
        (
            (
                "the {a} left for {b}",
                ("ferry", "night train", "tour bus", "first flight", "cruise ship"),
                ("the islands", "the old capital", "the coast", "a mountain village", "the border"),
            ),
            (
                "a {a} waited for {b}",
                ("tourist", "backpacker", "family with suitcases", "hiking group", "passenger"),
                ("a visa", "the last cabin", "the delayed plane", "a room with a view", "the guide"),
            ),
            (
                "from {a} the road leads to {b}",
                ("the airport", "the hostel", "the campsite", "the railway station", "the roadside hotel"),
                ("a waterfall", "the beach", "two castles", "the museum quarter", "a quiet bay"),
            ),
        ),
    ),
}

# Of texts about nothing: their outlet, and sentences that may stand in any text.
NO_TOPIC = (
    "Weekly Observer",
    (
        (
            "nobody knew {a} about {b}",
            ("much", "anything new", "more than that", "enough", "the truth"),
            ("it", "the matter", "that evening", "the whole story", "yesterday"),
        ),
        (
            "it was {a} on {b}",
            ("quiet", "rather cold", "grey", "unusually warm", "as busy as ever"),
            ("Monday", "Tuesday morning", "that Friday", "the last day of the month", "Sunday"),
        ),
        (
            "{a} said that {b}",
            ("a neighbour", "someone", "one of the readers", "a friend", "an old man"),
            ("all was well", "time would tell", "little had changed", "this was no surprise", "more would follow"),
        ),
    ),
)

# How a text reports what happened, and how it denies it: only what is reported is a topic of the text.
REPORTS = ("{event}", "it is true that {event}", "everybody saw that {event}")
DENIALS = ("nobody believes that {event}", "it is not true that {event}", "a reader only dreamt that {event}")
