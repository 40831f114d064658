"""Pages for a browser that ask nothing of any host: a package's ``page.html`` with style, script and words put in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

#: Nothing is fetched, framed, sent or based elsewhere.
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'"


def filled(package: str, parts: Mapping[str, str], *, pictures: bool = False) -> str:
    """The page of a package.

    Its ``page.html`` names by ``{{name}}`` what is put in: ``parts``, and ``style``, ``script`` and ``policy``, the
    content-security policy, which names the digests of the one style and the one script that may run.

    Args:
        package: its dotted name; ``page.css`` beside ``page.html`` is the style, ``page.js``, if any, the script.
        parts: name -> HTML.
        pictures: whether the page may show pictures that it holds.
    """
    folder = files(package)
    own = {"style": (folder / "page.css").read_text(encoding="utf-8")}
    policy = f"{_NOTHING}; style-src 'sha256-{_digest(own['style'])}'"
    if (folder / "page.js").is_file():
        own["script"] = (folder / "page.js").read_text(encoding="utf-8")
        policy += f"; script-src 'sha256-{_digest(own['script'])}'"
    own["policy"] = policy + "; img-src data:" * pictures
    first, *rest = (folder / "page.html").read_text(encoding="utf-8").split("{{")
    put = [first]
    for piece in rest:  # in one pass, so that nothing that is put in is filled in again
        name, _, after = piece.partition("}}")
        put += [own[name] if name in own else parts[name], after]
    return "".join(put)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
