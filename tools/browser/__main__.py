"""Write the page to play on: ``python -m tools.browser -o play.html``."""

from __future__ import annotations

import argparse
from pathlib import Path

from agents.files import write_text
from tools.browser.write import page


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.browser", description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path("play.html"), metavar="FILE.html", help="the page")
    out: Path = parser.parse_args().output
    write_text(out, page())
    print(f"{out}: open it in a browser")


if __name__ == "__main__":
    main()
