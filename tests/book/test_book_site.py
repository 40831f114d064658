"""The book as a site: built strictly, with every link in it, and nothing fetched from elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

import sd_env
from book.hooks import places
from book.reference import modules
from tests.book_made_up import MADE_UP, publish

ROOT = Path(__file__).parents[2]
NAMES = sd_env.scenarios()


class Html(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        elif given.get("src") or (tag == "link" and given.get("href")):
            self.loads.append(str(given.get("src") or given.get("href")))


@pytest.mark.slow
def test_the_site_is_whole_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    """One test, so that the book, built as make docs does it, is built once."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    check_pages(site)
    html = {path: Html(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    assert len(html) > 200
    check_links(site, html)
    loads = {link for page in html.values() for link in page.loads}
    assert loads
    assert [link for link in loads if urlsplit(link).netloc] == [], "the site is to fetch nothing from elsewhere"
    assert [path for path in site.rglob("*.css") if re.search(r"url\(['\"]?(https?:)?//", path.read_text())] == []


def check_pages(site: Path) -> None:
    """Every scenario and module has its page."""
    for name in NAMES:
        assert "What the theory predicts" in (site / "concepts" / f"{name}.html").read_text(encoding="utf-8")
    for name, path in modules(ROOT):
        file = site / "reference" / name.replace(".", "/")
        page = file / "index.html" if path.name == "__init__.py" else file.with_suffix(".html")
        assert f"::: {name}" not in page.read_text(encoding="utf-8"), "mkdocstrings did not fill the page"
    worlds = (site / "reference/sd_env/worlds.html").read_text(encoding="utf-8")
    assert "index of the first world in the run" in worlds
    assert "Share of its own homeland" in (site / "reference/sd_env/scenario_groups.html").read_text(encoding="utf-8")
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    assert {f"concepts/{name}.html" for name in NAMES} <= {entry["location"] for entry in index["docs"]}


def check_links(site: Path, html: dict[Path, Html]) -> None:
    """Every link within the site has its target, and every anchor."""
    lost = []
    for path, page in html.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or path.name == "404.html":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            if not target.is_file() or (anchor and target in html and anchor not in html[target].anchors):
                lost.append((path.relative_to(site).as_posix(), link))
    assert lost == []


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    """A copy of what the book is made of, with a docs/ of its own."""
    for path in ROOT.iterdir():
        if path.name not in ("docs", "mkdocs.yml", "site") and not path.name.startswith("."):
            (tmp_path / path.name).symlink_to(path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("tournament", "*.json"))
    results_page = tmp_path / "docs/results/README.md"
    text = results_page.read_text(encoding="utf-8")
    results_page.write_text(re.sub(r"!?\[([^\]]*)\]\(tournament/[^)]*\)", r"\1", text), encoding="utf-8")
    shutil.copy(ROOT / "docs/results/compatibility.json", tmp_path / "docs/results")  # a page leads to it
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    yield tmp_path
    places.cache_clear()


@pytest.mark.slow
def test_tutorials_and_experiments_are_taken_in_and_a_broken_link_fails_the_build(
    tree: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(tree, MADE_UP)
    (tree / "docs/tutorials").mkdir(exist_ok=True)
    (tree / "docs/tutorials/90-made-up.md").write_text(
        "# A made-up tutorial\n\nSee `jervis/intense`, [a](../model.md#no-such-rule), [b](../../tests/nowhere.py).\n",
        encoding="utf-8",
    )
    config = load_config(str(tree / "mkdocs.yml"), strict=True, plugins=["search"], site_dir=str(tree / "site"))
    with pytest.raises(Abort, match="with 2 warnings in strict mode"):
        build(config)  # without the text of the reference, which takes long; pages are written before it fails
    assert "no-such-rule" in caplog.text
    assert "tests/nowhere.py" in caplog.text
    tutorial = (tree / "site/tutorials/90-made-up.html").read_text(encoding="utf-8")
    assert 'href="../concepts/jervis/intense.html"' in tutorial
    assert "A made-up tutorial" in tutorial.partition('data-md-type="navigation"')[2], "it is in the contents"
    assert 'src="fear.png"' in (tree / "site/results/experiments/fear.html").read_text(encoding="utf-8")
    concept = (tree / "site/concepts/theories/butterfield-fear.html").read_text(encoding="utf-8")
    assert 'href="../../results/experiments/fear.html"' in concept
