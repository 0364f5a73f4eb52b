"""Weak labels in a real browser: mark by mouse and keyboard, hear, see the truth; hide labels; the loss twice."""

import pytest

pytestmark = pytest.mark.browser

TRACK = ".om-strip .om-track"


@pytest.fixture(scope="module")
def weak(watched):
    page = watched.page
    page.get_by_role("tab", name="Weak labels").click()
    page.wait_for_selector(TRACK)
    return page


def marked(page) -> list[int]:
    return page.evaluate(
        "() => [...document.querySelectorAll('.om-strip [aria-selected=true]')].map(cell => Number(cell.dataset.step))"
    )


def drawn(page, place: str) -> list[dict]:
    """The traces of the plot in a part of the page, as plotly has them."""
    return page.evaluate(
        """place => document.querySelector(`${place} .js-plotly-plot`)._fullData.map(trace => ({
            type: trace.type, name: trace.name, base: trace.base && Array.from(trace.base), x: trace.x && Array.from(trace.x),
            z: trace.z && Array.from(trace.z, row => Array.from(row))}))""",
        place,
    )


def test_the_mouse_marks_and_clears(weak):
    box = weak.locator(TRACK).bounding_box()
    at = lambda step: box["x"] + box["width"] * (step + 0.5) / 40  # noqa: E731
    middle = box["y"] + box["height"] / 2
    weak.mouse.move(at(10), middle)
    weak.mouse.down()
    weak.mouse.move(at(25), middle, steps=6)
    weak.mouse.up()
    assert marked(weak) == list(range(10, 26))
    weak.mouse.move(at(20), middle)
    weak.mouse.down()
    weak.mouse.move(at(25), middle, steps=3)
    weak.mouse.up()
    assert marked(weak) == list(range(10, 20))


def test_the_keyboard_marks_too(weak):
    weak.locator(".om-strip [role=option]").first.focus()
    for key in ("End", " ", "Shift+ArrowLeft", "Shift+ArrowLeft", "ArrowLeft", "ArrowLeft", "Enter"):
        weak.keyboard.press(key)
    assert marked(weak) == [*range(10, 20), 35, 37, 38, 39]
    weak.keyboard.press("Enter")
    assert marked(weak) == [*range(10, 20), 37, 38, 39]
    focused = weak.evaluate("() => document.activeElement.getAttribute('aria-label')")
    assert focused == "8.75 to 9.00 seconds"


def test_the_sound_comes_after_the_guess_and_moves_over_the_strip(weak):
    assert weak.locator(".om-weak .om-play:visible").count() == 0
    weak.get_by_role("button", name="I have guessed").click()
    weak.wait_for_selector(".om-weak .om-play:visible:enabled")
    weak.locator(".om-weak .om-play").click()
    weak.wait_for_function("() => document.querySelector('.om-weak audio').currentTime > 0.5")
    weak.locator(".om-weak .om-play").click()
    weak.wait_for_timeout(100)
    line, time = weak.evaluate(
        """() => { const line = document.querySelector('.om-strip-head'), track = line.parentElement;
            return [(line.getBoundingClientRect().left - track.getBoundingClientRect().left) / track.clientWidth,
                    document.querySelector('.om-weak audio').currentTime]; }"""
    )
    assert weak.locator(".om-strip-head").evaluate("line => line.style.visibility") == "visible"
    assert line == pytest.approx(time / 10, abs=0.01)


def test_the_truth_stands_beside_all_answers(weak):
    weak.get_by_role("button", name="Show the truth").click()
    weak.wait_for_selector(".om-weak .om-plot[data-drawn]:visible")
    weak.wait_for_function(
        "() => document.querySelector('.om-weak .js-plotly-plot')._fullData.some(trace => trace.name === 'truth')"
    )
    lanes = {trace["name"]: trace for trace in drawn(weak, ".om-weak") if trace["type"] == "bar"}
    assert sum(lanes["the label (all of it)"]["x"]) == pytest.approx(10)
    assert lanes["you, by ear"]["base"] == pytest.approx([2.5, 9.2], abs=0.06)
    assert 0 < sum(lanes["truth"]["x"]) < 10
    assert len(lanes) == 5
    said = weak.locator(".om-weak [role=status]").filter(has_text="Mean overlap").inner_text()
    assert "this clip" in said
    assert any(picture["type"] == "heatmap" and len(picture["z"]) == 64 for picture in drawn(weak, ".om-weak"))
    # Enough of it is really painted.
    box = weak.locator(".om-weak .om-plot:visible").bounding_box()
    assert box["width"] > 900
    weak.get_by_role("button", name="Next clip").click()
    weak.wait_for_function("() => document.querySelectorAll('.om-strip [aria-selected=true]').length === 0")
    weak.wait_for_selector(".om-weak .om-strip:visible")


def test_hiding_and_revealing_changes_the_cells(weak):
    weak.get_by_role("button", name="Hide and reveal").click()
    weak.wait_for_selector(".om-weak .om-plot[data-drawn]:visible")
    unknown = lambda: sum(  # noqa: E731
        value == -1
        for trace in drawn(weak, ".om-weak")
        if trace["type"] == "heatmap"
        for row in trace["z"]
        for value in row
    )
    own = unknown()
    assert 0.8 * 800 < own < 0.95 * 800
    weak.get_by_role("button", name="the truth", exact=True).click()
    weak.wait_for_function(
        "() => document.querySelector('.om-weak .om-question').innerText.includes('72,000 of 72,000')"
    )
    weak.wait_for_timeout(300)
    assert unknown() == 0
    weak.get_by_role("button", name="as labelled").click()
    weak.wait_for_function("() => document.querySelector('.om-weak .om-question').innerText.includes('7,421 of')")
    weak.wait_for_timeout(300)
    assert unknown() == own
    weak.get_by_role("button", name="clips at once").click()
    weak.wait_for_function(
        "() => document.querySelector('.om-weak .js-plotly-plot')._fullData[0].z.length === 10", timeout=20_000
    )
    assert unknown() == 72_000 - 7_421


def test_the_loss_twice(weak):
    weak.get_by_role("button", name="Unknown is not absent").click()
    weak.wait_for_function(
        """() => [...document.querySelectorAll('.om-weak .js-plotly-plot')]
            .some(plot => plot._fullData?.some(trace => trace.name === 'unknown taken for absent'))""",
        timeout=20_000,
    )
    names = [trace["name"] for trace in drawn(weak, ".om-weak .om-beside")]
    assert names[:2] == ["unknown masked", "unknown taken for absent"]
    assert "Trained both ways" in weak.locator(".om-weak").inner_text()
    assert "part=loss" in weak.url


def test_nothing_went_wrong_and_nothing_was_asked_of_another_host(weak, watched):
    assert watched.errors == []
    assert watched.elsewhere == []
    assert "Traceback" not in weak.locator("body").inner_text()
