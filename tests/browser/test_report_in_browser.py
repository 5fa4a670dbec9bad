"""The report in Chromium: what a reader sees and clicks.

All is read in one step, by a script: React and DataTables replace elements at any time.
"""

import re
import zipfile

import pandas as pd
import pytest
from helpers import run_snakemake
from ptq_comparison.report.page import to_page
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

pytestmark = pytest.mark.browser

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
    ("5 Recipes", "why, and on test images"): "The recipe that agrees with float32 most often",
    ("5 Recipes", "validation and speed"): "Every recipe, compared with float32",
    ("5 Recipes", "agreement against speed"): "One mark a recipe",
    ("5 Recipes", "what each of them costs"): "One row a node",
    ("5 Recipes", "accuracy, size and speed"): "Downwards, one node more stays in float32",
}
PAGES = {
    ("1 Comparison", "accuracy, size and speed"),
    ("4 Verification", "expected and measured"),
    ("5 Recipes", "why, and on test images"),
    ("5 Recipes", "validation and speed"),
}
CATEGORIES = sorted({category for category, _ in ITEMS})


@pytest.fixture(scope="module")
def report(default_run, tmp_path_factory):
    """The path of report.html, which is small."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    result = run_snakemake(default_run, options=("--report", str(path)))
    assert result.returncode == 0, result.stdout
    assert path.stat().st_size < 5_000_000
    return path


@pytest.fixture(scope="module")
def recipes_report(recipes_run, tiny, tmp_path_factory):
    """The path of report.html of a run with recipes."""
    path = tmp_path_factory.mktemp("recipes_report") / "report.html"
    result = run_snakemake(
        recipes_run,
        *("all", "recommend", "sensitivity"),
        configfiles=(tiny / "config.yaml", recipes_run / "own.yaml"),
        options=("--report", str(path)),
    )
    assert result.returncode == 0, result.stdout
    return path


@pytest.fixture
def open_item(browser, request):
    """Open a report again, that of the default run where it has the item, and press a button."""

    def open_it(category, shows, icon, path=None):
        name = "recipes_report" if category == CATEGORIES[-1] else "report"
        browser.get((path or request.getfixturevalue(name)).as_uri())
        click(browser, f"//li//a[.='{category}']")
        click(browser, f"//tr[td[.='{shows}']]//a[@iconname='{icon}']")
        # Until the menu no longer slides, the item has not the place that it is made for.
        still = "return document.getAnimations().length === 0"
        wait_for(browser, lambda: browser.execute_script(still))

    return open_it


def wait_for(browser, condition):
    return WebDriverWait(browser, 20).until(lambda _: condition())


def click(browser, xpath):
    """Click by a script: the menu slides as it gets wider, and a mouse would miss what moves."""
    script = """
        const found = document.evaluate(
            arguments[0], document, null, XPathResult.FIRST_ORDERED_NODE_TYPE
        ).singleNodeValue;
        found?.click();
        return found !== null;
    """
    wait_for(browser, lambda: browser.execute_script(script, xpath))


def wait_for_image(browser):
    """Wait until the image is drawn, and return its own width and height, and those on the page."""
    script = """
        const image = document.querySelector("div.p-3 > img");
        return image?.complete && image.naturalWidth > 0
            && [image.naturalWidth, image.naturalHeight, image.width, image.height];
    """
    return wait_for(browser, lambda: browser.execute_script(script))


def read_text(browser, selector):
    """Return the text of an element, empty where there is none."""
    script = "return document.querySelector(arguments[0])?.textContent ?? ''"
    return browser.execute_script(script, selector)


def rows(browser, table):
    return browser.execute_script(
        "return [...document.querySelectorAll(arguments[0])]"
        ".map(row => [...row.cells].map(cell => cell.textContent))",
        f"{table} tbody tr",
    )


def wait_for_tables(browser, count):
    """Wait until DataTables has changed all tables of a page: before, nothing sorts."""
    script = "return document.querySelectorAll('table:has(th.dt-orderable-asc)').length"
    wait_for(browser, lambda: browser.execute_script(script) == count)


def open_page(browser, count):
    """Look into the page of an item, which has so many tables."""
    browser.switch_to.frame(browser.find_element(By.TAG_NAME, "iframe"))
    wait_for_tables(browser, count)


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
    assert (default_run / "results/verdict.txt").read_text().strip() in text
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
def test_every_item_has_a_caption(browser, complaints, open_item, category, shows):
    open_item(category, shows, "information-circle")
    start = ITEMS[category, shows]  # the caption is there at once, its text a moment later
    wait_for(browser, lambda: read_text(browser, "li.prose").strip().startswith(start))
    caption = read_text(browser, "li.prose")
    assert "{{" not in caption and "{%" not in caption and "System Message" not in caption
    assert complaints() == []


@pytest.mark.parametrize(("category", "shows"), sorted(set(ITEMS) - PAGES), ids=lambda text: text)
def test_every_figure_is_drawn(browser, complaints, screenshot, open_item, category, shows):
    open_item(category, shows, "eye")
    own_width, own_height, width, height = wait_for_image(browser)
    assert own_width > 400 and own_height > 200
    browser.set_window_size(1400, max(1000, height + 200))
    assert width <= browser.execute_script("return innerWidth")
    screenshot(f"figure-{re.sub('[^a-z]+', '-', f'{category[2:]} {shows}'.lower())}")
    assert complaints() == []


def test_the_comparison_has_three_rows_and_sorts(browser, complaints, screenshot, open_item):
    open_item("1 Comparison", "accuracy, size and speed", "eye")
    open_page(browser, 2)
    assert [row[0] for row in rows(browser, "#table0")] == ["fp32", "int8", "uint8"]
    assert len(rows(browser, "#table1")) == 12  # three models, two threads, two batch sizes
    assert not is_cut(browser)
    screenshot("comparison")
    for column, number in (("bytes", 7), ("top-1", 1), ("speed", 11)):
        orders = []
        for _ in range(2):
            sort_by(browser, "table0", column)
            values = [row[number] for row in rows(browser, "#table0")]
            orders.append([float(value.strip("%").replace(",", "")) for value in values])
        assert orders[0] == sorted(orders[0]) and orders[1] == orders[0][::-1], column
        assert len(set(orders[0])) > 1
    assert complaints() == []


def test_the_comparison_is_searched(browser, open_item):
    open_item("1 Comparison", "accuracy, size and speed", "eye")
    open_page(browser, 2)
    browser.find_element(By.CSS_SELECTOR, "input[type=search]").send_keys("uint8")
    wait_for(browser, lambda: [row[0] for row in rows(browser, "#table0")] == ["uint8"])


def test_the_verification_is_part_of_it(browser, complaints, screenshot, open_item):
    open_item("4 Verification", "expected and measured", "eye")
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
        ("why, and on test images", 2, "Recommended: auto keeps 100.0 % of the float32 accuracy"),
        ("validation and speed", 1, "Of 4 recipes auto agrees with float32 most often"),
    ],
)
def test_the_recipes_are_part_of_it(browser, complaints, screenshot, open_item, shows, count, lead):
    open_item("5 Recipes", shows, "eye")
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
    wait_for_tables(browser, 2)
    screenshot(f"page-{name}")
    assert complaints() == []


def test_the_zip_form_works_too(browser, complaints, open_item, default_run, tmp_path):
    path = tmp_path / "report.zip"
    result = run_snakemake(default_run, options=("--report", str(path)))
    assert result.returncode == 0, result.stdout
    zipfile.ZipFile(path).extractall(tmp_path)
    (page,) = tmp_path.glob("**/report.html")
    open_item("1 Comparison", "accuracy with intervals", "eye", page)
    assert wait_for_image(browser)[0] > 400
    open_item("1 Comparison", "accuracy, size and speed", "eye", page)
    open_page(browser, 2)
    assert len(rows(browser, "#table0")) == 3
    assert complaints() == []
