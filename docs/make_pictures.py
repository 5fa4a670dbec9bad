"""Write docs/pictures from the default run: `.venv/bin/python docs/make_pictures.py`.

The figures are copied from `results/figures/`. Chromium takes screenshots of `report.html` and
`results/comparison.html`, at the size of a laptop's window and of a phone.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

REPOSITORY = Path(__file__).parents[1]
# Sizes of windows, in CSS pixels: width, height.
LAPTOP, PHONE = (1280, 900), (390, 844)


class Shot(NamedTuple):
    page: str  # "report", or the name of a page in results/
    size: tuple[int, int]
    clicks: tuple[str, ...] = ()  # elements to click on, as XPath, one after the other


COMPARISON = (
    "//li//a[.='1 Comparison']",
    "//tr[td[.='accuracy, size and speed']]//a[@iconname='eye']",
)
SHOTS = {
    "landing": Shot("report", LAPTOP),
    "report": Shot("report", LAPTOP, COMPARISON),
    "comparison_phone": Shot("comparison", PHONE),
}
# React and DataTables replace elements at any time: find and click in one step.
CLICK = """
    const found = document.evaluate(
        arguments[0], document, null, XPathResult.FIRST_ORDERED_NODE_TYPE
    ).singleNodeValue;
    found?.click();
    return found !== null;
"""
READY = """
    return document.readyState === "complete" && document.body.innerText.trim() !== ""
        && document.getAnimations().length === 0
        && [...document.images].every(image => image.complete);
"""


@contextmanager
def chromium() -> Iterator[WebDriver]:
    """Start Chromium without a window, and close it at the end."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        raise SystemExit("no chromium; on Debian: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    with tempfile.TemporaryDirectory() as profile:
        # Chromium refuses to run as root with a sandbox.
        for flag in ("--headless", "--no-sandbox", f"--user-data-dir={profile}"):
            options.add_argument(flag)
        browser = webdriver.Chrome(options=options, service=Service(driver))
        try:
            yield browser
        finally:
            browser.quit()


def wait_for(browser: WebDriver, script: str, *arguments: str) -> None:
    """Wait until a script returns what is true."""
    WebDriverWait(browser, 30).until(lambda page: page.execute_script(script, *arguments))


def photograph(browser: WebDriver, address: str, shot: Shot) -> Image.Image:
    """Return the window of a page as a picture of the size that `shot` asks for."""
    width, height = shot.size
    metrics = {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": shot.size == PHONE,
    }  # fmt: skip
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(address)
    for xpath in shot.clicks:
        wait_for(browser, CLICK, xpath)
    wait_for(browser, READY)
    for frame in browser.find_elements(By.TAG_NAME, "iframe"):
        browser.switch_to.frame(frame)
        wait_for(browser, READY)
        browser.switch_to.default_content()
    time.sleep(1)  # DataTables draws in a task of its own
    return Image.open(BytesIO(browser.get_screenshot_as_png()))


def make_pictures(results: Path, report: Path, folder: Path) -> None:
    """Write the figures of a run and the screenshots in place of what `folder` holds."""
    figures = sorted((results / "figures").glob("*.svg"))
    if not figures or not report.exists():
        raise SystemExit(f"{results}, {report}: not a finished run; run make report before")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for figure in figures:
        shutil.copy(figure, folder)
    with chromium() as browser:
        for name, shot in SHOTS.items():
            page = report if shot.page == "report" else results / f"{shot.page}.html"
            picture = photograph(browser, page.resolve().as_uri(), shot)
            # 256 colours are enough for text and tables, and a third of the bytes.
            picture.convert("RGB").quantize(256).save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=REPOSITORY / "results")
    parser.add_argument("--report", type=Path, default=REPOSITORY / "report.html")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "docs/pictures")
    arguments = parser.parse_args()
    make_pictures(arguments.results, arguments.report, arguments.folder)
