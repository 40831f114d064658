"""Actions: which choices are legal this turn, and how an action is carried out (model.md section 2).

The rules of each head are made from its row in the table of heads (:class:`sd_env.layout.Head`).
"""

from __future__ import annotations

import numpy as np

from sd_env.layout import OTHER_HEADS, OWN_HEADS, Head, standard_heads
from sd_env.rules.compiled import called_rule, rule

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
    """The escalation ladder: to attack, be mobilized against it for long enough, or have attacked it last turn."""
    return (p.mobilization_required == 0.0) | has((s[i].mobilized & ~s[i].held) | s[i].struck, j)


@rule
def write_mask(legal, size, mask, place):
    """Write the mask of a head from ``place`` on, and return where the next begins."""
    for choice in range(size):
        mask[place + choice] = (legal >> choice) & 1
    return place + size


# --- rules of a single head, made from its row ------------------------------------------------------------------------

_OWN, _TOWARD = len(OWN_HEADS), len(OTHER_HEADS)
_NOOP = np.array([head.noop for head in Head])
#: The choices that need no climbing: a bit mask a head.
_LEVEL = np.array([~sum(1 << choice for choice in head.below) for head in Head])


def _all(rules):
    """One rule that applies all of these in turn and returns the tuple of what they return."""
    named = {f"rule_{k}": each for k, each in enumerate(rules)}
    # Written out, since a rule that calls the rest by another rule takes the compiler three times as long.
    calls = "".join(f"{name}(*arguments), " for name in named)
    return rule(eval(f"lambda *arguments: ({calls})", named))


def _scenario_of(head):
    """What the scenario allows of a head: a bit mask of its choices."""
    parameter = f"allowed_{head.label}"
    return rule(lambda p: int(p[parameter]))


def _size_of(head):
    """How many choices a head has: those of the standard head, and one more for each step more."""
    parameter, size = head.graded or "levels", len(head.choices)
    if not head.graded:
        return rule(lambda p: size)
    beside = standard_heads(2).size(head) - getattr(standard_heads(2), parameter)
    return rule(lambda p: int(p[parameter]) + beside)


@rule
def legal_choices(scenario, s, i, k):
    """What state i may choose of own head k: a bit mask."""
    return (1 << _NOOP[k]) | (scenario[k] & all_if(s[i].standing))


@rule
def legal_toward(scenario, p, s, i, j, k):
    """What state i may choose toward j of head k."""
    reached = scenario[k] & (_LEVEL[k] | all_if(may_attack(p, s, i, j)))
    return (1 << _NOOP[k]) | (reached & all_if(s[i].standing & s[j].standing))


def _carry_out_of(head):
    """Carry an own head out and tell whether the choice was replaced."""
    k, field, noop = int(head), head.label, head.noop

    @rule
    def carry_out_head(scenario, s, i, action):
        done = action[k] if allows(legal_choices(scenario, s, i, k), action[k]) else noop
        s[i][field] = done
        return int(done != action[k])

    return carry_out_head


def _carry_out_toward_of(head):
    """The same of a head toward others, from i toward j; ``entry`` is where j's heads begin."""
    k, field, size, noop, column = int(head), head.label, len(head.choices), head.noop, int(head) - _OWN
    below = np.array(head.replacements)

    @rule
    def carry_out_head(scenario, p, s, r, i, j, action, entry, toward):
        if column >= toward:  # the scenario lacks it
            return 0
        wanted = action[entry + column]
        done, legal = wanted, legal_toward(scenario, p, s, i, j, k)
        while not allows(legal, done):
            done = below[done] if 0 <= done < size else noop
        r[i, j][field] = done
        return int(done != wanted)

    return carry_out_head


_allowed = _all([_scenario_of(head) for head in Head])
_carry_out = _all([_carry_out_of(head) for head in OWN_HEADS])

# --- the whole action -------------------------------------------------------------------------------------------------

_sizes = _all([_size_of(head) for head in Head])
_STANDARD = standard_heads(2)
_STANDARD_SIZES = np.array([_STANDARD.size(head) for head in _STANDARD.all])
_STANDARD_TOWARD = len(_STANDARD.toward_others)


@rule
def standard(p):
    """Whether the scenario has the standard heads."""
    return (p.levels == 2.0) & (p.force_levels == 1.0)


def _of_heads(make):
    """A rule over all heads in two versions: of any, and of the standard ones, whose sizes compilers know and unroll.

    ``make`` takes how to compile, rules that give a head's size and how many heads are toward others, and those heads.
    """
    constant = make(
        rule, rule(lambda p, k: _STANDARD_SIZES[k]), rule(lambda p: _STANDARD_TOWARD), _STANDARD.toward_others
    )
    toward = rule(lambda p: _TOWARD - (p.force_levels == 1.0))  # those that not all scenarios have come last
    general = make(called_rule, rule(lambda p, k: _sizes(p)[k]), toward, OTHER_HEADS)

    @rule
    def of_heads(p, s, r, array):
        if standard(p):
            constant(p, s, r, array)
        else:
            general(p, s, r, array)

    return of_heads


def _carry_out_all(compiled, size_of, heads_toward, heads):
    """Turn actions (N, H) into what is done; an illegal entry becomes its nearest legal one and is counted."""
    carry_out_toward = _all([_carry_out_toward_of(head) for head in heads])

    @compiled
    def carry_out_all(p, s, r, actions):
        n, scenario, toward = len(s), _allowed(p), heads_toward(p)
        for i in range(n):
            illegal = 0
            for replaced in _carry_out(scenario, s, i, actions[i]):
                illegal += replaced
            for j in range(n):
                if j == i:
                    continue
                r[i, j].previous = r[i, j].stance
                entry = _OWN + (j - (j > i)) * toward
                for replaced in carry_out_toward(scenario, p, s, r, i, j, actions[i], entry, toward):
                    illegal += replaced
            s[i].illegal = illegal

    return carry_out_all


def _write_all(compiled, size_of, heads_toward, heads):
    """Write the action mask of every state: int8 (N, M), 1 = legal, heads laid end to end."""

    @compiled
    def write_all(p, s, r, masks):
        n, scenario, last = len(s), _allowed(p), _OWN + heads_toward(p)
        for i in range(n):
            place = 0
            for k in range(_OWN):
                place = write_mask(legal_choices(scenario, s, i, k), size_of(p, k), masks[i], place)
            for j in range(n):
                if j == i:
                    continue
                for k in range(_OWN, last):
                    place = write_mask(legal_toward(scenario, p, s, i, j, k), size_of(p, k), masks[i], place)

    return write_all


carry_out = _of_heads(_carry_out_all)
write_masks = _of_heads(_write_all)
