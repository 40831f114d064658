"""Net assessment: what striking first and being struck first would mean, from what a state sees."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from agents.strategies.base import Strategy
from agents.strategies.conduct import Share
from agents.strategies.view import View


def contest(
    force: np.ndarray, against: np.ndarray, decisiveness: np.ndarray, form: Literal["ratio", "difference"] = "ratio"
) -> np.ndarray:
    """Contest success function of the rules by element, which is 0 without force.

    ``ratio``: F^r / (F^r + S^r), 1 against nothing. ``difference``: 1 / (1 + e^(-k (F - S))), k the decisiveness.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        if form == "difference":
            return np.where(force <= 0.0, 0.0, 1.0 / (1.0 + np.exp(decisiveness * (against - force))))
        success = 1.0 / (1.0 + (against / force) ** decisiveness)
    return np.where(force <= 0.0, 0.0, np.where(against <= 0.0, 1.0, success))


class NetAssessor(Strategy):
    """A strategy that weighs wars. Its parameters are what it takes the world's to be where they are hidden.

    Where the observation has a context block, the block's numbers are used instead. The defaults are those of
    ``sd_env.scenario.Scenario``.
    """

    perceived_offense_advantage: float = Field(default=1.0, gt=0.0, description="ω, where the context is hidden")
    dual_use: Share = Field(default=1.0, description="how far weapons serve both ends, where the context is hidden")
    base_defense: float = Field(default=0.1, ge=0.0, description="defence without arms, where the context is hidden")
    decisiveness: float = Field(default=2.0, gt=0.0, description="r, where the context is hidden")
    contest: Literal["ratio", "difference"] = Field(default="ratio", description="of battles; no context shows it")
    peacetime_readiness: Share = Field(default=1.0, description="of its arms while it waits; no context shows it")
    first_strike: float = Field(default=0.5, ge=0.0, description="φ, where the context is hidden")
    conquest: Share = Field(default=0.25, description="land lost with a battle, where the context is hidden")
    restoration: Share = Field(default=0.0, description="land handed back, where the context is hidden")
    attacker_cost: float = Field(default=0.5, ge=0.0, description="cost of an attack, where the context is hidden")
    discount: float = Field(default=0.95, ge=0.0, lt=1.0, description="weight of the next turn against this one")

    def parameter(self, view: View, name: str) -> np.ndarray:
        """As :meth:`assumed`, in the shape ``(K, 1)`` that goes with columns about others."""
        return self.assumed(view, name)[:, None]

    def threshold(self, view: View) -> np.ndarray:
        """The trust m below which a security seeker attacks each other state now, float64 ``(K, N - 1)``.

        m = 1 - attacker_cost / (conquest (p_f - p_s) H), where p_f is the success of the other's first strike, p_s
        that of its attack met by one's own, and H how many discounted turns land lost now is lost for. It is -inf
        where striking would not blunt an attack at all. (model.md, *Exact reductions*)
        """
        dual, power = self.parameter(view, "dual_use"), self.parameter(view, "decisiveness")
        omega = self.parameter(view, "perceived_offense_advantage")
        offense, defense = view.own.offense[:, None], view.own.defense[:, None]
        base, defends = self.parameter(view, "base_defense"), defense + dual * offense
        sent = omega * view.other.reach_out * (offense + dual * defense)
        theirs = omega * view.other.reach_in * (view.other.offense_estimate + dual * view.other.defense_estimate)
        surprise = 1.0 + self.parameter(view, "first_strike")
        first = contest(theirs * surprise, base + self.peacetime_readiness * defends, power, self.contest)
        met = contest(theirs, base + defends + sent, power, self.contest)
        stake = self.parameter(view, "conquest") * (first - met) * self._turns(view)
        with np.errstate(divide="ignore", invalid="ignore"):  # nothing at stake: -inf below
            m = 1.0 - self.parameter(view, "attacker_cost") / np.maximum(stake, 0.0)
        return np.where(stake > 0.0, m, -np.inf)

    def _turns(self, view: View) -> np.ndarray:
        """H, float64 ``(K, 1)``: the rest of the game, discounted; one turn as far as land is handed back."""
        left = np.maximum(view.own.horizon - view.own.turn, 1.0)[:, None]
        restored = self.parameter(view, "restoration")
        lasting: np.ndarray = (1.0 - self.discount**left) / (1.0 - self.discount)
        turns: np.ndarray = restored + (1.0 - restored) * lasting
        return turns
