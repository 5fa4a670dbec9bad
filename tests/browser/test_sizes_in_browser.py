"""The report and its pages on a screen, a laptop and a phone: nothing is cut, all can be read."""

import re

import pandas as pd
import pytest
from helpers.browser_pages import (
    CATEGORIES,
    ITEMS,
    PAGES,
    open_item,
    open_page,
    wait_for,
    wait_for_image,
    wait_for_tables,
)
from ptq_comparison.report.page import to_page

pytestmark = pytest.mark.browser

SIZES = {"screen": (1280, 900), "laptop": (1366, 768), "phone": (390, 844)}
PAGE_FILES = ("comparison", "verification", "recommendation", "sweep")

# Elements with a text of their own whose colour is too near to what lies behind it: the ratio of
# WCAG 2.2, 1.4.3, with backgrounds laid over one another.
PALE = """
const channels = colour => {
  const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number);
  return [[r, g, b], a];
};
const behind = element => {
  const layers = [];
  for (let e = element; e; e = e.parentElement)
    layers.push(channels(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce(
    (below, [above, alpha]) => below.map((c, n) => c * (1 - alpha) + above[n] * alpha),
    [255, 255, 255]);
};
const luminance = colour => colour
  .map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, n) => sum + c * [0.2126, 0.7152, 0.0722][n], 0);
return [...document.body.querySelectorAll('*')].filter(element =>
  element.checkVisibility({visibilityProperty: true}) && !element.closest('script, style')
  && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())
).flatMap(element => {
  const ground = behind(element);
  const [colour, alpha] = channels(getComputedStyle(element).color);
  let opacity = alpha;
  for (let e = element; e; e = e.parentElement) opacity *= getComputedStyle(e).opacity;
  const seen = ground.map((c, n) => c * (1 - opacity) + colour[n] * opacity);
  const [dark, light] = [luminance(seen), luminance(ground)].sort((a, b) => a - b);
  const ratio = (light + 0.05) / (dark + 0.05);
  return ratio < 4.5 ? [`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`] : [];
});
"""
# Tables that lack what a screen reader tells: a caption, or what a header cell is the header of.
UNNAMED = """
return [...document.querySelectorAll('table')].filter(table =>
  !table.caption?.textContent.trim()
  || !table.querySelector('thead th') || !table.querySelector('tbody th')
  || [...table.querySelectorAll('thead th')].some(cell => cell.scope !== 'col')
  || [...table.querySelectorAll('tbody th')].some(cell => cell.scope !== 'row')
).map(table => table.outerHTML.slice(0, 200));
"""
# What reaches beyond the window, or beyond a box that cannot be scrolled.
WIDE = """
const scrolls = e =>
  e && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
return [...document.body.querySelectorAll('h1, h2, p, li, caption, table, svg, img, input')].filter(
  e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1
    && !(e.closest('table') && scrolls(e.parentElement))
).map(e => `${e.tagName} ${e.textContent.trim().slice(0, 40)}`);
"""


@pytest.fixture
def resize(browser):
    """Give the window a size, that of a phone also its way to lay pages out."""

    def set_size(size):
        width, height = SIZES[size]
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
        metrics["mobile"] = size == "phone"
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    yield set_size
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def width_is_kept(browser):
    script = "return document.documentElement.scrollWidth <= innerWidth"
    return browser.execute_script(script) and browser.execute_script(WIDE) == []


def check_page(browser, size):
    """Check what holds for each page: in the window, with names, and with enough contrast."""
    assert width_is_kept(browser), browser.execute_script(WIDE)
    assert browser.execute_script(UNNAMED) == []
    assert browser.execute_script(PALE) == []
    language, viewport = browser.execute_script(
        "return [document.documentElement.lang,"
        " document.querySelector('meta[name=viewport]')?.content]"
    )
    assert language == "en" and "width=device-width" in viewport
    top = "return document.querySelector('h1').getBoundingClientRect().top"
    assert browser.execute_script(top) >= 0
    if size != "phone":
        assert browser.execute_script(
            "return [...document.querySelectorAll('table')].every(table => "
            "table.getBoundingClientRect().right <= innerWidth "
            "&& table.closest('.scroll').scrollWidth <= table.closest('.scroll').clientWidth + 1)"
        )


def test_the_checks_see_what_is_wrong(browser, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        "<p style='color:#e8d600'>yellow</p><p style='opacity:.4'>faint</p><p>black</p>"
        "<p style='width:3000px'>wide</p>"
        "<div style='overflow:auto'><table><caption>in a box</caption><tr><td>"
        "<p style='width:3000px'>also</p></table></div>"
        "<div style='background:#000'><p style='color:#fff'>white</p><p>on black</p></div>"
        "<table><caption>ok</caption><thead><tr><th scope='col'>a</thead>"
        "<tbody><tr><th scope='row'>b</table>"
        "<table><caption>no scope</caption><thead><tr><th>a</thead><tbody><tr><th>b</table>"
    )
    browser.get(page.as_uri())
    pale = [line.split(":")[0] for line in browser.execute_script(PALE)]
    assert pale == ["yellow", "faint", "on black"]
    assert [text.split()[-1] for text in browser.execute_script(WIDE)] == ["wide"]
    unnamed = browser.execute_script(UNNAMED)
    assert len(unnamed) == 2 and "no scope" in unnamed[1]
    assert not width_is_kept(browser)


@pytest.mark.parametrize("size", SIZES)
def test_no_figure_is_cut(browser, resize, screenshot, recipes_report, size):
    resize(size)
    for category, shows in sorted(set(ITEMS) - PAGES):
        open_item(browser, recipes_report, category, shows, "eye")
        wait_for_image(browser)
        left, top, right, bottom, end, least, width = browser.execute_script(
            """
            const image = document.querySelector("div.p-3 > img");
            const box = image.closest(".overflow-auto"), menu = document.querySelector("nav");
            const {left, top, right} = image.getBoundingClientRect();
            const place = box.getBoundingClientRect();
            box.scrollTop = box.scrollHeight;
            const bottom = image.getBoundingClientRect().bottom;
            box.scrollTop = 0;
            return [left, top - place.top, right, bottom, place.bottom, place.left, innerWidth];
            """
        )
        # The title is at the top of a figure, as wide as it.
        assert top >= 0 and left >= least and right <= width, (shows, top, left, right)
        assert bottom <= end  # by scrolling
        page_width = browser.execute_script("return document.documentElement.scrollWidth")
        assert page_width <= width
        name = re.sub("[^a-z]+", "-", f"{category[2:]} {shows}".lower())
        screenshot(f"{size}-figure-{name}")


@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_beside_the_menu(browser, resize, screenshot, recipes_report, size):
    resize(size)
    for category, shows in sorted(PAGES):
        open_item(browser, recipes_report, category, shows, "eye")
        script = "return document.querySelector('iframe').getBoundingClientRect().right"
        assert browser.execute_script(script) <= SIZES[size][0]
        assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        screenshot(f"{size}-item-{category[0]}-{shows.split()[0].strip(',')}")
        open_page(browser)
        check_page(browser, size)
        browser.switch_to.default_content()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGE_FILES)
def test_a_page_alone_fits(browser, resize, screenshot, recipes_run, name, size):
    resize(size)
    browser.get((recipes_run / f"results/{name}.html").as_uri())
    wait_for_tables(browser)
    screenshot(f"{size}-page-{name}")
    check_page(browser, size)


@pytest.mark.parametrize("size", SIZES)
def test_speed_is_seen_without_scrolling(browser, resize, recipes_report, size):
    """Also with a wide interval, its mark, and the name of a recommended model."""
    resize(size)
    open_item(browser, recipes_report, CATEGORIES[0], "accuracy, size and speed", "eye")
    open_page(browser, 3)
    heading, right = browser.execute_script(
        "const cell = document.querySelector('#table0 thead th:last-child');"
        "return [cell.textContent, document.querySelector('#table0').getBoundingClientRect().right]"
    )
    assert heading == "speed"
    assert right <= browser.execute_script("return innerWidth")


@pytest.mark.parametrize("size", SIZES)
def test_the_report_opens_with_verdict_table_and_trade_off(
    browser, resize, screenshot, recipes_report, recipes_run, size
):
    resize(size)
    browser.get(recipes_report.as_uri())
    wait_for(browser, lambda: browser.execute_script("return !!document.querySelector('canvas')"))
    screenshot(f"{size}-report")
    verdict, *places = browser.execute_script(
        """
        const find = selector => document.querySelector(selector).getBoundingClientRect();
        return [document.querySelector(".verdict").textContent,
          ...[".verdict", "div.prose table", "div.prose svg", "#rulegraph"].map(selector => {
            const {top, bottom, left, right} = find(selector); return [top, bottom, left, right];
          })];
        """
    )
    assert verdict == (recipes_run / "results/verdict.txt").read_text().splitlines()[0]
    tops, bottoms, lefts, _ = zip(*places, strict=True)
    assert all(bottom <= top for bottom, top in zip(bottoms, tops[1:], strict=False))
    assert tops[0] >= 0 and min(lefts) >= 0
    if size != "phone":
        assert bottoms[1] <= SIZES[size][1]  # verdict and table without scrolling
    assert width_is_kept(browser), browser.execute_script(WIDE)
    assert browser.execute_script(UNNAMED) == []
    assert browser.execute_script(PALE) == []


@pytest.mark.parametrize("size", SIZES)
def test_a_wide_table_scrolls_in_its_box(browser, resize, tmp_path, size):
    resize(size)
    table = pd.DataFrame({f"heading {number}": ["1,000,000"] * 5 for number in range(40)})
    (tmp_path / "page.html").write_text(to_page("Wide", "Lead.", {"Many": table}))
    browser.get((tmp_path / "page.html").as_uri())
    wait_for_tables(browser, 1)
    assert width_is_kept(browser)
    assert browser.execute_script(
        "const box = document.querySelector('.scroll, .scroll .dt-layout-cell');"
        "return [...document.querySelectorAll('.scroll, .scroll *')].some("
        "e => e.scrollWidth > e.clientWidth && /auto/.test(getComputedStyle(e).overflowX))"
    )
