"""The view Runs as a user has it: choose, move the threshold, compare, look into training, go to the clips."""

import csv
import re

import pytest

pytestmark = pytest.mark.browser

GRAPH = ".om-runs .om-plot .js-plotly-plot"


def drawn(page) -> dict[str, list[float]]:
    """What the figure shows by name, as plotly holds it in the page."""
    return page.evaluate(
        "selector => Object.fromEntries(document.querySelector(selector)._fullData.map(one => [one.name, Array.from(one.x)]))",
        GRAPH,
    )


def after_drawing(page, action) -> None:
    """Do something that redraws the figure, and wait for it."""
    before = page.locator(".om-runs .om-plot").get_attribute("data-drawn")
    action()
    page.wait_for_function("before => document.querySelector('.om-runs .om-plot').dataset.drawn !== before", arg=before)


def part(page, name) -> None:
    box = page.locator(".om-parts").get_by_label(name, exact=True)
    if not box.is_checked():
        after_drawing(page, box.check)


def choose(page, label, option) -> None:
    page.locator(".om-runs").get_by_label(label, exact=True).select_option(label=option)


@pytest.fixture
def runs(watched):
    """The view on its first part, as it opens."""
    page = watched.page
    page.get_by_role("tab", name="Runs").click()
    page.wait_for_selector(".om-runs .om-plot[data-drawn]")
    if not page.url.endswith("#view=Runs"):
        page.evaluate("() => { location.hash = 'view=Runs&part=learning'; }")
        page.wait_for_function(
            "() => document.querySelector('.om-parts input:checked').parentElement.innerText.includes('Learning')"
        )
        page.evaluate("() => { location.hash = 'view=Runs&part=scores'; }")
        page.wait_for_function("() => location.hash === '#view=Runs'")
    page.wait_for_function(
        "selector => document.querySelector(selector)._fullData?.[0]?.name === 'majority class'", arg=GRAPH
    )
    return page


def test_it_opens_on_few_groups_of_seeds_beside_the_majority_class(runs):
    found = drawn(runs)
    assert next(iter(found)) == "majority class"
    assert 3 <= len(found) <= 9
    assert all(len(values) == 21 for values in found.values())  # twenty instruments and their mean
    rows = runs.locator(".om-groups tbody tr")
    assert rows.count() == len(found) - 1
    for place in range(rows.count()):
        name, seeds, mean = rows.nth(place).locator("td").all_inner_texts()
        name = re.sub(r"^\W+", "", name.strip())
        assert float(mean) == pytest.approx(found[name][-1], abs=6e-4)
        assert int(seeds) >= 1
        glyph = rows.nth(place).locator(".om-glyph")
        colour = runs.evaluate(
            "([selector, name]) => document.querySelector(selector)._fullData.find(one => one.name === name).marker.color",
            [GRAPH, name],
        )
        shown = glyph.evaluate("element => getComputedStyle(element).color")
        assert shown == "rgb({}, {}, {})".format(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)))


def test_an_experiment_lists_and_draws_its_groups_and_a_box_takes_one_away(runs):
    after_drawing(runs, lambda: choose(runs, "Experiment", "Figure 6"))
    assert "augmentation" in runs.locator(".om-runs .om-side").inner_text()
    found = drawn(runs)
    assert len(found) == 7
    # Their legend does not cover the panel.
    boxes = runs.evaluate(
        """selector => {
            const graph = document.querySelector(selector), bottom = graph.getBoundingClientRect().bottom;
            const [legend, plot, title] = [".legend", ".nsewdrag", ".gtitle"].map(
                (part) => graph.querySelector(part).getBoundingClientRect());
            return [legend.top - plot.bottom, plot.top - title.bottom, bottom - legend.bottom];
        }""",
        GRAPH,
    )
    assert min(boxes) >= 0
    after_drawing(runs, runs.locator(".om-groups tr.om-shown input").first.uncheck)
    assert len(drawn(runs)) == 6
    runs.locator(".om-runs").get_by_label("Search").fill("noise repaired")
    runs.wait_for_function("() => [...document.querySelectorAll('.om-groups tr:not(.om-shown) label')].length === 2")
    after_drawing(runs, runs.locator(".om-groups").get_by_label("mel repaired, noise", exact=True).check)
    assert "mel repaired, noise" in drawn(runs)


def test_the_threshold_moves_with_the_keyboard_and_the_picture_follows(runs):
    before = drawn(runs)
    slider = runs.get_by_role("slider", name="Threshold")
    slider.focus()
    after_drawing(runs, lambda: runs.keyboard.press("PageUp"))
    runs.wait_for_function("() => location.hash.includes('threshold=')")
    after = drawn(runs)
    assert after.keys() == before.keys()
    assert after["mel repaired"] != before["mel repaired"]
    assert after["majority class"] == before["majority class"]
    moved = float(runs.locator(".om-slider output").inner_text())
    assert moved > 0.5
    title = runs.locator(f"{GRAPH} .gtitle").text_content()
    assert f"threshold {moved:.2f}" in title.replace("\xa0", " ")


def test_published_scores_stand_in_a_panel_of_their_own(runs):
    after_drawing(runs, lambda: choose(runs, "Published", "random forest (OpenMIC-2018's own baseline)"))
    axes = runs.evaluate(
        "selector => document.querySelector(selector)._fullData.map(one => [one.name, one.xaxis])", GRAPH
    )
    assert ["random forest", "x2"] in axes
    assert "OpenMIC-2018" in runs.locator(f"{GRAPH} .x2title").text_content()
    assert "never subtract" in runs.locator(".om-runs .om-main").inner_text()


def test_differences_are_drawn_around_zero_with_what_survives_filled(runs):
    part(runs, "Differences")
    runs.wait_for_function("() => !document.querySelector('.om-runs .om-busy')", timeout=60_000)
    found = drawn(runs)
    assert list(found) == ["mel published", "attention repaired"]
    said = runs.locator(".om-runs .om-main li").all_inner_texts()
    for text, name in zip(said, found, strict=True):
        mean = float(re.search(r"mean ([+-][\d.]+)", text)[1])
        assert mean == pytest.approx(found[name][-1], abs=6e-4)
        count = int(re.search(r"(\d+) of 20 instruments differ", text)[1])
        filled = runs.evaluate(
            """([selector, name]) => document.querySelector(selector)._fullData.find(one => one.name === name)
                .marker.symbol.slice(0, 20).filter(symbol => !symbol.endsWith("-open")).length""",
            [GRAPH, name],
        )
        assert filled == count
    after_drawing(runs, lambda: choose(runs, "Reference", "mel published"))
    assert drawn(runs)["mel repaired"][-1] == pytest.approx(-found["mel published"][-1], abs=1e-6)


def test_learning_curves_and_dead_heads_are_drawn(runs):
    part(runs, "Learning")
    kept = runs.evaluate(
        "selector => document.querySelector(selector)._fullData.filter(one => one.name === 'kept epoch' && one.x[0]).length",
        GRAPH,
    )
    assert kept == 9  # three groups in the three panels of validation
    part(runs, "Dead heads")
    assert max(drawn_y(runs, "mel published")) <= 20
    assert max(drawn_y(runs, "mel published")) > 5
    assert drawn_y(runs, "attention repaired")[-1] == 0


def drawn_y(page, name) -> list[float]:
    return page.evaluate(
        """([selector, name]) => Array.from(document.querySelector(selector)._fullData
            .find(one => one.name === name && one.mode === "lines+markers").y)""",
        [GRAPH, name],
    )


def test_a_click_on_a_marker_leads_to_its_clips_and_a_clip_to_listen(runs):
    name, instrument, where = runs.evaluate(
        """selector => { const graph = document.querySelector(selector), layout = graph._fullLayout;
            const box = graph.getBoundingClientRect(), trace = graph._fullData[3], place = 0;
            return [trace.name, trace.customdata[place], {x: box.left + layout.xaxis._offset + layout.xaxis.d2p(trace.x[place]),
                y: box.top + layout.yaxis._offset + layout.yaxis.d2p(trace.y[place])}]; }""",
        GRAPH,
    )
    runs.mouse.move(where["x"], where["y"])
    runs.wait_for_selector(f"{GRAPH} .hoverlayer .hovertext")
    runs.mouse.click(where["x"], where["y"])
    runs.wait_for_selector(".om-clips tbody tr")
    assert runs.get_by_label("Clips behind").locator("option:checked").inner_text().replace(
        "\xa0", " "
    ) == instrument.replace("_", " ")
    assert name in runs.get_by_label("of", exact=True).locator("option:checked").inner_text().replace("\xa0", " ")
    rows = [row.locator("td").all_inner_texts() for row in runs.locator(".om-clips tbody tr").all()]
    wrong = ["wrong" in row[3] for row in rows]
    assert wrong == sorted(wrong, reverse=True)
    for _, label, probability, answer, _ in rows:
        assert ("wrong" in answer) == (
            (int(probability.strip(" %")) >= 50) != (label == "present")
        ) or "50" in probability
    button = runs.locator(".om-clips button").last
    key = re.search(r"\d+_\d+", button.inner_text())[0]
    button.focus()
    runs.keyboard.press("Enter")
    runs.wait_for_function("() => document.querySelector('.lm-mod-current').innerText === 'Listen'")
    runs.wait_for_function(
        "key => [...document.querySelectorAll('.om-side select[size] option:checked')].some(one => one.innerText.includes(key))",
        arg=key,
    )


def test_numbers_and_picture_can_be_saved(runs, tmp_path):
    with runs.expect_download() as download:
        runs.get_by_role("button", name="Save CSV").click()
    download.value.save_as(tmp_path / "scores.csv")
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    found = drawn(runs)
    mine = [float(row["f1_macro"]) for row in rows if row["group"] == "mel repaired"]
    assert sum(mine) / len(mine) == pytest.approx(found["mel repaired"][-1], abs=1e-5)
    with runs.expect_download() as download:
        runs.get_by_role("button", name="Save PNG").click()
    assert download.value.suggested_filename == "openmic-explore-scores-f1_macro.png"
    download.value.save_as(tmp_path / "scores.png")
    picture = (tmp_path / "scores.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000


def test_a_link_opens_the_same_view_in_another_page(runs, context, watched):
    part(runs, "Clips")
    after_drawing(runs, lambda: choose(runs, "Clips behind", "piano"))
    runs.wait_for_function("() => location.hash.includes('instrument=piano')")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    runs.get_by_role("button", name="Copy link").click()
    runs.wait_for_selector(".om-exports [role=status]:has-text('copied')")
    link = runs.evaluate("() => navigator.clipboard.readText()")
    assert link == runs.url
    title = runs.locator(f"{GRAPH} .gtitle").text_content()
    other = context.new_page()
    try:
        other.goto(link)
        other.wait_for_selector(".om-runs .om-plot[data-drawn]", timeout=60_000)
        other.wait_for_function(
            "([selector, title]) => document.querySelector(selector + ' .gtitle')?.innerHTML.includes(title)",
            arg=[GRAPH, "piano"],
        )
        assert other.locator(f"{GRAPH} .gtitle").text_content() == title
    finally:
        other.close()


def test_nothing_went_wrong_and_nothing_was_asked_of_another_host(runs, watched):
    assert watched.errors == []
    assert watched.elsewhere == []
    assert "Traceback" not in runs.locator("body").inner_text()
