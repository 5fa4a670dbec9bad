"""The report in Chromium: what a reader sees and clicks."""

import re
import zipfile

import pandas as pd
import pytest
from helpers import run_snakemake
from helpers.browser_pages import (
    CATEGORIES,
    ITEMS,
    PAGES,
    click,
    open_item,
    open_page,
    rows,
    wait_for,
    wait_for_image,
    wait_for_tables,
)
from ptq_comparison.report.page import to_page
from selenium.webdriver.common.by import By

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(default_run, tmp_path_factory):
    """The path of report.html, which is small."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    result = run_snakemake(default_run, options=("--report", str(path)))
    assert result.returncode == 0, result.stdout
    assert path.stat().st_size < 5_000_000
    return path


@pytest.fixture
def open_it(browser, request):
    """Press a button of an item, in the report of the default run where it has the item."""

    def open_in(category, shows, icon, path=None):
        name = "recipes_report" if category == CATEGORIES[-1] else "report"
        open_item(browser, path or request.getfixturevalue(name), category, shows, icon)

    return open_in


def read_text(browser, selector):
    """Return the text of an element, empty where there is none."""
    script = "return document.querySelector(arguments[0])?.textContent ?? ''"
    return browser.execute_script(script, selector)


def sort_by(browser, table, heading):
    """Click on a heading and wait: DataTables sorts in a separate task after the click."""
    xpath = f"//table[@id='{table}']//th[.='{heading}']"
    header = browser.find_element(By.XPATH, xpath)
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
    for sentence in (default_run / "results/verdict.txt").read_text().splitlines():
        assert sentence in text
    # Of the rules, drawn after it.
    wait_for(browser, lambda: browser.execute_script("return !!document.querySelector('canvas')"))
    screenshot("report")
    assert complaints() == []


@pytest.mark.parametrize(
    ("report_name", "categories"), [("report", CATEGORIES[:-1]), ("recipes_report", CATEGORIES)]
)
def test_it_has_exactly_these_items(browser, request, report_name, categories):
    path = request.getfixturevalue(report_name)
    found = set()
    for category in categories:
        browser.get(path.as_uri())
        click(browser, f"//li//a[.='{category}']")
        table = wait_for(browser, lambda: rows(browser, "nav table"))
        found |= {(category, cells[1]) for cells in table}
    assert found == {item for item in ITEMS if item[0] in categories}
    browser.get(path.as_uri())
    script = "return [...document.querySelectorAll('nav li')].map(item => item.textContent)"
    menu = wait_for(browser, lambda: browser.execute_script(script))
    assert [name for name in menu if name[:1].isdigit()] == categories


@pytest.mark.parametrize(("category", "shows"), ITEMS)
def test_every_item_has_a_caption(browser, complaints, open_it, category, shows):
    open_it(category, shows, "information-circle")
    start = ITEMS[category, shows]  # the caption is there at once, its text a moment later
    wait_for(browser, lambda: read_text(browser, "li.prose").strip().startswith(start))
    caption = read_text(browser, "li.prose")
    assert "{{" not in caption and "{%" not in caption and "System Message" not in caption
    assert complaints() == []


@pytest.mark.parametrize(("category", "shows"), sorted(set(ITEMS) - PAGES), ids=lambda text: text)
def test_every_figure_is_drawn(browser, complaints, screenshot, open_it, category, shows):
    open_it(category, shows, "eye")
    own_width, own_height, width, height = wait_for_image(browser)
    assert own_width > 400 and own_height > 200
    browser.set_window_size(1400, max(1000, height + 200))
    assert width <= browser.execute_script("return innerWidth")
    screenshot(f"figure-{re.sub('[^a-z]+', '-', f'{category[2:]} {shows}'.lower())}")
    assert complaints() == []


def test_the_comparison_has_three_rows_and_sorts(browser, complaints, screenshot, open_it):
    open_it("1 Comparison", "accuracy, size and speed", "eye")
    open_page(browser, 3)
    for table in ("#table0", "#table1"):
        assert [row[0] for row in rows(browser, table)] == ["fp32", "int8", "uint8"]
    assert len(rows(browser, "#table2")) == 12  # three models, two threads, two batch sizes
    assert not is_cut(browser)
    screenshot("comparison")
    for table, column, number in (
        ("table1", "bytes", 4),
        ("table0", "top-1", 1),
        ("table0", "difference (95 % interval)", 2),
        ("table0", "speed", 5),
    ):
        orders = []
        for _ in range(2):
            sort_by(browser, table, column)
            values = [row[number].split() for row in rows(browser, f"#{table}")]
            orders.append(
                [float(value[0].strip("%").replace(",", "")) for value in values if value]
            )
        assert orders[0] == sorted(orders[0]) and orders[1] == orders[0][::-1], column
        assert len(set(orders[0])) > 1
    assert complaints() == []


def test_a_long_table_is_searched_and_a_short_one_is_not(browser, open_it):
    open_it("1 Comparison", "accuracy, size and speed", "eye")
    open_page(browser, 3)
    (field,) = browser.find_elements(By.CSS_SELECTOR, "input[type=search]")
    field.send_keys("uint8")
    wait_for(browser, lambda: [row[0] for row in rows(browser, "#table2")] == ["uint8"] * 4)


def test_the_verification_is_part_of_it(browser, complaints, screenshot, open_it):
    open_it("4 Verification", "expected and measured", "eye")
    open_page(browser, 2)
    assert len(rows(browser, "#table0")) == 4 and len(rows(browser, "#table1")) == 15
    text = read_text(browser, "body")
    assert "19 of 19 requirements hold" in text
    assert "Your requirements: 4 of 4 hold" in text and "Self checks: 15 of 15 hold" in text
    assert not is_cut(browser)
    screenshot("verification")
    assert complaints() == []


@pytest.mark.parametrize(
    ("shows", "count", "lead"),
    [
        ("why, and on test images", 3, "Recommended: auto keeps "),
        ("validation and speed", 2, "Of 4 recipes auto agrees with float32 most often"),
    ],
)
def test_the_recipes_are_part_of_it(browser, complaints, screenshot, open_it, shows, count, lead):
    open_it("5 Recipes", shows, "eye")
    open_page(browser, count)
    assert lead in read_text(browser, "p.verdict")
    assert all(rows(browser, f"#table{number}") for number in range(count))
    screenshot(f"recipes-{shows.split()[0].strip(',')}")
    assert not is_cut(browser)
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
    wait_for_tables(browser, 1)
    sort_by(browser, "table0", heading)
    column = list(NUMBERS).index(heading)
    assert [row[column] for row in rows(browser, "#table0")] == NUMBERS[heading]


@pytest.mark.parametrize("name", ["comparison", "verification"])
def test_a_page_stands_alone(browser, complaints, screenshot, default_run, name):
    browser.get((default_run / f"results/{name}.html").as_uri())
    wait_for_tables(browser, 3 if name == "comparison" else 2)
    screenshot(f"page-{name}")
    assert complaints() == []


def test_the_zip_form_works_too(browser, complaints, open_it, default_run, tmp_path):
    path = tmp_path / "report.zip"
    result = run_snakemake(default_run, options=("--report", str(path)))
    assert result.returncode == 0, result.stdout
    zipfile.ZipFile(path).extractall(tmp_path)
    (page,) = tmp_path.glob("**/report.html")
    open_it("1 Comparison", "accuracy with intervals", "eye", page)
    assert wait_for_image(browser)[0] > 400
    open_it("1 Comparison", "accuracy, size and speed", "eye", page)
    open_page(browser, 3)
    assert len(rows(browser, "#table0")) == 3
    assert complaints() == []
