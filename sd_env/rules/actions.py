"""Actions: which choices are legal this turn, and how an action is carried out (model.md section 2).

The rules of each head are made from its row in the table of heads (:class:`sd_env.layout.Head`).
"""

from __future__ import annotations

import numpy as np

from sd_env.layout import HEAD_SIZES, OTHER_HEAD_SIZES, OTHER_HEADS, OWN_HEADS
from sd_env.rules.compiled import rule

_PAIRS_OF_BITS, _NIBBLES = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_BYTES, _ONE_IN_EACH_BYTE = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
_1, _2, _4, _56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_CHOICE_BITS = 31  # no head has more than 32 choices


@rule
def allows(bits, choice):
    """Whether the scenario's bit mask ``bits`` has ``choice``."""
    return ((bits >> (choice & _CHOICE_BITS)) & 1 == 1) & (choice >= 0) & (choice <= _CHOICE_BITS)


@rule
def has(mask, j):
    """Whether the bit mask over states has j."""
    return (mask >> j) & 1 == 1


@rule
def members(mask):
    """How many states a bit mask has: the form of the sum that compilers turn into one instruction."""
    x = np.uint64(mask)
    x = x - ((x >> _1) & _PAIRS_OF_BITS)
    x = (x & _NIBBLES) + ((x >> _2) & _NIBBLES)
    x = (x + (x >> _4)) & _BYTES
    return int((x * _ONE_IN_EACH_BYTE) >> _56)


@rule
def all_if(condition):
    """The bit mask of everything if the condition holds, else of nothing: faster than a branch."""
    return -int(condition)


@rule
def may_attack(p, s, i, j):
    """The escalation ladder: to attack, be mobilized against the target already, or have attacked it, last turn."""
    return (p.mobilization_required == 0.0) | has(s[i].mobilized | s[i].struck, j)


@rule
def carry_out(p, s, r, actions):
    """Turn actions (N, H) into what is done; an illegal entry becomes its nearest legal one and is counted."""
    n, scenario = len(s), _allowed(p)
    for i in range(n):
        illegal = 0
        for replaced in _carry_out(scenario, s, i, actions[i]):
            illegal += replaced
        for j in range(n):
            if j == i:
                continue
            r[i, j].previous = r[i, j].stance
            entry = _OWN + (j - (j > i)) * _TOWARD
            for replaced in _carry_out_toward(scenario, p, s, r, i, j, actions[i], entry):
                illegal += replaced
        s[i].illegal = illegal


@rule
def write_masks(p, s, masks):
    """Write the action mask of every state: int8 (N, M), 1 = legal, heads laid end to end."""
    n, scenario = len(s), _allowed(p)
    for i in range(n):
        _write(scenario, s, i, masks[i])
        place = _OWN_CHOICES
        for j in range(n):
            if j == i:
                continue
            _write_toward(scenario, p, s, i, j, masks[i], place)
            place += _CHOICES_TOWARD


# --- rules of a single head, made from its row ------------------------------------------------------------------------

_OWN, _TOWARD = len(OWN_HEADS), len(OTHER_HEADS)
_OWN_CHOICES, _CHOICES_TOWARD = sum(HEAD_SIZES), sum(OTHER_HEAD_SIZES)


def _all(rules):
    """One rule that applies all of these in turn and returns the tuple of what they return."""
    first, *others = rules
    if not others:
        return rule(lambda *arguments: (first(*arguments),))
    rest = _all(others)
    return rule(lambda *arguments: (first(*arguments), *rest(*arguments)))


def _scenario_of(head):
    """What the scenario allows of a head: a bit mask of its choices."""
    parameter = f"allowed_{head.label}"
    return rule(lambda p: int(p[parameter]))


def _rules_of(head):
    """Of an own head: carry it out and tell whether the choice was replaced; write its mask."""
    k, field, size, noop, place = int(head), head.label, len(head.choices), head.noop, head.mask_entries(0).start

    @rule
    def legal_choices(scenario, s, i):
        return (1 << noop) | (scenario[k] & all_if(s[i].standing))

    @rule
    def carry_out_head(scenario, s, i, action):
        done = action[k] if allows(legal_choices(scenario, s, i), action[k]) else noop
        s[i][field] = done
        return int(done != action[k])

    @rule
    def write_head(scenario, s, i, mask):
        legal = legal_choices(scenario, s, i)
        for choice in range(size):
            mask[place + choice] = (legal >> choice) & 1

    return carry_out_head, write_head


def _rules_toward(head):
    """Of a head toward others, from i toward j: the same; ``entry`` and ``place`` are where j's heads begin."""
    k, field, size, noop = int(head), head.label, len(head.choices), head.noop
    column, begin = k - _OWN, head.mask_entries(0).start - _OWN_CHOICES
    below = np.array(head.replacements)
    level = ~sum(1 << choice for choice in head.below)  # the choices that need no climbing

    @rule
    def legal_choices(scenario, p, s, i, j):
        reached = scenario[k] & (level | all_if(may_attack(p, s, i, j)))
        return (1 << noop) | (reached & all_if(s[i].standing & s[j].standing))

    @rule
    def carry_out_head(scenario, p, s, r, i, j, action, entry):
        wanted = action[entry + column]
        done, legal = wanted, legal_choices(scenario, p, s, i, j)
        while not allows(legal, done):
            done = below[done] if 0 <= done < size else noop
        r[i, j][field] = done
        return int(done != wanted)

    @rule
    def write_head(scenario, p, s, i, j, mask, place):
        legal = legal_choices(scenario, p, s, i, j)
        for choice in range(size):
            mask[place + begin + choice] = (legal >> choice) & 1

    return carry_out_head, write_head


_allowed = _all([_scenario_of(head) for head in (*OWN_HEADS, *OTHER_HEADS)])
_carry_out, _write = map(_all, zip(*map(_rules_of, OWN_HEADS), strict=True))
_carry_out_toward, _write_toward = map(_all, zip(*map(_rules_toward, OTHER_HEADS), strict=True))
