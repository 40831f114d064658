"""Pages for a browser that ask nothing of any host: a package's ``page.html`` with style, script and words put in."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

#: Nothing is fetched, framed, sent or based elsewhere.
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'"
_HERE: Final = "sd_env.show"
#: In its place in ``script-src``: compiled code runs only where a policy says so.
_COMPILED: Final = "'wasm-unsafe-eval'"


def filled(
    package: str,
    parts: Mapping[str, str],
    *,
    own: Mapping[str, str] | None = None,
    pictures: bool = False,
    compiled: bool = False,
    framed: str | None = None,
) -> str:
    """The page of a package: ``head.html``, which all pages have, and the package's ``page.html``.

    Both name by ``{{name}}`` what is put in: ``parts``, and ``style``, ``script`` and ``policy``, the content-security
    policy, which names the digests of what may run: the page's own style and script, and those of a framed page.

    Args:
        package: its dotted name; ``page.css`` beside ``page.html`` is the style, ``page.js``, if any, the script, with
            ``elements.js`` before it.
        parts: name -> HTML; ``title`` is among them.
        own: ``style`` and ``script``, where they are others than the package's files.
        pictures: whether the page may show pictures that it holds.
        compiled: whether it runs WebAssembly that it holds.
        framed: package whose page it may show in a frame, from what it holds: a frame has the policy of its page, too.
    """
    held: list[Mapping[str, str]] = [own or _held(package), *([_held(framed)] if framed else [])]
    policy = [_NOTHING]
    for kind in ("style", "script"):
        sources = [f"'sha256-{_digest(each[kind])}'" for each in held if kind in each]
        if sources:
            policy.append(f"{kind}-src {' '.join(sources + [_COMPILED] * (compiled and kind == 'script'))}")
    policy += ["img-src data:"] * pictures + ["frame-src blob:"] * bool(framed)
    known = {**parts, **held[0], "policy": "; ".join(policy)}
    first, *rest = (_text(_HERE, "head.html") + _text(package, "page.html")).split("{{")
    put = [first]
    for piece in rest:  # in one pass, so that nothing that is put in is filled in again
        name, _, after = piece.partition("}}")
        put += [known[name], after]
    return "".join(put)


def plain(module: str) -> str:
    """A module of JavaScript as a part of one script: what it imports is there already."""
    return re.sub(r"^export ", "", re.sub(r"^import .*\n", "", module, flags=re.MULTILINE), flags=re.MULTILINE)


def elements() -> str:
    """``elements.js``, with which the script of every page begins."""
    return plain(_text(_HERE, "elements.js"))


def _held(package: str) -> dict[str, str]:
    """The style of a package's page, and its script if it has one."""
    held = {"style": _text(package, "page.css")}
    if (files(package) / "page.js").is_file():
        held["script"] = elements() + _text(package, "page.js")
    return held


def _text(package: str, name: str) -> str:
    return (files(package) / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
