"""Train in a real browser: start, watch, stop, go on, and find the run in the other views without reloading."""

import re

import pytest

from tests.browser.server import ROOT, Watched, voila

pytestmark = pytest.mark.browser

NOW = "() => document.querySelector('.om-train .om-now').innerText"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def watched(context, runs, tmp_path_factory):
    """A page of its own, whose runs are kept in a folder of its own."""
    places = f"{ROOT / 'openmic_explore' / 'results'}:{runs}"
    with voila(OPENMIC_RUNS=places, OPENMIC_EXPLORE_CACHE=str(tmp_path_factory.mktemp("cache"))) as address:
        watched = Watched(context, address)
        watched.open()
        yield watched


@pytest.fixture(scope="module")
def train(watched):
    page = watched.page
    page.get_by_role("tab", name="Train").click()
    page.wait_for_selector(".om-train .om-plot[data-drawn]", timeout=30_000)
    return page


def said(page, text: str, seconds: float = 90) -> str:
    page.wait_for_function(f"text => ({NOW})().includes(text)", arg=text, timeout=1000 * seconds)
    return page.evaluate(NOW)


CLEAR = """() => {
    const box = (selector) => document.querySelector(`.om-train .om-plot ${selector}`).getBoundingClientRect();
    return box(".legend").top - box(".xtitle").bottom;
}"""


@pytest.mark.parametrize("width", [1280, 760, 1600, 1024])
def test_the_legend_keeps_clear_of_the_axis_at_any_width(train, width):
    before = train.viewport_size
    train.set_viewport_size({"width": width, "height": before["height"]})
    train.wait_for_function(f"() => ({CLEAR})() > -1", timeout=10_000)
    train.set_viewport_size(before)


def test_what_cannot_be_trained_says_why(train):
    train.locator(".om-train").get_by_label("Model", exact=True).select_option("cnn")
    refused = train.locator(".om-refused")
    refused.wait_for()
    assert "openmic-explore features" in refused.inner_text()
    assert train.get_by_role("button", name="Train", exact=True).is_disabled()


def test_a_training_is_watched_stopped_and_goes_on(train, runs):
    train.locator(".om-train").get_by_label("Model", exact=True).select_option("mean")
    train.wait_for_function("() => document.querySelector('.om-train').innerText.includes('mean-repaired-seed')")
    train.get_by_role("spinbutton", name="Epochs").fill("60")
    train.keyboard.press("Tab")
    train.wait_for_function(
        "() => document.querySelector('.om-train').innerText.includes('mean-repaired-epochs=60-seed')"
    )
    train.get_by_role("button", name="Train", exact=True).click()
    train.wait_for_function(f"() => /epoch [1-9]\\d* of 60/.test(({NOW})())", timeout=90_000)
    train.locator(".om-train").get_by_role("button", name="Stop").click()
    stopped = said(train, "was stopped after epoch")
    epoch = int(re.search(r"after epoch (\d+) of 60", stopped)[1])
    assert 1 <= epoch < 60
    assert "go on from there" in stopped
    train.wait_for_function(  # drawn at most so often
        """epoch => Array.from(document.querySelector('.om-train .js-plotly-plot')._fullData[0].y)
            .filter(value => value !== null && value === value).length >= epoch""",
        arg=epoch,
    )
    assert not list(runs.glob("[!.]*"))
    train.get_by_role("button", name="Go on").click()
    said(train, "is done")
    train.wait_for_selector(".om-train table.om-scores", timeout=60_000)
    (path,) = runs.glob("[!.]*")
    points = train.evaluate("() => document.querySelector('.om-train .js-plotly-plot')._fullData[0].y.length")
    assert points == 60
    assert "majority class" in train.locator(".om-train table.om-scores").inner_text()
    assert path.name.startswith("mean-repaired-epochs=60-seed")


def test_the_run_is_in_the_other_views_without_reloading(train, runs):
    name = next(runs.glob("[!.]*")).name
    train.get_by_role("button", name="Listen with it").click()
    train.wait_for_function(
        "name => document.querySelector('.lm-mod-current').innerText === 'Listen'"
        " && [...document.querySelectorAll('select option:checked')].some(option => option.innerText.includes('epochs=60'))",
        arg=name,
        timeout=30_000,
    )


def test_nothing_went_wrong_and_nothing_was_asked_of_another_host(train, watched):
    assert watched.errors == []
    assert watched.elsewhere == []
    assert "Traceback" not in train.locator("body").inner_text()
