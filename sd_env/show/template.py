"""Pages for a browser that ask nothing of any host: a package's ``page.html`` with style, script and words put in."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

#: Nothing is fetched, framed, sent or based elsewhere.
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'"


def filled(package: str, parts: Mapping[str, str], *, pictures: bool = False, framed: str | None = None) -> str:
    """The page of a package.

    Its ``page.html`` names by ``{{name}}`` what is put in: ``parts``, and ``style``, ``script`` and ``policy``, the
    content-security policy, which names the digests of what may run: the page's own style and script, and those of a
    framed page.

    Args:
        package: its dotted name; ``page.css`` beside ``page.html`` is the style, ``page.js``, if any, the script.
        parts: name -> HTML.
        pictures: whether the page may show pictures that it holds.
        framed: package whose page it may show in a frame, from what it holds: a frame has the policy of its page, too.
    """
    held = [_held(each) for each in (package, framed) if each]
    policy = [_NOTHING]
    for kind in ("style", "script"):
        if digests := " ".join(f"'sha256-{_digest(each[kind])}'" for each in held if kind in each):
            policy.append(f"{kind}-src {digests}")
    policy += ["img-src data:"] * pictures + ["frame-src blob:"] * bool(framed)
    own = {**held[0], "policy": "; ".join(policy)}
    first, *rest = (files(package) / "page.html").read_text(encoding="utf-8").split("{{")
    put = [first]
    for piece in rest:  # in one pass, so that nothing that is put in is filled in again
        name, _, after = piece.partition("}}")
        put += [own[name] if name in own else parts[name], after]
    return "".join(put)


def _held(package: str) -> dict[str, str]:
    """The style of a package's page, and its script if it has one."""
    paths = {"style": files(package) / "page.css", "script": files(package) / "page.js"}
    return {kind: path.read_text(encoding="utf-8") for kind, path in paths.items() if path.is_file()}


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
