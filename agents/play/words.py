"""What the choices of a state mean, and the world's parameters, in a line each for whoever plays for the first time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sd_env.layout import Build, Extent, Head, Signal, Stance

#: What a head asks, and what it is about; of one that is not here the table of heads tells.
HEADS: Final[dict[Head, tuple[str, str]]] = {
    Head.BUILD_OFFENSE: (
        "Build offensive arms?",
        "Swords: they attack. Arms cost when they are built, last, and wear out slowly; others see only roughly how "
        "many you have.",
    ),
    Head.BUILD_DEFENSE: (
        "Build defensive arms?",
        "Shields: they protect. How well others can tell them from swords depends on the world; if they cannot, your "
        "shields frighten them.",
    ),
    Head.SIGNAL: (
        "Say something to all?",
        "Talk is public, and a word that is broken costs you. Others may not believe it.",
    ),
    Head.STANCE: (
        "How do you stand toward {}?",
        "From friend to foe. All states choose at once, so you learn what others chose only after the turn.",
    ),
    Head.EXTENT: (
        "How far do you go against {}?",
        "It counts only if you mobilize or attack: limited force costs less and takes less.",
    ),
}
#: What a choice does. Of a graded head: of the words for its choices.
CHOICES: Final[dict[tuple[Head, int], str]] = {
    (Head.BUILD_OFFENSE, Build.NONE): "build no swords this turn",
    (Head.BUILD_OFFENSE, Build.HALF): "a part of what you could build this turn",
    (Head.BUILD_OFFENSE, Build.FULL): "as many swords as you can build this turn",
    (Head.BUILD_DEFENSE, Build.NONE): "build no shields this turn",
    (Head.BUILD_DEFENSE, Build.HALF): "a part of what you could build this turn",
    (Head.BUILD_DEFENSE, Build.FULL): "as many shields as you can build this turn",
    (Head.SIGNAL, Signal.SILENCE): "say nothing",
    (Head.SIGNAL, Signal.REASSURE): "promise not to attack anybody for some turns",
    (Head.SIGNAL, Signal.THREATEN): "promise to strike back if you or an ally are attacked",
    (Head.STANCE, Stance.ALIGN): "hold out a hand: if it does too, you are allied this turn and defend each other",
    (Head.STANCE, Stance.NEUTRAL): "leave it alone",
    (Head.STANCE, Stance.MOBILIZE): "make ready for war against it, in everybody's sight",
    (Head.STANCE, Stance.ATTACK): "go to war for its land",
    (Head.EXTENT, Extent.FULL): "with all that you have",
    (Head.EXTENT, Extent.LIMITED): "with a part of it only",
}


def question(head: Head, toward: str) -> tuple[str, str]:
    """What a head asks, and a line about it; ``toward``: the other state, "" of an own head."""
    asked, about = HEADS.get(head, (f"{head.label.replace('_', ' ')}{' toward {}' if toward else ''}?", head.meaning))
    return asked.format(toward), about


def meaning(head: Head, word: int) -> str:
    """What a choice does; ``word``: its number in the head's enumeration."""
    return CHOICES.get((head, word), head.choices(word).name.lower())


def why_not(head: Head, word: int, may_mobilize: bool) -> str:
    """Why a choice is illegal now; ``may_mobilize``: whether the same state could be mobilized against."""
    if head is Head.STANCE and word == Stance.ATTACK and may_mobilize:
        return "not yet: be mobilized against it for long enough first"
    return "not possible here"


def facts(context: Mapping[str, float]) -> Iterator[str]:
    """The rules that matter most, in sentences; ``context``: what an observation shows of the world, by name."""
    c = context
    omega = c["perceived_offense_advantage"]
    side = "attack has the advantage" if omega > 1 else "defence has the advantage" if omega < 1 else "neither has it"
    yield f"An attacker's arms count {omega:.2f} times, as all believe: {side}."
    if c["first_strike"] > 0:
        yield f"Who strikes first, at a state that is not ready, strikes {c['first_strike']:.0%} harder."
    told = c["distinguishability"]
    how = (
        "cannot be told apart at all"
        if told == 0
        else "are plain to see"
        if told == 1
        else f"are told apart to {told:.0%}"
    )
    yield f"Swords and shields {how}; numbers of others' arms are off by about {c['noise']:.0%}."
    yield (
        f"An attack that succeeds takes {c['conquest']:.0%} of a state's land, {c['spoils']:.0%} of which is left for "
        "the attackers."
    )
    yield f"War costs {c['attacker_cost']:.2f} for each state attacked and {c['defender_cost']:.2f} for being attacked."
    yield (
        f"A whole homeland of economy 1 earns 1 a turn. All-out building of one kind of arms costs "
        f"{2 * c['arms_cost']:.2f}, mobilizing {c['mobilization_cost']:.2f}, a word {c['signal_cost']:.2f}, a broken "
        f"word {c['audience_cost']:.2f}."
    )
    if c["mobilization_required"]:
        yield "Only who was mobilized on the turn before, or is at war already, can attack."
    yield (
        f"An ally adds {c['alliance_commitment']:.0%} of its arms to your defence. To let an attacked ally down costs "
        f"{c['abandonment_cost']:.2f}."
    )
    if c["enforcement"] > 0:
        yield f"An authority fines each unprovoked attack {c['enforcement']:.2f}."
    if c["continuation"] < 1:
        yield f"After each turn the world ends with a chance of {1 - c['continuation']:.0%}."
