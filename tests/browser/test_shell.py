"""What holds the views together, in a real browser: tabs, colours, addresses, another data set, accessibility."""

import pytest

from openmic_explore.dashboard.shared import VIEWS
from tests.browser.server import Watched
from tests.dashboard.small_data import write_folder

pytestmark = pytest.mark.browser

GROUND = """() => getComputedStyle(document.querySelector(".om-page")).backgroundColor"""
PAPER = """() => document.querySelector(".om-plot .main-svg").style.background"""


def go(page, view: str) -> None:
    page.get_by_role("tab", name=view, exact=True).click()
    page.wait_for_function(
        "view => document.querySelector('[role=tab][aria-selected=true]').innerText.trim() === view", arg=view
    )
    page.wait_for_selector(".om-help >> visible=true", timeout=30_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_breaks_a_rule_of_accessibility(watched, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    broken = {}
    for view in VIEWS:
        go(page, view)
        page.wait_for_timeout(1500)
        found = axe.run(page).response["violations"]
        broken |= {f"{view}: {each['id']}": [node["html"][:160] for node in each["nodes"][:3]] for each in found}
    page.emulate_media(color_scheme="light")
    assert broken == {}


def test_the_page_follows_the_system_and_a_choice_outlasts_it(watched):
    page = watched.page
    go(page, "Listen")
    drawn = "() => Number(document.querySelector('.om-plot').dataset.drawn)"
    before = page.evaluate(drawn)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"before => ({drawn})() > before", arg=before)
    dark = page.evaluate(GROUND), page.evaluate(PAPER)
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"before => ({drawn})() > before + 1", arg=before)
    light = page.evaluate(GROUND), page.evaluate(PAPER)
    assert light == ("rgb(255, 255, 255)", "rgb(255, 255, 255)")
    assert dark == ("rgb(20, 24, 31)", "rgb(20, 24, 31)")
    page.get_by_label("Colours").select_option("dark")
    page.wait_for_function(f"before => ({drawn})() > before + 2", arg=before)
    assert page.evaluate("() => document.documentElement.dataset.omTheme") == "dark"
    page.get_by_label("Colours").select_option("auto")
    assert page.evaluate("() => document.documentElement.dataset.omTheme") == "light"


def test_an_address_reopens_the_same_view(watched, context):
    page = watched.page
    go(page, "Runs")
    page.wait_for_selector(".om-runs .om-plot[data-drawn]")
    page.wait_for_function("() => location.hash.includes('view=Runs')")
    address = page.evaluate("() => location.href")
    other = Watched(context, watched.address)
    other.page.goto(address, wait_until="commit")
    other.page.wait_for_selector(".om-runs .om-plot[data-drawn]", timeout=60_000)
    assert other.page.locator("[role=tab][aria-selected=true]").inner_text().strip() == "Runs"
    assert other.page.evaluate("() => location.href") == address
    assert other.errors == other.elsewhere == []
    other.page.close()


def test_another_data_set_can_be_opened_from_the_page(context, address, tmp_path):
    folder = write_folder(tmp_path / "tones")
    with context.browser.new_context(viewport={"width": 1280, "height": 900}) as fresh:
        watched = Watched(fresh, address)
        watched.open()
        page = watched.page
        page.get_by_label("Data", exact=True).select_option(label="another folder …")
        page.get_by_placeholder("folder in OpenMIC").fill(str(tmp_path / "nowhere"))
        page.get_by_role("button", name="Open").click()
        page.wait_for_selector(".om-message")
        assert "There is no folder" in page.locator(".om-message").inner_text()
        page.get_by_placeholder("folder in OpenMIC").fill(str(folder))
        page.get_by_role("button", name="Open").click()
        page.wait_for_function("() => document.querySelector('.om-data').innerText.includes('tones')")
        # The header comes first: until the new view is there, the old one is.
        page.wait_for_function("() => document.querySelector('.om-player').dataset.clip.startsWith('0000')")
        page.wait_for_selector(".om-plot[data-drawn] >> visible=true")
        page.get_by_role("button", name="Play").first.click()
        page.wait_for_function("() => [...document.querySelectorAll('audio')].some(audio => audio.currentTime > .2)")
        assert watched.errors == watched.elsewhere == []


@pytest.mark.parametrize("width", [1024, 2560])
def test_the_views_fill_the_page_and_no_more(watched, width):
    page = watched.page
    page.set_viewport_size({"width": width, "height": 900})
    ends = """() => [...document.querySelectorAll(".om-columns")].filter(each => each.offsetParent)
        .map(each => each.getBoundingClientRect().right)"""
    try:
        for view in ("Listen", "Attention", "Runs", "Your audio", "Train"):
            go(page, view)
            page.wait_for_timeout(500)
            inside = page.evaluate("() => document.querySelector('.om-head').getBoundingClientRect().right")
            (end,) = page.evaluate(ends)
            assert end == pytest.approx(inside, abs=16), view
    finally:
        page.set_viewport_size({"width": 1280, "height": 900})
