"""Institutions of a scenario: switches that a world has or has not, all off by default (docs/model.md, section 3.7)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool

from sd_env.scenario_bounds import span
from sd_env.scenario_groups import ARMS, PAYOFF
from sd_env.scenario_values import Group, Number, Quantity, WholeNumber

TREATY = "Schelling and Halperin 1961, Strategy and Arms Control; Downs and Rocke 1990, Tacit Bargaining"
TRANSPARENCY = "Lindley 2007, Promoting Peace with Information"
MEDIATION = "Kydd 2006, When Can Mediators Build Trust?"
CRISIS = "George 1991, Avoiding War: Problems of Crisis Management"


class Institutions(Group):
    """What states have set up together: an arms treaty, a hotline, a mediator, open skies, time in a crisis."""

    treaty_limit: Annotated[Number | None, Quantity(0, 1000, ARMS, TREATY, optional=True)] = Field(
        default=None, description="Offensive arms that a state may have under the treaty; null = there is no treaty."
    )
    treaty_penalty: Annotated[Number, Quantity(0, 1000, f"{PAYOFF} per finding", TREATY)] = Field(
        default=0.2, description="What a state pays on each turn on which it is found in violation of the treaty."
    )
    treaty_error: Annotated[Number, Quantity(0, 0.5, "probability", TREATY)] = Field(
        default=0.0,
        description="Verification error: probability that a turn's inspection finds the contrary of what is so.",
    )
    hotline: StrictBool = Field(
        default=False,
        description="Whether states of which neither attacks the other hear each other's signals as they were meant.",
        json_schema_extra={"unit": "true or false", "source": CRISIS},
    )
    mediation: Annotated[Number, Quantity(0, 1, "share", MEDIATION)] = Field(
        default=0.0,
        description="How well a mediator knows states: what it tells two that are mobilized against each other of "
        "their motives is right with probability (1 + mediation) / 2; 0 = there is no mediator.",
    )
    transparency: Annotated[Number, Quantity(0, 1, "share", TRANSPARENCY)] = Field(
        default=0.0,
        description="Share of what hides arms that is taken away: of the error and the inflation of estimates, and of "
        "how much alike the kinds of arms look.",
    )
    crisis_turns: Annotated[WholeNumber, Quantity(0, 100, "turns", CRISIS, whole=True)] = Field(
        default=0,
        description="Turns that a mobilization has to stand, beyond its first, before it opens the way to attack.",
    )

    @property
    def shown(self) -> bool:
        """Whether observations have the columns of what a treaty, a mediator or a crisis tells."""
        return self.treaty_limit is not None or any(span(each)[1] > 0 for each in (self.mediation, self.crisis_turns))
