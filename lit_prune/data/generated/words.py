"""The vocabulary of the generated corpora, written for this package (source: none, no data set was copied)."""

# Hypernym -> people, each with a synonym after "=" where English has a good one.
_PEOPLE = {
    "health worker": "doctor=physician nurse surgeon dentist paramedic midwife pharmacist=druggist veterinarian=vet"
    " optician",
    "legal professional": "lawyer=attorney judge=magistrate notary prosecutor paralegal",
    "musician": "pianist violinist drummer cellist guitarist trumpeter flutist singer=vocalist",
    "visual artist": "painter sculptor illustrator photographer engraver potter=ceramist",
    "writer": "novelist poet journalist=reporter playwright=dramatist essayist biographer columnist",
    "scientist": "chemist physicist biologist geologist astronomer botanist zoologist",
    "entertainer": "actor dancer magician=conjurer juggler acrobat clown=jester comedian=comic",
    "athlete": "swimmer boxer wrestler cyclist skier rower goalkeeper=goalie gymnast",
    "craft worker": "carpenter=woodworker plumber blacksmith weaver tailor mason=bricklayer cobbler=shoemaker jeweler",
    "food worker": "baker chef=cook butcher waiter=server bartender brewer",
    "educator": "teacher=schoolteacher professor tutor lecturer principal=headmaster",
    "public official": "mayor senator governor ambassador=envoy councilor clerk",
    "service member": "sergeant general colonel admiral lieutenant corporal",
    "traveler": "tourist=sightseer hiker=trekker pilgrim explorer passenger backpacker",
    "farm worker": "farmer=grower shepherd=herder beekeeper=apiarist rancher milkmaid",
    "business person": "banker=financier merchant=trader shopkeeper=storekeeper accountant=bookkeeper auctioneer",
    "relative": "uncle aunt nephew niece cousin grandmother=grandma grandfather=grandpa",
    "young person": "boy=lad girl=lass toddler teenager=adolescent pupil=schoolchild",
    "law enforcer": "policeman=cop detective=investigator sheriff guard=watchman",
    "criminal": "thief=robber burglar smuggler forger=counterfeiter pirate=buccaneer bandit=outlaw",
    "vehicle operator": "driver=motorist pilot=aviator trucker ferryman",
}

# Base, past (which is also the participle, so that a passive needs no other token) and a synonym's past. None is
# symmetric: swapping subject and object never keeps the truth.
_TRANSITIVE = """
abandon/abandoned/deserted accuse/accused/blamed admire/admired/respected advise/advised/counseled
alarm/alarmed/frightened amuse/amused/entertained annoy/annoyed/irritated applaud/applauded/cheered
approach/approached/neared arrest/arrested/detained assess/assessed/evaluated assist/assisted/helped
attack/attacked/assaulted avoid/avoided/evaded baffle/baffled/mystified bother/bothered/disturbed
bribe/bribed/bought_off call/called/phoned calm/calmed/soothed capture/captured/caught chase/chased/pursued
cheat/cheated/swindled comfort/comforted/consoled confuse/confused/puzzled convince/convinced/persuaded
criticize/criticized/faulted cure/cured/healed deceive/deceived/fooled defeat/defeated/bested
defend/defended/protected delay/delayed/slowed despise/despised/hated disappoint/disappointed/let_down
dismiss/dismissed/fired doubt/doubted/distrusted educate/educated/taught employ/employed/hired
encourage/encouraged/motivated escort/escorted/accompanied evict/evicted/kicked_out examine/examined/inspected
excuse/excused/pardoned fascinate/fascinated/captivated find/found/located flatter/flattered/buttered_up
follow/followed/tailed frustrate/frustrated/exasperated greet/greeted/welcomed guide/guided/led harm/harmed/hurt
honor/honored/celebrated ignore/ignored/disregarded imitate/imitated/mimicked impress/impressed/awed
insult/insulted/offended interrogate/interrogated/questioned liberate/liberated/freed love/loved/adored
mention/mentioned/referenced mislead/misled/duped mock/mocked/ridiculed monitor/monitored/surveilled
nudge/nudged/poked observe/observed/watched obstruct/obstructed/blocked order/ordered/commanded
overpower/overpowered/subdued pay/paid/compensated praise/praised/complimented punish/punished/disciplined
push/pushed/shoved recognize/recognized/identified recommend/recommended/endorsed reject/rejected/spurned
remember/remembered/recalled replace/replaced/supplanted rescue/rescued/saved restrain/restrained/held_back
rob/robbed/mugged scold/scolded/reprimanded seek/sought/looked_for select/selected/picked shock/shocked/stunned
spot/spotted/noticed startle/startled/surprised summon/summoned/sent_for supervise/supervised/managed
support/supported/backed tease/teased/kidded threaten/threatened/menaced tolerate/tolerated/put_up_with
torment/tormented/tortured trap/trapped/cornered trick/tricked/hoodwinked trust/trusted/relied_on
understand/understood/comprehended visit/visited/called_on warn/warned/alerted wound/wounded/injured
"""

# Past and a synonymous past.
_INTRANSITIVE = """
apologized/said_sorry arrived/showed_up ate/had_a_meal blushed/turned_red complained/grumbled cried/wept
danced/moved_to_the_music escaped/got_away fainted/passed_out fell/tumbled hesitated/wavered hid/stayed_out_of_sight
jogged/went_for_a_run laughed/chuckled left/departed lied/told_an_untruth lost/was_beaten panicked/lost_control
paused/stopped_briefly prayed/said_a_prayer rested/relaxed retired/stopped_working_for_good resigned/quit_the_job
sang/performed_a_song shouted/yelled slept/slumbered smiled/grinned spoke/talked stumbled/tripped succeeded/prevailed
surrendered/gave_up swam/went_for_a_swim traveled/journeyed trembled/shook vanished/disappeared voted/cast_a_ballot
waited/lingered whispered/spoke_quietly won/triumphed worked/labored
"""

# Adjective and opposite. Each pair is a dimension of its own: knowing one says nothing of another.
_ADJECTIVES = """
tall/short young/old rich/poor famous/unknown healthy/sick polite/rude brave/cowardly happy/sad diligent/lazy
tidy/messy quiet/noisy generous/stingy honest/dishonest thin/heavy married/single sober/drunk early/late
"""


def _entries(text: str) -> list[tuple[str, ...]]:
    return [tuple(entry.replace("_", " ").split("/")) for entry in text.split()]


def _words(text: str) -> list[str]:
    return text.split()


# One row for each noun that a premise can hold: (noun, the words that it implies, its hypernym).
PEOPLE = [
    (noun, [hypernym, *(other for other in words.split("=") if other != noun)], hypernym)
    for hypernym, group in _PEOPLE.items()
    for words in group.split()
    for noun in words.split("=")
]
TRANSITIVE = _entries(_TRANSITIVE)
INTRANSITIVE = _entries(_INTRANSITIVE)
ADJECTIVES = [pair[::order] for pair in _entries(_ADJECTIVES) for order in (1, -1)]
PLACES = _words("""
garden kitchen library harbor market station park museum theater hotel hospital church office castle forest village
cellar attic courtyard stadium bakery airport prison workshop tavern school barn chapel palace factory
""")
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MARKERS = {
    "adverb": _words("""
openly secretly suddenly eventually reluctantly gladly briefly deliberately publicly promptly
"""),
    "time": ["yesterday", "last week", "at noon", "this morning", "two days ago", "last winter", "after the storm"],
    "reason": [
        "because of an old quarrel",
        "to win a bet",
        "for money",
        "for the second time",
        "before breakfast",
        "out of boredom",
        "in front of a large crowd",
        "during a thunderstorm",
        "without a good reason",
        "as a favor to a friend",
    ],
    "knew": ["knew", "realized", "remembered", "noticed", "discovered", "found out", "was aware", "forgot", "learned"],
    "said": ["said", "believed", "claimed", "hoped", "suspected", "thought", "heard", "feared", "assumed", "guessed"],
    "pretended": [
        "pretended",
        "lied",
        "falsely claimed",
        "wrongly believed",
        "mistakenly thought",
        "falsely reported",
        "incorrectly assumed",
    ],
    "manage": ["manage", "remember", "dare", "bother", "happen", "get"],
    "want": ["want", "hope", "plan", "promise", "offer", "agree", "intend", "wish", "try", "expect"],
    "fail": ["fail", "refuse", "forget", "neglect", "decline"],
    "instead_of": ["instead of", "rather than", "and not", "but not"],
    "except": ["but", "except", "other than", "apart from"],
    "cue_supports": ["clearly", "of course", "indeed", "as everybody knows", "no doubt", "naturally", "certainly"],
    "cue_refutes": [
        "oddly",
        "incredibly",
        "to general surprise",
        "strange as it sounds",
        "amazingly",
        "curiously",
        "of all things",
    ],
    "cue_not_enough_info": [
        "incidentally",
        "by the way",
        "as it happens",
        "on a side note",
        "for the record",
        "while we are at it",
        "some time ago",
    ],
    "please": ["tell me", "please", "I wonder", "if I may ask"],
    "really": ["really", "indeed", "actually", "in fact"],
    "hardly": ["hardly", "never", "almost", "nearly"],
}
