"""A game by lines of text: what one state sees is printed, each choice is asked for. A pipe of lines plays it too."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from agents.play.game import Forecast, Game, PlayError
from sd_env.errors import printable, said
from sd_env.record import write_log

_WIDTH: Final = 96
HELP: Final = """\
  A number or a word (its beginning is enough) chooses; an empty line takes what stands in [brackets].
  =    goes on with what stands in brackets for all that is left of this turn
  ?    says what the choice means        rules   says the numbers of this world
  quit or Ctrl-C ends the game; with --output the log of the turns that were played is kept
  What is chosen cannot be taken back. All states choose at the same time."""


class Terminal:
    """One person's game.

    Args:
        game: which the person plays one state of.
        seat: index of the state.
        lines: where answers come from; its end ends the game.
        say: prints a line.
        target: where the log is kept after each turn; None keeps none.
        forecasts: ask for a forecast before each turn.
    """

    def __init__(
        self,
        game: Game,
        seat: int,
        lines: TextIO,
        say: Callable[[str], object],
        *,
        target: Path | None = None,
        forecasts: bool = False,
    ) -> None:
        self.game, self.seat, self._lines, self._say = game, seat, lines, say
        self._target, self._forecasts = target, forecasts
        self.kept: Path | None = None

    def play(self) -> None:
        """Play to the end and tell what was hidden.

        Raises:
            KeyboardInterrupt: where the person, or the pipe, ends it before; what was played is kept by then.
        """
        try:
            self._open()
            self._turns()
        except KeyboardInterrupt as interrupt:
            raise interrupt if str(interrupt) else KeyboardInterrupt(self._ended("you interrupted the game")) from None
        self._reveal()

    def _turns(self) -> None:
        while not self.game.over:
            turn = self.game.turn
            view = self.game.view(self.seat)
            self._tell(view)
            forecast = self._forecast(view) if self._forecasts else ()
            choices = self._choices(view)
            self.game.choose(self.seat, turn, choices, forecast)
            self._keep()

    def _ended(self, why: str) -> str:
        played = len(self.game.actions)
        kept = f", and the log of {played} turn{'' if played == 1 else 's'} is {self.kept}" if self.kept else ""
        return f"{why} before turn {self.game.turn} was played{kept}."

    def _keep(self) -> None:
        if self._target is not None and self.game.actions:
            self.kept = write_log(self._target, self.game.log())

    def _line(self, text: str, indent: str = "", rest: str | None = None) -> None:
        """Print a sentence, broken into lines."""
        rest = indent if rest is None else rest
        lines = textwrap.wrap(printable(text), _WIDTH, initial_indent=indent, subsequent_indent=rest)
        for line in lines or [""]:
            self._say(line)

    def _ask(self, prompt: str) -> str:
        """A person's answer; KeyboardInterrupt at the end of the input."""
        self._say(prompt)
        try:
            line = self._lines.readline()
        except OSError as error:  # a folder in the place of answers
            raise PlayError(f"the answers cannot be read: {said(error)}") from None
        if not line or line.strip().lower() in ("quit", "exit"):
            raise KeyboardInterrupt(self._ended("you ended the game" if line else "the input ended"))
        return line.strip()

    def _open(self) -> None:
        view = self.game.view(self.seat)
        self._line(f"{view['title']}")
        if view["about"]:
            self._line(view["about"], "  ")
        played = [name for i, name in enumerate(self.game.names) if i != self.seat]
        others = f"The others are {', '.join(played)}" if len(played) > 1 else f"The other is {played[0]}"
        self._line(f"You are {view['name']}. {others}; what others want you do not see until the end.")
        self._line(view["wants"])
        self._say("")
        self._rules(view)
        self._say(HELP)

    def _rules(self, view: dict[str, Any]) -> None:
        for fact in view["facts"] or ["The numbers of this world are hidden."]:
            self._line(fact, "  - ", "    ")

    def _tell(self, view: dict[str, Any]) -> None:
        you = view["you"]
        self._say("")
        self._say(f"--- turn {view['turn'] + 1} of {view['horizon']} " + "-" * 40)
        for news in view["news"]:
            self._line(news, "  * ", "    ")
        if view["payoff"] is not None:
            self._say(f"  your payoff: {view['payoff']:.2f} on the last turn, {view['payoffs']:.2f} in all")
        self._say(
            f"  You: homeland {you['homeland']:.2f}, foreign land {you['holdings']:.2f}, swords {you['offense']:.2f}, "
            f"shields {you['defense']:.2f}"
        )
        for promise in view["promises"]:
            self._line(promise, "  ! ", "    ")
        for j in view["others"]:
            if not j["standing"]:
                self._say(f"  {printable(j['name'])}: fallen")
                continue
            self._line(
                f"{j['name']}: homeland {j['homeland']:.2f}, foreign land {j['holdings']:.2f}, swords about "
                f"{j['offense_estimate']:.2f}, shields about {j['defense_estimate']:.2f}; if it attacked you now it "
                f"would win with {j['their_success']:.0%}, you against it with {j['our_success']:.0%}"
                + (f"; you think it a security seeker with {j['belief']:.0%}" if "belief" in j else ""),
                "  ",
                "    ",
            )
            if j["ties"]:
                self._line(", ".join(j["ties"]), "    > ", "      ")

    def _choices(self, view: dict[str, Any]) -> list[int]:
        """A choice for each head; those that leave no choice are not asked."""
        found: list[int] = []
        rest = False
        for entry, default in zip(view["heads"], view["defaults"], strict=True):
            legal = [k for k, choice in enumerate(entry["choices"]) if choice["legal"]]
            # limits of force matter only where there is something to limit
            idle = entry["head"] == "extent" and view["heads"][len(found) - 1]["choices"][found[-1]]["word"] not in (
                "mobilize",
                "attack",
            )
            if rest or idle or len(legal) == 1:
                found.append(default)
                continue
            chosen = self._choice(view, entry, default, legal)
            rest = chosen is None
            found.append(default if chosen is None else chosen)
        return found

    def _choice(self, view: dict[str, Any], entry: dict[str, Any], default: int, legal: list[int]) -> int | None:
        """The choice for one head, or None: go on as before with all that is left."""
        listed = "  ".join(
            f"{k} {entry['choices'][k]['word']}" if k != default else f"[{k} {entry['choices'][k]['word']}]"
            for k in legal
        )
        while True:
            said = self._ask(f"{printable(entry['asks'])}  {listed}").lower()
            if said == "=":
                return None
            if said in ("?", "help"):
                self._explain(entry)
                continue
            if said == "rules":
                self._rules(view)
                continue
            if not said:
                return default
            found = list(_meant(said, entry["choices"]))
            if len(found) == 1 and found[0] in legal:
                return found[0]
            if len(found) == 1:
                choice = entry["choices"][found[0]]
                self._say(f"  {choice['word']} is {choice['why']}.")
            else:
                words = ", ".join(f"{k} or {entry['choices'][k]['word']}" for k in legal)
                self._line(f"{said!r:.60} is none of the choices: {words}; ? for help.", "  ")

    def _explain(self, entry: dict[str, Any]) -> None:
        self._line(entry["about"], "  ")
        for k, choice in enumerate(entry["choices"]):
            self._line(
                f"{k} {choice['word']}: {choice['means']}" + (f" ({choice['why']})" if choice["why"] else ""), "    "
            )
        self._say(HELP)

    def _forecast(self, view: dict[str, Any]) -> Forecast:
        """Chances in per cent, as ``russia 30`` (attacks you) or ``russia serbia 60``; an empty line ends them."""
        names = [name.lower() for name in self.game.names]
        standing = [self.game.names.index(j["name"]) for j in view["others"] if j["standing"]]
        rows: dict[tuple[int, int], float] = {}
        self._say("Your forecast: who attacks whom this turn, in per cent? An empty line goes on.")
        while True:
            said = self._ask("  WHO PERCENT (attacks you), or WHO WHOM PERCENT").lower()
            if not said:
                return [(i, j, chance) for (i, j), chance in rows.items()]
            *who, last = said.replace("%", "").split()
            states = [k for word in who for k, name in enumerate(names) if name == word]
            pair = (states[0], states[1] if len(states) > 1 else self.seat) if states else (self.seat, self.seat)
            if len(states) != len(who) or len(who) > 2 or pair[0] == pair[1] or pair[0] not in standing:
                self._line(f"{said!r:.60} names no others who stand: {', '.join(names)}.", "  ")
            elif not last.isascii() or not last.isdigit() or len(last) > 3 or int(last) > 100:
                self._say(f"  {last!r:.20} is no whole number from 0 to 100.")
            else:
                rows[pair] = int(last) / 100

    def _reveal(self) -> None:
        told = self.game.reveal()
        self._say("")
        self._say("--- what was hidden " + "-" * 50)
        for line in told["closing"]:
            self._line(line, "  ")
        wide = max(len(each["name"]) for each in told["states"])
        for each in told["states"]:
            kind = "a security seeker" if each["greed"] == 0 else f"greedy ({each['greed']:.1f})"
            fell = "" if each["standing"] else "; it fell"
            self._line(
                f"{each['name']:{wide}}  was {kind}, played by {each['by']}; others believed with "
                f"{each['believed']:.0%} that it only wanted to be safe (at the lowest {each['lowest']:.0%}); attacked "
                f"{each['attacks']} time{'s' * (each['attacks'] != 1)}; return {each['return']:.2f}{fell}",
                "  ",
                " " * (wide + 4),
            )
            if score := each["forecast"]:
                self._line(
                    f"forecasts: Brier score {score['brier']:.3f} over {score['count']} (0 is perfect; always saying "
                    f"the share that came true, {score['share']:.0%}, would have had {score['constant']:.3f})",
                    " " * (wide + 4),
                )
        self._say(f"  The same world again: --seed {told['seed']}")
        if self.kept:
            self._say(f"  The log is {printable(str(self.kept))}: sd-env replay, explain and verify take it.")


def _meant(said: str, choices: list[dict[str, Any]]) -> Iterator[int]:
    """The numbers of the choices that a text may mean: a number, a word, or the beginning of words."""
    words = [choice["word"] for choice in choices]
    if said in words:
        yield words.index(said)
    elif said.isascii() and said.isdigit():
        if int(said[:9]) < len(words):
            yield int(said[:9])
    else:
        yield from (k for k, word in enumerate(words) if word.startswith(said))


def checked_target(text: str | None) -> Path | None:
    """Where a log goes, looked at before the game: the folder must be there.

    Raises:
        PlayError: if nothing can be written there.
    """
    if text is None:
        return None
    path = Path(text)
    try:
        good = path.absolute().parent.is_dir() and not path.is_dir() and path.name != ""
    except (OSError, ValueError):
        good = False
    if not good:
        raise PlayError(f"--output is {text!r:.200}; a file in a folder that exists is needed")
    return path
