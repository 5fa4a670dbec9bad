"""What tests do in the report: wait, click and read, by scripts.

React and DataTables replace elements at any time, so each reads all in one step.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

# Each item by its category and what it shows, and the beginning of its caption.
ITEMS = {
    ("1 Comparison", "accuracy, size and speed"): "One row a model",
    ("1 Comparison", "accuracy with intervals"): "Left: top-1 accuracy on the test images",
    ("1 Comparison", "accuracy against speed and size"): "Accuracy with the 95 % Wilson interval",
    ("2 Where accuracy changes", "accuracy of each class"): "Each line is a class",
    ("2 Where accuracy changes", "confusion, as the difference"): "Confusion matrix of each",
    ("2 Where accuracy changes", "broken and fixed"): "Test images that float32 gets right",
    ("3 Calibration", "ranges and use of the grid"): "One row for each activation tensor",
    ("4 Verification", "expected and measured"): "Each requirement of the configuration",
    ("5 Recipes", "why, and on test images"): "The fastest of the recipes",
    ("5 Recipes", "validation and speed"): "Every recipe, compared with float32",
    ("5 Recipes", "agreement against speed"): "Higher marks agree with float32",
    ("5 Recipes", "what each of them costs"): "One row a node",
    ("5 Recipes", "accuracy, size and speed"): "Downwards, more nodes stay in float32",
}
PAGES = {
    ("1 Comparison", "accuracy, size and speed"),
    ("4 Verification", "expected and measured"),
    ("5 Recipes", "why, and on test images"),
    ("5 Recipes", "validation and speed"),
}
CATEGORIES = sorted({category for category, _ in ITEMS})


def wait_for(browser: WebDriver, condition: Callable[[], Any]) -> Any:
    return WebDriverWait(browser, 20).until(lambda _: condition())


def click(browser: WebDriver, xpath: str) -> None:
    """Click by a script: the menu slides as it gets wider, and a mouse would miss what moves."""
    script = """
        const found = document.evaluate(
            arguments[0], document, null, XPathResult.FIRST_ORDERED_NODE_TYPE
        ).singleNodeValue;
        found?.click();
        return found !== null;
    """
    wait_for(browser, lambda: browser.execute_script(script, xpath))


def wait_for_image(browser: WebDriver) -> Any:
    """Wait until the image is drawn, and return its own width and height, and those on the page."""
    script = """
        const image = document.querySelector("div.p-3 > img");
        return image?.complete && image.naturalWidth > 0
            && [image.naturalWidth, image.naturalHeight, image.width, image.height];
    """
    return wait_for(browser, lambda: browser.execute_script(script))


def rows(browser: WebDriver, table: str) -> Any:
    """Return the texts of the cells of a table, by row."""
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])]"
        ".map(row => [...row.cells].map(cell => cell.textContent))",
        f"{table} tbody tr",
    )


def wait_for_tables(browser: WebDriver, count: int | None = None) -> None:
    """Wait until DataTables has changed all tables of a page, or `count`: before, nothing sorts."""
    script = """
        const tables = [...document.querySelectorAll("table")];
        const ready = tables.filter(table => table.querySelector("th.dt-orderable-asc"));
        return ready.length === tables.length && ready.length;
    """
    wait_for(
        browser,
        lambda: (
            browser.execute_script(script)
            if count is None
            else browser.execute_script(script) == count
        ),
    )


def open_page(browser: WebDriver, count: int | None = None) -> None:
    """Look into the page of an item, which has so many tables, or any number."""
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    wait_for_tables(browser, count)


def open_item(browser: WebDriver, report: Path, category: str, shows: str, icon: str) -> None:
    """Open a report again, and press a button of an item."""
    browser.get(report.as_uri())
    click(browser, f"//li//a[.='{category}']")
    click(browser, f"//tr[td[.='{shows}']]//a[@iconname='{icon}']")
    # Until the menu no longer slides, the item has not the place that it is made for.
    still = "return document.getAnimations().length === 0"
    wait_for(browser, lambda: browser.execute_script(still))
