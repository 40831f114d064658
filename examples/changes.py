"""The worked changes of CONTRIBUTING.md: patches in examples/contributing/, shown in the page part by part.

    python -m examples.changes            say where the page shows something else than the patches
    python -m examples.changes --write    put the patches into the page

A `diff` block below `<!-- 1-strategy.patch: path -->` shows what the patch does to the file at that path, without line
numbers. The tests apply each patch to a copy of the tree and run there what the page's section says.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
PATCHES = ROOT / "examples" / "contributing"
BLOCK = re.compile(r"^<!-- (?P<patch>[\w-]+\.patch): (?P<path>\S+) -->\n```diff\n(?P<shown>.*?)^```$", re.M | re.S)


def parts(patch: str) -> dict[str, str]:
    """What a patch, as `git diff` writes it, does to each file: its hunks, each below a line `@@`, by path."""
    found = {}
    for file in re.split(r"^diff --git .*\n", patch, flags=re.M)[1:]:
        head, _, hunks = file.partition("\n@@ ")
        path = re.search(r"^\+\+\+ b/(.*)$", head, re.M)
        if path is None:
            raise ValueError(f"a part of the patch has no line '+++ b/PATH': {head.splitlines()[0]!r}.")
        lines = re.sub(r"^@@ .* @@.*$|^ $", lambda line: line[0][:2].strip(), f"@@ {hunks}", flags=re.M)
        new = "--- /dev/null" in head
        found[path[1]] = lines.removeprefix("@@\n") if new else lines
    return found


def written(page: str) -> str:
    """The page with every block as the patches have it.

    Raises:
        ValueError: if a block names a patch or a file of it that there is not.
    """

    def block(match: re.Match[str]) -> str:
        patch = PATCHES / match["patch"]
        known = parts(patch.read_text(encoding="utf-8")) if patch.is_file() else {}
        if match["path"] not in known:
            raise ValueError(f"the page shows {match['path']} of {patch.name}, which has {', '.join(known) or 'none'}.")
        return f"<!-- {match['patch']}: {match['path']} -->\n```diff\n{known[match['path']]}```"

    return BLOCK.sub(block, page)


def main(argv: list[str] | None = None) -> int:
    """Command line; returns 1 if the page shows something else than the patches."""
    parser = argparse.ArgumentParser(prog="python -m examples.changes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the patches into the page")
    arguments = parser.parse_args(argv)
    kept = PAGE.read_text(encoding="utf-8")
    now = written(kept)
    if arguments.write:
        PAGE.write_text(now, encoding="utf-8")
    elif now != kept:
        print(
            f"{PAGE.name} does not show the patches as they are; put them into it: python -m examples.changes --write"
        )
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
