"""Causes and effects to choose from, as of COPA (Roemmele et al. 2011), by a table of what follows from what.

Of Roemmele et al. 2011 is the task. Events and words are our own.
"""

import random
from collections.abc import Iterator

from lit_prune.data.generated.choice_templates import CHAINS, QUESTIONS
from lit_prune.data.generated.corpus import check_split, fill, split_of
from lit_prune.data.generated.slots import Slots

# The place in a chain of the premise and of the right choice -> the question.
_QUESTION_OF = {(0, 1): "effect", (1, 0): "cause", (1, 2): "effect", (2, 1): "cause"}


def generate_choice(split: str, num_rows: int, seed: int) -> Iterator[dict[str, str]]:
    """Generate premises with a question for their cause or their effect, and two choices.

    The wrong choice is about the same thing or person as the premise. It follows from, or leads to, something else; or,
    in half of the rows whose premise has both, it is the cause where the effect is asked for, and the other way round,
    so that only the question tells. Splits share no premise with its question, whatever their seeds; a smaller
    `num_rows` gives a prefix of a larger.

    Args:
        split: One of "train", "id", "ood", "ood_train"; all are drawn alike.
        num_rows: How many rows to generate.
        seed: Seed of the draw.

    Returns:
        An iterator of rows with the keys id, text_a (premise and question), text_b (two choices, one a line), label
        ("1" or "2", the right choice) and group ("cause" or "effect", what is asked for).

    Raises:
        UserError: The split is unknown.
    """
    check_split("choice", split)
    rng = random.Random(f"choice/{split}/{seed}")
    seen: set[tuple[str, str]] = set()
    for index in range(num_rows):
        label = rng.choice(("1", "2"))
        (premise, right), question = rng.choice(list(_QUESTION_OF.items()))
        while True:  # the label and question stay, so that rejected rows do not shift their shares
            things, chains = rng.choice(CHAINS)
            slots = Slots(rng)
            slots["it"] = f"the {rng.choice(things)}"
            chain, other = rng.sample(chains, 2)
            wrong = chain[2 - right] if premise == 1 and rng.random() < 0.5 else other[right]
            first = f"{fill(chain[premise], slots)} {QUESTIONS[question]}"
            choices = [fill(chain[right], slots), fill(wrong, slots)]
            second = "\n".join(choices if label == "1" else reversed(choices))
            if (first, second) not in seen and split_of(first) == split:
                break
        seen.add((first, second))
        yield {
            "id": f"choice-{split}-{seed}-{index}",
            "text_a": first,
            "text_b": second,
            "label": label,
            "group": question,
        }
