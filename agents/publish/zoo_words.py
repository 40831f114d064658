"""What a policy does, in words: short sentences made of the rates that were measured, and of nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from agents.evaluation.deeds import AGAINST, TYPES

#: Rate up to which a deed is called by a word, as a share of the turns on which it could be done.
HOW_OFTEN: Final = (
    (0.0, "never"),
    (0.01, "hardly ever"),
    (0.1, "seldom"),
    (0.3, "at times"),
    (0.7, "often"),
    (0.95, "mostly"),
    (1.0, "nearly always"),
)
#: Arms in all, in homeland-incomes, up to which they are called by a word.
HOW_MANY: Final = ((0.05, "hardly any arms"), (0.5, "few arms"), (1.5, "some arms"), (3.0, "many arms"))
_MOST: Final = "very many arms"
#: Share of offence in all arms up to which they are told to be of a kind.
OF_WHICH: Final = (
    (0.1, "nearly all of them shields"),
    (0.4, "most of them shields"),
    (0.6, "swords as much as shields"),
    (0.9, "most of them swords"),
    (1.0, "nearly all of them swords"),
)

Rates = Mapping[str, float | None]


def sentences(rates: Mapping[str, Rates]) -> list[str]:
    """Some sentences for each type.

    Args:
        rates: by type, as :meth:`agents.evaluation.deeds.Deeds.rates` gives them.
    """
    return [line for kind in TYPES if kind in rates for line in _of_type(kind, rates[kind])]


def _of_type(kind: str, rates: Rates) -> list[str]:
    return [
        f"{kind.capitalize()} hold {_arms(_known(rates, 'offense'), _known(rates, 'defense'))}.",
        f"They {_does(rates, 'mobilizations', 'mobilize')}, and {_attacks(rates)}.",
        f"They {_does(rates, 'reassurances', 'reassure')}, and {_does(rates, 'threats', 'threaten')}.",
        f"They {_does(rates, 'allied', 'stand in an alliance')}.",
    ]


def _arms(offense: float, defense: float) -> str:
    total = offense + defense
    many = next((word for most, word in HOW_MANY if total <= most), _MOST)
    numbers = f"{defense:.2f} of defence and {offense:.2f} of offence a turn"
    if total <= HOW_MANY[0][0]:
        return f"{many} ({numbers})"
    return f"{many}, {next(word for most, word in OF_WHICH if offense / total <= most)} ({numbers})"


def _attacks(rates: Rates) -> str:
    """How often they attack; whom, if there is a difference to tell."""
    if not rates["attacks"] or any(rates[against] is None for against in AGAINST.values()):
        return _does(rates, "attacks", "attack")
    if len({_often(_known(rates, against)) for against in AGAINST.values()}) == 1:
        return f"{_does(rates, 'attacks', 'attack')}, whoever it is"
    return " and ".join(_does(rates, against, f"attack {kind}") for kind, against in AGAINST.items())


def _does(rates: Rates, name: str, verb: str) -> str:
    """``seldom mobilize (3.0% of turns)``."""
    rate = _known(rates, name)
    return f"{_often(rate)} {verb}" + (f" ({_percent(rate)} of turns)" if rate else "")


def _often(rate: float) -> str:
    return next(word for most, word in HOW_OFTEN if rate <= most + 1e-12)


def _percent(rate: float) -> str:
    """A share, with as many decimals as tell it from none and from all."""
    return f"{100 * rate:.1f}%" if 0.0005 <= rate <= 0.9995 else "less than 0.1%" if rate < 0.5 else "more than 99.9%"


def _known(rates: Rates, name: str) -> float:
    """A rate; of what nobody could do, none."""
    return rates[name] or 0.0
