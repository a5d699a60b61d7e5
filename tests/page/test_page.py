"""The report's page in a real browser: no network, no script, and accessible.

The page is the one that crates/report/tests/page.rs keeps as a snapshot, made of names that would
like to be markup.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

SNAPSHOT = Path("crates/report/tests/snapshots/page__the_page_is_as_it_was.snap")
ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WCAG_22_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = {"width": 320, "height": 640}
WIDE = {"width": 1280, "height": 900}


def browser() -> str | None:
    found = (shutil.which(name) for name in (os.environ.get("CHROMIUM", ""), *BROWSERS) if name)
    return next((path for path in found if path), None)


pytestmark = pytest.mark.skipif(
    browser() is None,
    reason="no Chromium: install the package chromium, or name one in CHROMIUM",
)


@pytest.fixture(scope="module")
def html() -> str:
    """The snapshot without what insta writes before it."""
    return (ROOT / SNAPSHOT).read_text().split("---\n", 2)[2]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(executable_path=browser(), args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture(params=[WIDE, NARROW], ids=["wide", "narrow"])
def page(
    request: pytest.FixtureRequest, chromium: Browser, html: str, tmp_path: Path
) -> Iterator[Page]:
    """The page, opened as a file, with everything noted that it asks for and says."""
    file = tmp_path / "report.html"
    file.write_text(html)
    # axe is a script of its own, which the page's policy would refuse.
    context = chromium.new_context(viewport=request.param, bypass_csp=True)
    page = context.new_page()
    page.requested = []
    page.said = []

    def note(route: Route) -> None:
        page.requested.append(route.request.url)
        route.continue_()

    page.route("**/*", note)
    page.on("dialog", lambda dialog: (page.said.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("console", lambda message: page.said.append(message.text))
    page.goto(file.as_uri())
    yield page
    context.close()


def test_nothing_is_loaded_and_nothing_runs(page: Page) -> None:
    assert page.requested == [page.url]
    assert page.said == []
    assert page.locator("script").count() == 0
    assert (
        "<script>alert('x')</script>" in page.get_by_role("table", name="Top clients").inner_text()
    )


def test_axe_finds_nothing(page: Page) -> None:
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    results = Axe().run(page, options={"runOnly": WCAG_22_AA})
    found = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in results.response["violations"]
    ]
    assert found == []
    passed = {rule["id"] for rule in results.response["passes"]}
    assert {"color-contrast", "html-has-lang", "scrollable-region-focusable"} <= passed


def test_the_chart_is_drawn_with_its_names_and_numbers(page: Page) -> None:
    chart = page.get_by_role("img", name="Bytes over time, by client")
    box = chart.bounding_box()
    assert box and box["width"] > 200 and box["height"] > 80
    bars = chart.locator("rect.bar")
    series, steps = 9, 8
    assert bars.count() == series * steps
    assert page.locator(".legend li").count() == series
    # No two series look alike, even without colours.
    patterns = page.locator("svg[role=img] pattern path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d'))"
    )
    assert len(set(patterns)) == series
    # Stacked bars stand on each other and within the chart.
    tops = bars.evaluate_all("bars => bars.map(bar => bar.y.baseVal.value)")
    assert tops[:series] == sorted(tops[:series], reverse=True)
    assert min(tops) >= 0


def test_the_numbers_open_with_the_keyboard(page: Page) -> None:
    summary = page.locator("summary").first
    summary.focus()
    table = page.get_by_role("table", name="Bytes over time, by client, in numbers")
    assert not table.is_visible()
    page.keyboard.press("Enter")
    assert table.is_visible()
    assert table.get_by_role("rowheader").count() == 8


def test_a_narrow_window_scrolls_tables_and_not_the_page(page: Page) -> None:
    """WCAG 2.2, 1.4.10: 320 pixels are enough."""
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1]
