"""Language models in seats: what a state sees in words, answers by a schema, words between states, forecasts.

``llm:CONFIG.yaml`` names one wherever a policy is named (:mod:`agents.policies.specs`).
"""

from __future__ import annotations

from agents.language.policy import LanguagePolicy
from agents.language.text import observation_text

__all__ = ["LanguagePolicy", "observation_text"]
