"""The report of the default run in Chromium: what a reader sees and clicks."""

import re
import time
import zipfile

import pandas as pd
import pytest
from helpers import run_snakemake
from ptq_comparison.page import to_page
from selenium.webdriver.common.by import By
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
}
PAGES = {("1 Comparison", "accuracy, size and speed"), ("4 Verification", "expected and measured")}


@pytest.fixture(scope="module")
def report(default_run, tmp_path_factory):
    """The path of report.html, which is small."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    result = run_snakemake(default_run, options=("--report", str(path)))
    assert result.returncode == 0, result.stdout
    assert path.stat().st_size < 5_000_000
    return path


def wait_for(browser, condition):
    return WebDriverWait(browser, 20).until(lambda _: condition())


def click(browser, xpath):
    browser.find_element(By.XPATH, xpath).click()


def open_item(browser, path, category, shows, icon):
    """Open the report anew and press one of the buttons of an item."""
    browser.get(path.as_uri())
    click(browser, f"//li//a[.='{category}']")
    click(browser, f"//tr[td[.='{shows}']]//a[@iconname='{icon}']")


def wait_for_image(browser):
    image = browser.find_element(By.CSS_SELECTOR, "div.p-3 > img")
    wait_for(browser, lambda: image.get_property("complete"))
    return image


def rows(browser, table):
    # In one step: DataTables replaces the rows while they are read.
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])]"
        ".map(row => [...row.cells].map(cell => cell.textContent))",
        f"#{table} tbody tr",
    )


def sort_by(browser, table, heading):
    """Click on a heading and wait: DataTables sorts in a task of its own, after the click."""
    xpath = f"//table[@id='{table}']//th[.='{heading}']"
    header = browser.find_element(By.XPATH, xpath)
    wait_for(browser, lambda: "dt-orderable-asc" in header.get_attribute("class"))
    before = header.get_attribute("aria-sort")
    click(browser, xpath)
    wait_for(browser, lambda: header.get_attribute("aria-sort") not in (None, before))


def is_cut(browser):
    """Tell whether something is wider than the place it has."""
    return browser.execute_script(
        "return [...document.querySelectorAll('html, body, body *')].some("
        "element => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1)"
    )


def test_the_checks_see_an_error_and_a_request(browser, complaints, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="http://127.0.0.1:9/a.png"><script>throw Error("broken")</script>')
    browser.get(page.as_uri())
    found = []

    def both():
        found.extend(complaints())
        return any("broken" in line for line in found) and "http://127.0.0.1:9/a.png" in found

    wait_for(browser, both)


def test_it_opens_with_description_and_verdict(
    browser, complaints, screenshot, report, default_run
):
    browser.get(report.as_uri())
    text = browser.find_element(By.CSS_SELECTOR, "div.prose").text
    assert "lose and gain when it ships as int8 or uint8?" in text
    assert "drawn with seed 42" in text
    assert (default_run / "results/verdict.txt").read_text().strip() in text
    time.sleep(1)  # the graph of the rules is drawn after it
    screenshot("report")
    assert complaints() == []


def test_it_has_exactly_these_items(browser, report):
    browser.get(report.as_uri())
    found = set()
    categories = {category for category, _ in ITEMS}
    for category in categories:
        browser.get(report.as_uri())
        click(browser, f"//li//a[.='{category}']")
        table = browser.find_element(By.XPATH, "//table[.//th[.='shows']]")
        for line in table.find_elements(By.CSS_SELECTOR, "tbody tr"):
            found.add((category, line.find_elements(By.TAG_NAME, "td")[1].text))
    assert found == set(ITEMS)


@pytest.mark.parametrize(("category", "shows"), ITEMS)
def test_every_item_has_a_caption(browser, complaints, report, category, shows):
    open_item(browser, report, category, shows, "information-circle")
    start = ITEMS[category, shows]  # the caption is there at once, its text a moment later
    wait_for(
        browser,
        lambda: browser.find_element(By.CSS_SELECTOR, "li.prose").text.startswith(start),
    )
    caption = browser.find_element(By.CSS_SELECTOR, "li.prose").text
    assert "{{" not in caption and "{%" not in caption and "System Message" not in caption
    assert complaints() == []


@pytest.mark.parametrize(("category", "shows"), set(ITEMS) - PAGES, ids=lambda text: text)
def test_every_figure_is_drawn(browser, complaints, screenshot, report, category, shows):
    open_item(browser, report, category, shows, "eye")
    image = wait_for_image(browser)
    assert image.get_property("naturalWidth") > 400 and image.get_property("naturalHeight") > 200
    browser.set_window_size(1400, max(1000, image.get_property("height") + 200))
    assert image.get_property("width") <= browser.execute_script("return innerWidth")
    screenshot(f"figure-{re.sub('[^a-z]+', '-', shows)}")
    assert complaints() == []


def test_the_comparison_has_three_rows_and_sorts(browser, complaints, screenshot, report):
    open_item(browser, report, "1 Comparison", "accuracy, size and speed", "eye")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    wait_for(browser, lambda: len(rows(browser, "table0")) == 3)
    assert [row[0] for row in rows(browser, "table0")] == ["fp32", "int8", "uint8"]
    assert len(rows(browser, "table1")) == 12  # three models, two threads, two batch sizes
    assert not is_cut(browser)
    screenshot("comparison")
    for column, number in (("bytes", 7), ("top-1", 1), ("speed", 11)):
        orders = []
        for _ in range(2):
            sort_by(browser, "table0", column)
            values = [row[number] for row in rows(browser, "table0")]
            orders.append([float(value.strip("%").replace(",", "")) for value in values])
        assert orders[0] == sorted(orders[0]) and orders[1] == orders[0][::-1], column
        assert len(set(orders[0])) > 1
    assert complaints() == []


def test_the_comparison_is_searched(browser, report):
    open_item(browser, report, "1 Comparison", "accuracy, size and speed", "eye")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    wait_for(browser, lambda: len(rows(browser, "table0")) == 3)
    browser.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("uint8")
    wait_for(browser, lambda: [row[0] for row in rows(browser, "table0")] == ["uint8"])


def test_the_verification_is_part_of_it(browser, complaints, screenshot, report):
    open_item(browser, report, "4 Verification", "expected and measured", "eye")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    wait_for(browser, lambda: len(rows(browser, "table0")) == 16)
    assert "16 of 16 requirements hold" in browser.find_element(By.TAG_NAME, "body").text
    assert not is_cut(browser)
    screenshot("verification")
    assert complaints() == []


NUMBERS = {  # in ascending order
    "signs": ["-1.61", "-0.07", "+0.13", "+2.00"],
    "thousands": ["987", "96,847", "314,604", "1,000,000"],
    "percent": ["9%", "31%", "99%", "100%"],
    "powers": ["3.2e-12", "0.00948", "0.165", "1"],
}


@pytest.mark.parametrize("heading", NUMBERS)
def test_columns_sort_as_numbers(browser, tmp_path, heading):
    page = tmp_path / "page.html"
    table = pd.DataFrame(NUMBERS).iloc[[2, 0, 3, 1]]
    page.write_text(to_page("Numbers", "In any order.", {"": table}))
    browser.get(page.as_uri())
    wait_for(browser, lambda: len(rows(browser, "table0")) == 4)
    sort_by(browser, "table0", heading)
    column = list(NUMBERS).index(heading)
    assert [row[column] for row in rows(browser, "table0")] == NUMBERS[heading]


@pytest.mark.parametrize("name", ["comparison", "verification"])
def test_a_page_stands_alone(browser, complaints, screenshot, default_run, name):
    browser.get((default_run / f"results/{name}.html").as_uri())
    wait_for(browser, lambda: len(rows(browser, "table0")) >= 3)
    screenshot(f"page-{name}")
    assert complaints() == []


def test_the_zip_form_works_too(browser, complaints, screenshot, default_run, tmp_path):
    path = tmp_path / "report.zip"
    result = run_snakemake(default_run, options=("--report", str(path)))
    assert result.returncode == 0, result.stdout
    zipfile.ZipFile(path).extractall(tmp_path)
    (page,) = tmp_path.glob("**/report.html")
    open_item(browser, page, "1 Comparison", "accuracy with intervals", "eye")
    assert wait_for_image(browser).get_property("naturalWidth") > 400
    open_item(browser, page, "1 Comparison", "accuracy, size and speed", "eye")
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    wait_for(browser, lambda: len(rows(browser, "table0")) == 3)
    assert complaints() == []
