"""Pages of the book that are alive: the guided half hour and the game itself, each one file that needs no server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from agents.files import write_text
from agents.tour.write import page as tour_page
from tools.browser.write import KEPT
from tools.browser.write import page as play_page

ROOT: Final = Path(__file__).parents[1]
TOUR, PLAY = "live/tour.html", "live/play.html"
#: Pages that lead to them, and what they say at their top.
_TOUR_LINE: Final = f"**[Open the guided half hour]({TOUR})**: six steps, a prediction before each answer."
_PLAY_LINE: Final = f"**[Play in this browser]({PLAY})**: the rules run in the page itself."
LEAD: Final = {
    "index.md": (_TOUR_LINE, _PLAY_LINE),
    "contents.md": (_TOUR_LINE, _PLAY_LINE),
    "browser.md": (_TOUR_LINE, _PLAY_LINE),
    "tour.md": (_TOUR_LINE,),
    "play.md": (_PLAY_LINE,),
}
_MADE_OF: Final = (".py", ".yaml", ".css", ".js", ".html", ".csv")


def live() -> Iterator[tuple[str, str]]:
    """Place and HTML of each."""
    yield TOUR, _tour()
    yield PLAY, play_page()


def led(markdown: str, page: str) -> str:
    """The Markdown of a page with links to what is alive, below its title if it has one."""
    if page not in LEAD:
        return markdown
    lines = "".join(f"{line}\n\n" for line in LEAD[page])
    title, end, rest = markdown.partition("\n\n")
    return f"{title}{end}{lines}{rest}" if title.lstrip().startswith("# ") else lines + markdown


@cache
def _tour() -> str:
    """The half hour, kept until something of the game or of those who play changes: it takes half a minute to play."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in ("sd_env", "agents") for path in (ROOT / folder).rglob("*")):
        if path.suffix in _MADE_OF:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    kept = KEPT / f"tour-{digest.hexdigest()[:16]}.html"
    if not kept.is_file():
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob("tour-*.html"):
            old.unlink()
        write_text(kept, tour_page())
    return kept.read_text(encoding="utf-8")
