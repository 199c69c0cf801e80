"""Causes and effects of the generated corpus of choices, written for this package (source: none)."""

QUESTIONS = {"cause": "What was the cause?", "effect": "What happened as a result?"}

# Things or people -> lines "what happened => its effect => the effect of that". {it} is one of the things, the same in
# all of a row, {s} is somebody. Each clause has {it}, so that all share words; neighbours in a line share no others but
# small ones. What a line says follows from no other line of its things.
_CHAINS = {
    "vase bowl plate mirror teapot jug": """
        {s} dropped {it} => {it} broke into pieces => {s} swept up what was left of {it}
        {s} scrubbed {it} with soap => {it} shone like new => a guest admired how clean {it} was
        {s} offered {it} at an auction => a collector bought {it} => {s} wrapped {it} for the new owner
        {s} hid {it} in the attic => nobody could find {it} => the family searched for {it} everywhere
    """,
    "rose fern tulip lily geranium cactus": """
        {s} forgot to water {it} => {it} withered => {s} threw {it} on the compost
        {s} gave {it} light and good soil => {it} grew very tall => {s} needed a larger pot for {it}
        {s} brought {it} to a sick friend => {it} cheered the patient up => the friend thanked {s} for {it}
        {s} knocked over the pot of {it} => earth lay all around {it} => {s} vacuumed the carpet under {it}
    """,
    "shirt coat dress sweater scarf blanket": """
        {s} washed {it} in boiling water => {it} shrank => only a child could use {it}
        {s} caught {it} on a nail => {it} had a tear => {s} sewed a patch on {it}
        {s} spilled ink on {it} => {it} was stained => {s} took {it} to the dry cleaner
        {s} left {it} in the sun for months => the color of {it} faded => {s} dyed {it} again
    """,
    "letter map newspaper poem contract diary": """
        {s} threw {it} into the fire => {it} turned to ashes => nothing remained of {it}
        {s} left {it} out in the rain => {it} was soaked => {s} hung {it} up to dry
        {s} forgot {it} on a train => {it} was handed in as lost property => {s} paid the finder of {it} a reward
        {s} ripped {it} in anger => {it} was in two halves => {s} put {it} together with tape
    """,
    "soup tea milk juice cider cocoa": """
        {s} put {it} in the freezer => {it} turned to ice => {s} had to thaw {it}
        {s} put {it} on the stove => {it} began to boil => steam rose from {it}
        {s} bumped into the table with {it} => {it} ran across the floor => {s} mopped up {it}
        {s} mistook salt for sugar in {it} => {it} tasted terrible => the guests left {it} untouched
    """,
    "car van taxi bus truck motorcycle": """
        {s} drove {it} over a nail => {it} had a flat tire => {s} changed a wheel of {it}
        {s} forgot to fill the tank of {it} => {it} ran out of fuel => {s} pushed {it} to the gas station
        {s} drove {it} much too fast => the police stopped {it} => {s} paid a fine for speeding with {it}
        {s} parked {it} in front of a fire station => {it} was towed away => {s} fetched {it} from the depot
    """,
    "dog puppy cat kitten pony goat": """
        {s} stepped on a paw of {it} => {it} cried out in pain => {s} comforted {it}
        {s} left the gate open behind {it} => {it} ran away => {s} put up posters with a picture of {it}
        {s} gave {it} a large meal => {it} was no longer hungry => {it} dozed off next to its bowl
        {s} walked {it} through mud => {it} was covered in dirt => {s} had to bathe {it}
    """,
    "radio computer phone television printer drill": """
        {s} pulled the plug of {it} => {it} had no power => {s} connected {it} to the outlet again
        {s} poured water over {it} => {it} gave off sparks => {s} jumped back from {it} in fright
        {s} lent {it} to a neighbor => {it} was gone for weeks => {s} asked for {it} back
        {s} praised {it} in an advertisement => {it} sold well => the factory hired people to build {it}
    """,
    "cake pie loaf pizza stew omelet": """
        {s} left {it} in the oven for hours => {it} was burnt black => smoke from {it} filled the kitchen
        {s} kept {it} in a cupboard for weeks => {it} was covered with mold => {s} felt ill after a bite of {it}
        {s} served {it} to hungry children => not a crumb of {it} remained => the children asked {s} for more of {it}
        {s} entered {it} in a contest => {it} won the first prize => the newspaper printed the recipe of {it}
    """,
    "lake pond canal brook river stream": """
        an icy wind blew over {it} => {it} froze => children skated on {it}
        for months it did not rain on {it} => {it} dried up => boats lay in the mud of {it}
        heavy rain fell on {it} => {it} flooded the fields => {s} put sandbags along {it}
        a factory emptied its waste into {it} => {it} was poisoned => people who drank from {it} fell ill
    """,
    "house hotel school theater library museum": """
        lightning struck {it} => {it} caught fire => only charred beams of {it} remained
        an earthquake shook {it} => the walls of {it} cracked => builders filled the gaps in {it} with mortar
        a power line to {it} fell => {it} was dark => {s} lit candles in {it}
        a pipe burst in {it} => the floors of {it} were under water => {s} called a plumber to {it}
    """,
    "doctor baker painter teacher farmer lawyer nurse pilot boxer actor waiter poet": """
        {it} skipped lunch => {it} was hungry => {it} ate two plates of pasta
        {it} stayed up all night => {it} was tired => {it} nodded off at work
        {it} went out in the snow without a coat => {it} caught a cold => {it} lay in bed with a fever
        {it} studied hard for weeks => {it} passed the test => {it} received a diploma
        {it} bought a lucky ticket => {it} won the lottery => {it} moved into a mansion
        {it} stole a necklace => {it} was sent to prison => {it} counted the days in a cell
        {it} slipped on the ice => {it} broke a leg => {it} walked on crutches
        {it} told a funny joke => {it} made everybody laugh => {it} was invited to perform on stage
    """,
}

# [(things, chains of three clauses)].
CHAINS = [
    (things.split(), [line.strip().split(" => ") for line in lines.strip().splitlines()])
    for things, lines in _CHAINS.items()
]
