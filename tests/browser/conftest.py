"""Chromium without a window, and what it asked for and complained about."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import REPOSITORY, run_snakemake
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
# Where to look at what a reader sees; nothing is compared with it.
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", REPOSITORY / "tests/browser/screenshots"))
FLAGS = (
    "--headless",
    "--no-sandbox",  # Chromium refuses to run as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1000",
)
LOCAL = ("file:", "data:", "blob:", "about:", "chrome:", "devtools:")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    if not (CHROMIUM and DRIVER):
        pytest.skip("no chromium; on Debian: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.implicitly_wait(10)
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: WebDriver) -> WebDriver:
    """The browser as if it were new."""
    chromium.get("about:blank")
    chromium.set_window_size(1400, 1000)
    chromium.get_log("browser")
    chromium.get_log("performance")
    return chromium


@pytest.fixture
def screenshot(browser: WebDriver) -> Callable[[str], None]:
    """Save what the browser shows; look at these files after a change of figures or pages."""

    def save(name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))

    return save


@pytest.fixture
def complaints(browser: WebDriver) -> Callable[[], list[str]]:
    """Return errors of the console, and addresses that are not files of this machine.

    A call tells about everything since the last one.
    """

    def read() -> list[str]:
        errors = [
            entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"
        ]
        events = [
            json.loads(entry["message"])["message"] for entry in browser.get_log("performance")
        ]
        addresses = [
            event["params"].get("request", event["params"])["url"]
            for event in events
            if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
        ]
        return errors + [address for address in addresses if not address.startswith(LOCAL)]

    return read


@pytest.fixture(scope="session")
def recipes_report(recipes_run: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of report.html of a run with recipes, which has every item."""
    path = tmp_path_factory.mktemp("recipes_report") / "report.html"
    result = run_snakemake(
        recipes_run,
        *("all", "recommend", "sensitivity"),
        configfiles=(tiny / "config.yaml", recipes_run / "own.yaml"),
        options=("--report", str(path)),
    )
    assert result.returncode == 0, result.stdout
    return path
