"""The software bill of materials: what is installed, in CycloneDX's JSON, and its licences as a page.

    python -m tools.sbom             sbom.json, of the environment of this Python
    python -m tools.sbom --write     and docs/licences.md of it

cyclonedx-bom reads the environment and checks what it wrote against CycloneDX's schema.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name

from agents.files import write_text
from tools.lock import LOCKS, ROOT, read

PAGE: Final = ROOT / "docs" / "licences.md"
UNDECLARED: Final = "not declared"
_HEAD: Final = """# Licences

What [`requirements.lock`](../requirements.lock) pins, and under which licence each package says that it is; sd-env
itself is under the [MIT licence](../LICENSE). Made by `make sbom ARGS=--write`; `make sbom` writes the whole bill of
materials of what is installed (CycloneDX, JSON). A package that declares none has its licence among its files.

Within others' packages: `axe-core-python` carries axe-core 4.4.3, under the MPL-2.0, with which the tests look for what
is not accessible; sd-env passes none of it on. Within sd-env: `tools/browser/elementary.py` has the algorithms and
tables of ARM's optimized routines, under MIT or Apache-2.0 WITH LLVM-exception; the notice stands there.

| package | version | licence |
|---|---|---|
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the bill, and with ``--write`` the page; returns 0, or 2 if there is none."""
    parser = argparse.ArgumentParser(prog="python -m tools.sbom", description="The software bill of materials.")
    parser.add_argument("--out", type=Path, default=Path("sbom.json"), metavar="FILE", help="default sbom.json")
    parser.add_argument("--environment", default=sys.executable, metavar="DIR", help="another environment or Python")
    parser.add_argument("--write", action="store_true", help="write docs/licences.md too")
    given = parser.parse_args(argv)
    command = [sys.executable, "-m", "cyclonedx_py", "environment", given.environment, "--of", "JSON", "-o", "-"]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "--output-reproducible"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"sbom: {' '.join(done.stderr.split())}", file=sys.stderr)
        return 2
    write_text(given.out, done.stdout)
    found = licences(json.loads(done.stdout))
    print(f"{given.out}: {len(found)} packages, {sum(licence == UNDECLARED for _, licence in found.values())} without "
          "a declared licence")  # fmt: skip
    if given.write:
        write_text(PAGE, page(found))
    return 0


def licences(bill: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Canonical name of each package of a bill -> its version and its licence, in SPDX's words if it can be."""
    return {
        canonicalize_name(each["name"]): (str(each["version"]), " or ".join(dict.fromkeys(_words(each))) or UNDECLARED)
        for each in bill["components"]
    }


def _words(component: Mapping[str, Any]) -> Iterator[str]:
    """What a component says of its licence: SPDX's expressions and ids where it has any, else names."""
    declared = component.get("licenses", [])
    spdx = [each.get("expression") or each.get("license", {}).get("id") for each in declared]
    names = [each.get("license", {}).get("name", "").rpartition(" :: ")[2] for each in declared]
    yield from filter(None, spdx if any(spdx) else names)


def page(found: Mapping[str, tuple[str, str]]) -> str:
    """docs/licences.md: a row for each pin of requirements.lock that is installed."""
    _, pins = read(ROOT / LOCKS[0])
    rows = [
        f"| {name} | {version} | {found[canonicalize_name(name)][1]} |\n"
        for name, version in pins
        if canonicalize_name(name) in found
    ]
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    sys.exit(main())
