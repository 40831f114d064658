"""What mkdocs calls while it builds the book: generated pages in, links led to their places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

from book.concepts import FAMILIES, concepts
from book.links import MOVED, Places, link_names, source_pages
from book.live import led, live
from book.nav import expand
from book.pages import concept_pages
from book.predictions import PAGE as PREDICTIONS
from book.predictions import experiment_uses, experiments, predictions_page
from book.reference import package_titles, reference_pages
from book.results import result_page, results

#: Titles of folders, in the order in which they come.
TITLES = {f"concepts/{family}": title for family, (title, _) in FAMILIES.items()} | {
    "results/experiments": "Experiments",
    "results/tournament": "Tournament",
}
#: What stands before the text of a page that is a file of the repository: the front page needs the room.
HEADS = {"README.md": "---\nhide:\n  - navigation\n---\n"}


@dataclass(frozen=True)
class Generated:
    """A page of the book that is no file of docs/.

    ``source``: the file of the repository that its Markdown is from and its links are relative to; "" where the
    links are already the book's.
    """

    page: str
    text: str
    source: str = ""
    listed: bool = True


def generated(root: Path) -> Iterator[Generated]:
    """Every generated page."""
    for source, page in MOVED.items():
        yield Generated(page, HEADS.get(source, "") + (root / source).read_text(encoding="utf-8"), source)
    for page, text in concept_pages(root, experiment_uses(experiments(root))):
        yield Generated(page, text)
    for result in results(root):
        yield Generated(result.page, result_page(result))
    yield Generated(PREDICTIONS, predictions_page(root))
    for page, text, _ in reference_pages(root):
        yield Generated(page, text)
    for page, text in source_pages(root):
        yield Generated(page, text, listed=False)


@cache
def places(root: Path) -> Places:
    """Where the repository's files are in the book."""
    by_file = {result.path: result.page for result in results(root)}
    by_file |= {path: page for page, _, path in reference_pages(root)}
    by_file |= {Path(path).parent.as_posix(): page for path, page in by_file.items() if path.endswith("/__init__.py")}
    return Places(root, by_file)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Forget what was read for the build before: ``mkdocs serve`` builds again when a file has changed."""
    concepts.cache_clear()
    places.cache_clear()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages and those that are alive, and write out the table of contents."""
    root = root_of(config)
    for page in generated(root):
        before = files.get_file_from_path("README.md") if page.source == "docs/README.md" else None
        if before is not None:
            files.remove(before)
        level = InclusionLevel.UNDEFINED if page.listed else InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, page.page, content=page.text, inclusion=level))
    for place, html in live():
        files.append(File.generated(config, place, content=html))
    titles = TITLES | package_titles(root)
    config.nav = expand(config.nav or [], (file.src_uri for file in files.documentation_pages()), titles)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of the repository's own pages to where their targets are, and link the scenarios they name."""
    here = page.file.src_uri
    if here.startswith("concepts/"):  # who looks for a concept finds its page before those that speak of it
        page.meta.setdefault("search", {"boost": 2})
    source = {moved: path for path, moved in MOVED.items()}.get(here)
    if source is None and page.file.generated_by is None:
        source = f"docs/{here}"
    if source is None:
        return markdown
    return led(link_names(places(root_of(config)).relink(markdown, source, here), concepts(), here), here)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Give the theme's search a name, without which who hears the page hears of a dialog and not of which."""
    unnamed = 'data-md-component="search" role="dialog"'
    return output.replace(unnamed, f'{unnamed} aria-label="Search"')


def root_of(config: MkDocsConfig) -> Path:
    """The repository: where mkdocs.yml is."""
    return Path(config.config_file_path).parent
