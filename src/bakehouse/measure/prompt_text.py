"""Natural text for requests, made from a seed. One seed gives the same text on every machine, and no text comes twice.

Repeated words or random ids would flatter or punish what natural text does not: speculative decoding, prefix caches,
the routing of experts. So the sentences are English, and differ from the first words on. They are made here, so nobody
has a copyright in them.
"""

from __future__ import annotations

import random

_WHO = (
    "the night baker", "an apprentice", "our neighbour from the mill", "a retired engineer", "the harbour master",
    "my older sister", "a travelling salesman", "the village doctor", "two students from Lisbon", "the new librarian",
    "a careful gardener", "the ferry's captain", "an impatient customer", "the clockmaker's daughter", "a young lawyer",
    "the orchestra's drummer", "a shepherd with three dogs", "the mayor's secretary", "an old friend", "the nurse",
)  # fmt: skip
_DID = (
    "explained", "measured", "repaired", "painted", "forgot", "counted", "carried", "described", "borrowed", "examined",
    "discovered", "translated", "sold", "hid", "compared", "sketched", "cleaned", "praised", "questioned", "rebuilt",
)  # fmt: skip
_WHAT = (
    "a brass telescope", "the recipe for rye bread", "seven letters", "the broken water pump", "a map of the coast",
    "an argument about taxes", "the oldest oven in town", "a box of dried figs", "the timetable of the night train",
    "a theory of tides", "the price of copper wire", "a lighthouse made of paper", "the choir's last rehearsal",
    "a bridge that nobody used", "the smell of fresh ink", "a sack of barley flour", "three kinds of silence",
    "an unusual sort of apple", "the shape of a sail", "a song without an ending",
)  # fmt: skip
_WHEN = (
    "before sunrise", "during the long winter", "on the second Tuesday of March", "after the market had closed",
    "while it rained", "in 1987", "shortly before midnight", "as soon as the road was dry", "between two phone calls",
    "at the end of the harvest", "every other weekend", "long after everyone had left",
)  # fmt: skip
_WHERE = (
    "behind the station", "in a kitchen with blue tiles", "near the old canal", "on the island's north side",
    "under the chestnut trees", "in the reading room", "at the edge of the desert", "on a crowded ferry",
    "in the workshop's cellar", "beside the frozen lake",
)  # fmt: skip
_JOIN = (
    "Nevertheless,", "Some weeks later,", "To everyone's surprise,", "As far as anybody remembers,", "Meanwhile,",
    "According to the newspaper,", "For that reason,", "Strangely enough,", "In the end,", "A moment earlier,",
)  # fmt: skip
_ASK = (
    "Summarise what happened and say what you would have done instead.",
    "Which of these people had the better reason, and why?",
    "Retell this as a letter to somebody who was not there.",
    "List the events in order and explain how each led to the next.",
    "What is missing from this account, and how could one find out?",
    "Turn this into a short story with a surprising end.",
    "Explain to a ten-year-old why this was difficult.",
    "Write down five questions that a journalist should ask about it.",
)


def sentence(chance: random.Random) -> str:
    """One sentence; there are some hundred million."""
    who, did, what = chance.choice(_WHO), chance.choice(_DID), chance.choice(_WHAT)
    middle = f"{who} {did} {what}"
    match chance.randrange(4):
        case 0:
            text = f"{chance.choice(_WHEN)}, {middle} {chance.choice(_WHERE)}."
        case 1:
            return f"{chance.choice(_JOIN)} {middle} {chance.choice(_WHEN)}."
        case 2:
            text = f"{middle}, and {chance.choice(_WHO)} {chance.choice(_DID)} {chance.choice(_WHAT)}."
        case _:
            text = f"{middle} {chance.choice(_WHERE)}, {chance.randrange(2, 90)} steps from {chance.choice(_WHAT)}."
    return text[0].upper() + text[1:]


def passage(chance: random.Random, *, words: int) -> str:
    """About so many words: whole sentences until there are enough."""
    sentences: list[str] = []
    count = 0
    while count < words:
        sentences.append(sentence(chance))
        count += sentences[-1].count(" ") + 1
    return " ".join(sentences)


def question(chance: random.Random, *, words: int) -> str:
    """A passage and what is to be done with it."""
    return f"{passage(chance, words=words)}\n\n{chance.choice(_ASK)}"
