"""A browser that tests drive by keys and clicks: chromium without a display, reaching no host but this one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium import webdriver
from selenium.webdriver.chrome.service import Service


@contextmanager
def window(width: int = 1280, height: int = 900, *, dark: bool = False) -> Iterator[webdriver.Chrome]:
    """A window of that many pixels; selenium is given its driver, and looks for none elsewhere."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert chromium and driver, "these tests need both: apt-get install chromium chromium-driver"
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", f"--window-size={width},{height}",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        browser.set_page_load_timeout(120)
        browser.set_script_timeout(240)
        media = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
        # chromium's windows are at least 500 pixels wide, a phone's page is not
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        yield browser
    finally:
        browser.quit()


def opened(browser: webdriver.Chrome, address: str) -> float:
    """Open a file and wait until it is drawn: the processor time that its process took, all threads, seconds.

    Unlike the time that passes it does not grow with what else the machine does. A page of files is opened before, so
    that the process is there, and is the one in which the page is shown.
    """
    browser.get(address.partition("#")[0].rpartition("/")[0] + "/")
    browser.execute_cdp_cmd("Performance.enable", {})
    before = _spent(browser)
    browser.get(address)
    browser.execute_async_script("const [done] = arguments; requestAnimationFrame(() => setTimeout(done));")
    return _spent(browser) - before


def _spent(browser: webdriver.Chrome) -> float:
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "ProcessTime"))
