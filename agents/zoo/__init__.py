"""The zoo: certified policies of the catalogue's worlds, which come with the package, by name.

``agents.make("zoo/doubly-dangerous-v1/seed80")`` makes one, and so does its name wherever a policy is named. Each is a
folder ``WORLD-vN/seedK/`` here: a bundle, and beside it a card that says how it was trained, what it earns, what was
tried against it and what it does (:mod:`agents.zoo.cards`). ``python -m agents.publish.zoo RUN`` puts them here. To
list them imports neither torch nor pydantic.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sd_env.policies import PolicyError

if TYPE_CHECKING:
    from agents.policies.bundles import LearnedBundle
    from agents.zoo.cards import Card

#: What all names begin with.
PREFIX: Final = "zoo/"
#: Where the policies are.
HOME: Final = Path(__file__).parent
#: Files of a policy: its bundle, which is a folder, and its card, which is written last.
BUNDLE, CARD = "policy.sd", "card.json"
#: The part of a name below the prefix: a world with its version, and the seed of the training.
ENTRY: Final = re.compile(r"(?P<world>[a-z0-9]+(-[a-z0-9]+)*-v[0-9]+)/seed(?P<seed>[0-9]+)")
_VERSIONED: Final = re.compile(r".*-v\d+")


def name_of(scenario: str, seed: int) -> str:
    """The name of a policy.

    Args:
        scenario: of the catalogue: ``jervis/doubly-dangerous``. One whose name has no version is the first.
        seed: of the training.
    """
    world = scenario.rpartition("/")[2]
    return f"{PREFIX}{world if _VERSIONED.fullmatch(world) else f'{world}-v1'}/seed{seed}"


def names() -> tuple[str, ...]:
    """All names, by world and seed."""
    entries = (ENTRY.fullmatch(path.parent.relative_to(HOME).as_posix()) for path in HOME.glob(f"*/*/{CARD}"))
    there = sorted((entry["world"], int(entry["seed"]), entry[0]) for entry in entries if entry)
    return tuple(f"{PREFIX}{entry}" for *_, entry in there)


def is_name(name: str) -> bool:
    """Whether a text means a policy of the zoo, be it there or not."""
    return name.startswith(PREFIX)


def has(name: str) -> bool:
    """Whether the zoo has a policy of that name."""
    return is_name(name) and name in names()


def folder(name: str) -> Path:
    """Where the files of a policy are.

    Raises:
        PolicyError: for a name that is not there, with the nearest, or with all.
    """
    if has(name):
        return HOME / name.removeprefix(PREFIX)
    near = difflib.get_close_matches(name, names(), n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names()) or 'none yet'}."
    raise PolicyError(f"There is no policy {name!r:.80} in the zoo; {hint}")


def bundle(name: str) -> Path:
    """Where the bundle of a policy is; PolicyError as for :func:`folder`."""
    return folder(name) / BUNDLE


def card(name: str) -> Card:
    """What is known of a policy.

    Raises:
        PolicyError: for a name that is not there, or a card that is not as it was written.
    """
    from agents.zoo.cards import read

    return read(folder(name) / CARD, name)


def maker(name: str) -> Callable[..., LearnedBundle]:
    """What makes the policy, new for every call, with the parameters of a bundle; its docstring is from the card.

    Raises:
        PolicyError: as for :func:`card`.
    """
    known = card(name)

    def make(deterministic: bool = False, device: str = "cpu") -> LearnedBundle:
        known.check(folder(name) / BUNDLE)
        try:
            from agents.policies.specs import bundle_from

            made = bundle_from(bundle(name), {"deterministic": deterministic, "device": device}, name)
        except ModuleNotFoundError as missing:
            raise PolicyError(
                f"{name} was trained, and needs the training packages: pip install 'sd-env[train]'"
            ) from missing
        made.name = name
        return made

    make.__doc__ = known.told()
    return make
