"""Scores of policies in the challenges: 0 is what random play earns there, 1 the best that is known.

Scores above 1 and below 0 are kept as they are: the best known is the best of what was tried (docs/challenges.md).
"""

from __future__ import annotations

import itertools
import math
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from agents.evaluation.challenges import REFERENCES, Challenge, ChallengeError, challenges, load_challenge, references
from agents.evaluation.challenges.environments import draw, residents
from agents.evaluation.evaluate import check_sizes
from agents.evaluation.players import Player, Spec, digests, load, players_of
from agents.evaluation.statistics import estimate
from agents.files import write_json
from agents.policies import registry
from agents.policies.specs import check_fits, label_of
from agents.table.play import play
from agents.work import Unit, policy_inputs, run_units
from sd_env.policies import PolicyError

#: Seeds of the worlds in which scores are measured; training and the other evaluations take smaller ones.
SEEDS: Final = tuple(range(9001, 9009))
#: Seeds on which the best known is chosen: others than those on which it is measured, or luck would count.
SELECTION_SEEDS: Final = tuple(range(9101, 9105))
WORLDS: Final = 64

_RANDOM: Final = "random"
#: Side measures of the table, as sums over episodes of a tally of ``layout.TALLY`` over another; "" is per episode.
_SIDE: Final = {"ss_attacks": ("ss_attacks", "ss_pair_turns"), "tragic_wars": ("tragic_wars", "")}
_PACKAGES: Final = ("sd-env", "numpy", "numba")


def challenge(
    policies: Sequence[Spec],
    *,
    names: Sequence[str] | None = None,
    seeds: Sequence[int] = SEEDS,
    worlds: int = WORLDS,
    out: Path | None = None,
    workers: int = 1,
    parquet: bool = False,
    fresh: bool = False,
    trust: bool = False,
    reference: Path | None = None,
) -> pd.DataFrame:
    """Put each policy into the focal seats of challenges and score it.

    Args:
        policies: registry names, paths of bundles, or policies (those only with one worker and without ``out``).
            Bundles that differ in their training seeds alone count as one policy.
        names: challenges, by name or by the path of a YAML file of your own; default those of the catalogue that the
            policy fits: one that learned among two states cannot sit among four.
        seeds: of the worlds; every policy meets the same ones.
        worlds: worlds a seed, each played for one episode.
        out: folder in which finished work is kept, ``episodes.csv`` at the end; the same call resumes it.
        workers: processes, 0 for one a core.
        parquet: write ``episodes.parquet`` too.
        fresh: set aside what is in ``out``, and begin anew.
        trust: whether what can run code may be loaded: zip files of stable-baselines3, Python files.
        reference: file of the values that stand for 0 and 1, if not the catalogue's.

    Returns:
        The table of :func:`score_table`: a row for each policy and challenge.

    Raises:
        ChallengeError: for a challenge that is not there, or one without values that stand for 0 and 1.
        PolicyError, WorkError: one sentence, before anything is written.
    """
    scale = references(reference)
    chosen = {name: load_challenge(name) for name in (challenges() if names is None else names)}
    for each in chosen.values():
        scale_of(each, scale)
    pairs: list[tuple[Player, str]] = []
    for name, each in chosen.items():
        fitting = [spec for spec in policies if names is not None or fits(spec, each, trust)]
        pairs += [(player, name) for player in (players_of(fitting, each.game, trust=trust) if fitting else [])]
    if not pairs:
        players_of(policies, next(iter(chosen.values())).game, trust=trust)  # says why
    episodes = _episodes(pairs, seeds, worlds, out, workers, "challenge", parquet=parquet, fresh=fresh, trust=trust)
    return score_table(episodes, scale)


def fits(spec: Spec, chosen: Challenge, trust: bool) -> bool:
    """Whether a policy can sit in a challenge."""
    try:
        check_fits(load(spec, trust), chosen.game, label_of(spec))
    except PolicyError:
        return False
    return True


def _episodes(
    pairs: Sequence[tuple[Player, str]],
    seeds: Sequence[int],
    worlds: int,
    out: Path | None,
    workers: int,
    title: str,
    *,
    parquet: bool = False,
    fresh: bool = False,
    trust: bool = False,
) -> pd.DataFrame:
    """Episodes of every player, challenge and seed, in that order."""
    check_sizes(seeds=seeds, worlds=worlds)
    units = []
    for (player, name), seed in itertools.product(pairs, seeds):
        for member, training_seed in zip(player.members, player.seeds, strict=True):
            arguments = {
                "label": player.label, "training_seed": training_seed, "policy": member, "name": name, "seed": seed,
                "worlds": worlds, "trust": trust,
            }  # fmt: skip
            units.append(Unit(f"{player.label} {training_seed:g} {name} seed {seed}", arguments))
    inputs = digests([player for player, _ in pairs])
    for chosen in (load_challenge(name) for name in dict.fromkeys(name for _, name in pairs)):
        inputs[f"the challenge {chosen.name}"] = chosen.fingerprint()
        inputs |= policy_inputs(each.strategy for options in chosen.cast.values() for each in options)
    return run_units(
        play_challenge, units, out, workers=workers, title=title, parquet=parquet, inputs=inputs, fresh=fresh
    )


def play_challenge(
    *, label: str, training_seed: float, policy: Spec, name: str, seed: int, worlds: int, trust: bool
) -> pd.DataFrame:
    """The unit of work: one episode in each of ``worlds`` worlds of a challenge, the policy in all focal seats.

    Returns:
        One row a world: ``challenge, policy, training_seed``, ``value`` (what is scored), and the columns of
        :func:`agents.table.play.play`.
    """
    chosen, player = load_challenge(name), load(policy, trust)
    others = residents(chosen)
    kinds = draw(others, seed, range(worlds))
    cast = [player if seat in chosen.focal_seats else others[seat] for seat in range(chosen.game.n_states)]
    frame = play(chosen.game, cast, worlds=worlds, seed=seed)
    for seat in chosen.focal_seats:
        frame[f"policy_{seat}"] = label
    for seat, kind in kinds.items():
        frame[f"policy_{seat}"] = [chosen.cast[seat][k].strategy for k in kind]
    returns = frame[[f"return_{seat}" for seat in chosen.focal_seats]]
    value = returns.mean(axis=1) if chosen.score == "mean_return" else returns.min(axis=1)
    front = {"challenge": chosen.name, "policy": label, "training_seed": training_seed, "value": value}
    return pd.concat([pd.DataFrame(front), frame], axis=1)


def score_table(episodes: pd.DataFrame, scale: Mapping[str, Any]) -> pd.DataFrame:
    """Scores with 95% intervals: over training seeds where there are several, else over the seeds of the worlds.

    Args:
        episodes: rows of :func:`play_challenge`.
        scale: what stands for 0 and 1, of :func:`agents.evaluation.challenges.references`. It is taken as exact.

    Returns:
        A row for each policy and challenge: ``policy, challenge, score, low, high``; ``value`` (mean of what is
        scored, in homeland-incomes), ``random`` and ``best`` (the values that are 0 and 1), ``best_policy``;
        ``ss_attacks`` (attacks of security seekers on one another per pair-turn of theirs) and ``tragic_wars`` (per
        episode), of all states; ``count`` values of ``unit`` are behind the interval; ``episodes``.
    """
    rows: list[dict[str, Any]] = []
    for (policy, name), group in episodes.groupby(["policy", "challenge"], sort=False):
        known = scale["challenges"][name]
        zero, one = known["random"]["mean"], known["best"]["mean"]
        unit = "training_seed" if group["training_seed"].nunique() > 1 else "seed"
        by_seed = group.groupby(unit, sort=False)["value"].mean()
        score = estimate(list((by_seed - zero) / (one - zero)))
        row = {"policy": policy, "challenge": name, "score": score.value, "low": score.low, "high": score.high}
        row |= {"value": float(by_seed.mean()), "random": zero, "best": one, "best_policy": known["best"]["policy"]}
        for measure, (above, below) in _SIDE.items():
            count = float(group[below].sum()) if below else float(len(group))
            row[measure] = float(group[above].sum()) / count if count else math.nan
        rows.append(row | {"unit": f"{unit}s".replace("_", " "), "count": len(by_seed), "episodes": len(group)})
    return pd.DataFrame(rows)


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """Over all challenges of a :func:`score_table`, a row for each policy, best first.

    Columns: ``policy``; ``mean`` and ``iqm`` (mean of the middle half, which no single challenge can move far) of the
    scores; ``least`` and where; ``challenges``, how many.
    """
    rows = []
    for policy, group in table.groupby("policy", sort=False):
        scores = group["score"].to_numpy()
        worst = group.loc[group["score"].idxmin()]
        middle = float(stats.trim_mean(scores, 0.25))
        row = {"policy": policy, "mean": float(scores.mean()), "iqm": middle}
        rows.append(row | {"least": worst["score"], "least_in": worst["challenge"], "challenges": len(group)})
    return pd.DataFrame(rows).sort_values("iqm", ascending=False, kind="stable", ignore_index=True)


def scale_of(chosen: Challenge, scale: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of a challenge that stand for 0 and 1.

    Raises:
        ChallengeError: if there are none, if they are of another version of the challenge, or if they do not differ.
    """
    again = "sd-env challenge --reference makes them"
    found: Mapping[str, Any] | None = scale["challenges"].get(chosen.name)
    if found is None:
        raise ChallengeError(f"challenge {chosen.name!r} has no values for 0 and 1 yet; {again}.")
    if found.get("fingerprint") != chosen.fingerprint():
        raise ChallengeError(f"challenge {chosen.name!r} has changed since its values for 0 and 1 were made; {again}.")
    if not found["best"]["mean"] > found["random"]["mean"]:
        raise ChallengeError(f"challenge {chosen.name!r} cannot tell policies apart: nothing beats random play there.")
    return found


# --- what stands for 0 and 1 ----------------------------------------------------------------------------------


def built_in() -> list[str]:
    """Names of the strategies of this package, with their default parameters: the candidates for the best known."""
    return [name for name in registry.names() if registry.describe(name).source == registry.BUILT_IN]


def make_references(
    candidates: Sequence[str] = (),
    *,
    names: Sequence[str] | None = None,
    seeds: Sequence[int] = SEEDS,
    selection_seeds: Sequence[int] = SELECTION_SEEDS,
    worlds: int = WORLDS,
    out: Path | None = None,
    workers: int = 1,
    fresh: bool = False,
    path: Path | None = None,
) -> dict[str, Any]:
    """Find what random and the best known earn in each challenge, and write it to ``path``.

    The best is chosen on seeds of its own and then measured, like random, on the seeds on which policies are scored:
    the greatest of many noisy means, taken where it was chosen, would be too great.

    Args:
        candidates: specs beside the built-in strategies, such as bundles; they compete where they fit.
        names: challenges, by name or path; default the catalogue. Others that the file holds stay as they are.
        seeds: on which random and the best are measured.
        selection_seeds: on which the best is chosen.
        worlds: worlds a seed.
        out: folder for the episodes, from which an interrupted call goes on.
        workers: processes, 0 for one a core.
        fresh: set aside what is in ``out``, and begin anew.
        path: file to write; default the package's own.

    Returns:
        What was written.

    Raises:
        ChallengeError: if nothing beats random play in a challenge, which then cannot tell policies apart, or if the
            file cannot be written.
        PolicyError, WorkError: one sentence, before anything is written.
    """
    target = path or Path(__file__).parent.parent / "challenges" / REFERENCES
    if not os.access(target.parent, os.W_OK):
        raise ChallengeError(f"{target} cannot be written: its folder is not there or may not be changed.")
    chosen = {name: load_challenge(name) for name in (challenges() if names is None else names)}
    everyone = list(dict.fromkeys([*built_in(), *candidates]))
    players = {
        name: {
            player.label: player
            for player in players_of([spec for spec in everyone if fits(spec, each, False)], each.game)
        }
        for name, each in chosen.items()
    }
    pairs = [(player, name) for name, found in players.items() for player in found.values()]
    tried = _episodes(
        pairs, selection_seeds, worlds, out and out / "selection", workers, "choosing the best known", fresh=fresh
    )
    means = tried.groupby(["challenge", "policy"], sort=False)["value"].mean()
    best = {name: str(means[each.name].idxmax()) for name, each in chosen.items()}
    pairs = [(players[name][label], name) for name in chosen for label in dict.fromkeys((_RANDOM, best[name]))]
    measured = _episodes(
        pairs, seeds, worlds, out and out / "measured", workers, "measuring random and the best", fresh=fresh
    )
    by_seed = measured.groupby(["challenge", "policy", "seed"], sort=False)["value"].mean()
    data: dict[str, Any] = {
        "made": {
            "command": "sd-env challenge --reference",
            "candidates": everyone,
            "selection_seeds": list(selection_seeds),
            "seeds": list(seeds),
            "worlds": worlds,
            "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        },
        "challenges": dict(references(target)["challenges"]) if names is not None and target.is_file() else {},
    }
    for name, each in chosen.items():
        values = by_seed[each.name]
        data["challenges"][each.name] = {
            "fingerprint": each.fingerprint(),
            "random": _measured(values[_RANDOM].to_numpy()),
            "best": {"policy": best[name]} | _measured(values[best[name]].to_numpy()),
            "tried": means[each.name].sort_values(ascending=False).to_dict(),
        }
        scale_of(each, data)
    data["challenges"] = dict(sorted(data["challenges"].items()))
    write_json(target, data)
    return data


def _measured(values: np.ndarray) -> dict[str, Any]:
    """Mean, standard error and values of one number a seed."""
    error = float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else math.nan
    return {"mean": float(values.mean()), "standard_error": error, "by_seed": [float(value) for value in values]}
