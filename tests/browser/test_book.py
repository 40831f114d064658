"""The built book in a browser: pages render, search finds, and nothing is asked of another host."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agents.evaluation.duel import Duel
from agents.evaluation.threshold import success_probabilities, trust_threshold
from sd_env.scenario import Scenario
from tests.browser.test_accessibility import everywhere, findings
from tests.browser.test_play import picture
from tests.browser.windows import window

ROOT = Path(__file__).parent.parent.parent


#: A page that holds another, and says in its title what the other's search has found first. The browser's clock stands
#: while a request is under way, which gives the search the time that it takes.
SEARCH = b"""<title></title><iframe width="1200" height="800" src="/index.html?q=tying+hands"></iframe><script>
(async () => {
  for (let turn = 0; turn < 200 && !document.title; turn++) {
    await fetch("/wait");
    await new Promise((resume) => setTimeout(resume, 100));
    const found = document.querySelector("iframe").contentDocument.querySelector(".md-search-result__link");
    if (found) document.title = found.href;
  }
})();
</script>"""


class Server(SimpleHTTPRequestHandler):
    """Serves files, the page SEARCH, and an answer that takes a while; writes no log."""

    def do_GET(self) -> None:
        if self.path not in ("/search", "/wait"):
            return super().do_GET()
        if self.path == "/wait":
            time.sleep(0.1)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(SEARCH)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address at which a folder is served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of the book, built anew and served."""
    folder = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder / "site")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with serving(folder / "site") as where:
        yield where


def dom(address: str, tmp_path: Path) -> str:
    """The page as it stands after its scripts have run, in a browser that reaches no other host."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "these tests need chromium: apt-get install chromium"
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=30000", "--dump-dom",
        address,
    ]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def test_the_front_page_renders(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/index.html", tmp_path)
    assert "the security dilemma as a multi-agent environment" in page
    assert 'src="results/held_back.png"' in page
    for section in ("Concepts", "The model", "How-to", "Results", "Reference", "Changelog"):
        assert section in page


def test_a_concept_renders_with_its_tables(address: str, tmp_path: Path) -> None:
    page = dom(f"{address}/concepts/theories/kydd-reassurance.html", tmp_path)
    assert "Reassurance below the threshold of trust" in page
    assert "What the theory predicts" in page
    assert "m = 0.75" in page
    assert "<td><code>signals.audience_cost</code></td>" in page


def test_search_finds_a_concept(address: str, tmp_path: Path) -> None:
    title = dom(f"{address}/search", tmp_path).partition("<title>")[2].partition("</title>")[0]
    assert title.startswith(f"{address}/concepts/theories/fearon-tying-hands.html")


def test_what_is_alive_opens_as_a_file_is_linked_and_plays(address: str, tmp_path: Path) -> None:
    front, half_hour = dom(f"{address}/index.html", tmp_path), dom(f"{address}/live/tour.html#step=2", tmp_path)
    assert 'href="live/tour.html"' in front and 'href="live/play.html"' in front
    assert "Step 2 of 6" in half_hour and 'id="ask"' in half_hour
    game = dom(f"{address}/live/play.html", tmp_path)
    assert 'id="begin"' in game and "The doubly dangerous world" in game
    for page in ("browser.html", "tour.html", "play.html"):
        assert 'href="live/' in dom(f"{address}/{page}", tmp_path)


#: A page of every kind.
KINDS = (
    "index.html", "contents.html", "tutorials/01-ten-turns.html", "reproduce/1978-jervis.html", "concepts/tags.html",
    "concepts/theories/kydd-reassurance.html", "catalogue.html", "model.html", "thresholds.html", "training.html",
    "examples/sb3_ppo.html", "results/index.html", "results/science.html", "results/predictions.html",
    "results/experiments/phase-diagram.html", "reference/index.html", "architecture.html", "changelog.html",
)  # fmt: skip


@everywhere
def test_a_page_of_every_kind_is_accessible_and_no_wider_than_the_window(
    address: str, width: int, height: int, dark: bool
) -> None:
    with window(width, height, dark=dark) as browser:
        for page in KINDS:
            browser.get(f"{address}/{page}")
            scheme = browser.execute_script("return document.body.dataset.mdColorScheme")
            assert scheme == ("slate" if dark else "default"), page
            picture(browser, f"book-{page.replace('/', '-')}-{width}-{'dark' if dark else 'light'}")
            assert findings(browser) == [], page
            assert browser.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0, page


@pytest.mark.parametrize(
    ("omega", "phi", "base", "q", "arms", "greedy", "turns"),
    [(1.2, 0.5, 0.3, 0.0, 1.75, 0.2, 32), (1.2, 1.0, 2.0, 0.0, 1.0, 0.5, 46), (0.65, 0.5, 0.3, 0.6, 4.0, 0.2, 32)],
)
def test_the_sliders_compute_what_the_project_computes(
    address: str,
    tmp_path: Path,
    omega: float,
    phi: float,
    base: float,
    q: float,
    arms: float,
    greedy: float,
    turns: int,
) -> None:
    asked = f"omega={omega}&phi={phi}&base={base}&q={q}&arms={arms}&greedy={greedy}&turns={turns}"
    page = dom(f"{address}/thresholds.html?{asked}", tmp_path)
    keys = {
        "technology.offense_advantage": omega, "war.first_strike": phi, "war.base_defense": base,
        "technology.distinguishability": q, "motives.p_greedy": greedy, "states.offense": arms / 2,
        "states.defense": arms / 2,
    }  # fmt: skip
    world = Scenario.load("jervis/doubly-dangerous", keys)
    first, both = success_probabilities(world, arms / 2, arms / 2)
    m, duel = trust_threshold(world, arms / 2, arms / 2, turns), Duel(world)
    assert f'id="sd-pf">{first:.3f}<' in page and f'id="sd-ps">{both:.3f}<' in page
    assert f'id="sd-m">{m:.3f}<' in page if m > 0 else 'id="sd-m">at or below 0<' in page
    assert "strikes first.</strong>" in page if m > duel.trust else "strikes first.</strong>" not in page
    assert "<polyline" in page
