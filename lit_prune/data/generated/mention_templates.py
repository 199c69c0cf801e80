"""Why people do what they do in the generated corpus of mentions, written for this package (source: none)."""

# Lines "deed | its counterpart => reason | other reason": {s} does it to {o}, or the other way round. The reason is one
# of who does the deed, or to whom its counterpart is done; the other reason is one of the other.
_DEEDS = """
    asked {o} for food | gave food to {o} => were hungry | had plenty to eat
    took lessons from {o} | taught {o} to read => knew too little | knew a great deal
    borrowed money from {o} | lent money to {o} => were short of cash | had more than enough in the bank
    ran away from {o} | threatened {o} => were defenseless | carried a knife
    obeyed {o} | gave orders to {o} => were of lower rank | were in command
    lost to {o} | defeated {o} => had hardly trained | were the stronger player
    asked {o} for advice | gave advice to {o} => did not know what to do | were an expert
    apologized to {o} | forgave {o} => had told a lie | had been told a lie
    leaned on {o} | carried {o} => had broken a leg | had strong shoulders
    looked for work with {o} | hired {o} => needed a job | owned a company
    envied {o} | pitied {o} => had lost everything | had won a fortune
    fell behind {o} | overtook {o} => were slow | were fast
    looked up at {o} | looked down at {o} => were very short | were very tall
    gave up to {o} | arrested {o} => had robbed a bank | were from the police
    was woken by {o} | woke {o} => had overslept | had heard the alarm
    went to {o} to be cured | treated {o} => had a high fever | had studied medicine
    bought a bicycle from {o} | sold a bicycle to {o} => wanted to ride to work | wanted to get rid of it
    was rescued by {o} | pulled {o} out of the water => could not swim | were a good swimmer
    was led by {o} through the fog | led {o} through the fog => had lost the way | had brought a map
    listened to {o} | told {o} a secret => were curious | could not keep anything to themselves
    was invited to dinner by {o} | cooked dinner for {o} => were a guest in town | had a large kitchen
    was scolded by {o} | scolded {o} => had broken the window | had to pay for the window
    was carried home by {o} | took {o} home by car => had drunk too much | were still sober
    hid behind {o} | stood in front of {o} => were afraid of the dog | were not afraid of the dog
"""

# What is between a deed and its reason.
LINKS = ["because they", "as they", "since they", "for the simple reason that they"]

# [((deed, counterpart), (reason, other reason))].
DEEDS = [tuple(tuple(half.split(" | ")) for half in line.strip().split(" => ")) for line in _DEEDS.strip().splitlines()]
