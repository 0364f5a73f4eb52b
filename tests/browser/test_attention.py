"""Attention as a user has it: runs side by side, over them one playhead each, and estimates that grow."""

import pytest

pytestmark = pytest.mark.browser

ROOT = ".om-attention"
GRAPH = f"{ROOT} .js-plotly-plot"
AUDIO = "[...document.querySelectorAll('audio')].find(one => one.closest('.om-player').offsetParent)"


@pytest.fixture
def page(watched):
    """The view, not playing, at the start of the clip."""
    page = watched.page
    page.get_by_role("tab", name="Attention").click()
    page.wait_for_selector(f"{ROOT} .om-plot[data-drawn]", timeout=30_000)
    page.wait_for_function(f"() => {AUDIO}?.closest('{ROOT}')")
    page.evaluate(f"() => {{ const audio = {AUDIO}; audio.pause(); audio.currentTime = 0; }}")
    return page


def curves(page) -> dict[str, dict[str, list[float]]]:
    """The curves by axis and name."""
    return page.evaluate(
        """selector => {
            const found = {};
            for (const trace of document.querySelector(selector)._fullData) {
                if (trace.type !== "scatter" || trace.name.startsWith("label")) continue;
                (found[trace.yaxis] ??= {})[trace.name] = Array.from(trace.y);
            }
            return found;
        }""",
        GRAPH,
    )


def after_drawing(page, action) -> None:
    before = page.locator(f"{ROOT} .om-plot").get_attribute("data-drawn")
    action()
    page.wait_for_function(
        f"before => document.querySelector('{ROOT} .om-plot').dataset.drawn !== before", arg=before, timeout=30_000
    )


def playheads(page) -> list[dict]:
    return page.evaluate(
        f"""() => [...document.querySelectorAll("{ROOT} .om-playhead")].map(line => {{
            const box = line.getBoundingClientRect();
            return {{x: box.left + 1, top: box.top, bottom: box.bottom}};
        }})"""
    )


def columns(page) -> list[dict]:
    """Where the runs' columns are on the screen, from the picture to the estimate."""
    return page.evaluate(
        """selector => {
            const graph = document.querySelector(selector), box = graph.getBoundingClientRect(), layout = graph._fullLayout;
            const found = {};
            for (const key of Object.keys(layout).filter(key => /^xaxis[0-9]*$/.test(key))) {
                const x = layout[key], y = layout["yaxis" + x.anchor.slice(1)];
                const place = {x: box.left + x._offset, width: x._length, top: Infinity, bottom: 0};
                const column = (found[Math.round(x._offset)] ??= place);
                column.top = Math.min(column.top, box.top + y._offset);
                column.bottom = Math.max(column.bottom, box.top + y._offset + y._length);
            }
            return Object.values(found).sort((one, other) => one.x - other.x);
        }""",
        GRAPH,
    )


def ticked(page) -> list[str]:
    return [box.get_attribute("value") for box in page.locator(f"{ROOT} .om-choice input:checked").all()]


def test_it_opens_on_mean_max_and_attention_side_by_side(page):
    assert sorted(ticked(page)) == ["attention-repaired-seed0", "max-repaired-seed0", "mean-repaired-seed0"]
    assert len(columns(page)) == 3
    rows = [set(lines) for lines in curves(page).values()]
    assert len(rows) == 12  # attention, frame score, product and estimate of three runs
    assert all(names == rows[0] for names in rows)
    assert len(rows[0]) == 2
    weights = [lines for axis, lines in curves(page).items() if axis in ("y7", "y8", "y9")]
    for lines in weights:
        for values in lines.values():
            assert sum(values[1:-1]) == pytest.approx(1, abs=0.01)
    mean, best, _ = weights
    assert all(max(values) == pytest.approx(0.1, abs=0.001) for values in mean.values())
    assert all(max(values) == 1 for values in best.values())


def test_a_playhead_runs_over_every_column_and_the_estimates_follow(page):
    page.locator("h1").click()
    page.keyboard.press(" ")
    page.wait_for_function(f"() => {AUDIO}.currentTime > 3.2", timeout=15_000)
    page.keyboard.press(" ")
    page.wait_for_function(f"() => {AUDIO}.paused")
    page.wait_for_timeout(100)
    time = page.evaluate(f"() => {AUDIO}.currentTime")
    heads, places = playheads(page), columns(page)
    assert len(heads) == len(places) == 3
    for head, place in zip(sorted(heads, key=lambda one: one["x"]), places, strict=True):
        assert head["x"] == pytest.approx(place["x"] + time / 10 * place["width"], abs=1.5)
        assert head["top"] <= place["top"] + 1
        assert head["bottom"] >= place["bottom"] - 1
    ended = int(time + 1e-6) - 1
    estimates = [lines for axis, lines in curves(page).items() if axis in ("y16", "y17", "y18")]
    for row in range(2):
        told = page.locator(f"{ROOT} .om-estimates tbody tr").nth(row)
        name = told.locator("th").inner_text().split(" ")[1]
        for column in range(3):
            value = next(lines for label, lines in estimates[column].items() if label.startswith(name))[ended]
            now = told.locator(".om-now").nth(column).inner_text()
            assert int(now.removesuffix(" %")) == pytest.approx(100 * value, abs=1)


def test_the_other_views_player_stays_silent(page):
    page.locator("h1").click()
    page.keyboard.press(" ")
    page.wait_for_function(f"() => {AUDIO}.currentTime > 0.2")
    silent = "[...document.querySelectorAll('audio')].filter(one => !one.closest('.om-player').offsetParent)"
    assert page.evaluate(f"() => {silent}.length") >= 1
    assert page.evaluate(f"() => {silent}.every(one => one.paused)")
    page.get_by_role("tab", name="Listen").click()
    page.wait_for_function("() => [...document.querySelectorAll('audio')].every(one => one.paused)")


def test_its_own_steps_change_the_clip_of_both_views(page):
    clip = f"() => document.querySelector('{ROOT} .om-player').dataset.clip"
    before, drawn = page.evaluate(clip), curves(page)
    after_drawing(page, lambda: page.locator(f"{ROOT} button", has_text="next").click())
    assert page.evaluate(clip) != before
    assert curves(page) != drawn
    page.get_by_role("tab", name="Listen").click()
    page.wait_for_function(
        "clip => document.querySelector('.om-player').dataset.clip === clip", arg=page.evaluate(clip)
    )
    page.get_by_role("tab", name="Attention").click()
    after_drawing(page, lambda: page.locator(f"{ROOT} button", has_text="previous").click())
    assert page.evaluate(clip) == before
    assert curves(page) == drawn


def test_published_runs_can_stand_beside_and_four_are_the_most(page):
    boxes = page.locator(f"{ROOT} .om-choice fieldset", has_text="published").locator("input")
    after_drawing(page, lambda: boxes.first.click())
    assert len(columns(page)) == 4
    assert boxes.nth(1).is_disabled()
    assert page.locator(f"{ROOT} .om-estimates thead th").count() == 5
    after_drawing(
        page, lambda: page.locator(f"{ROOT} .om-choice fieldset", has_text="published").locator("input").first.click()
    )
    assert len(columns(page)) == 3


def test_where_the_truth_is_known_there_is_a_number_and_the_control(page):
    rows = page.locator(f"{ROOT} .om-where tbody tr")
    assert rows.count() == 2 * 4
    texts = rows.all_inner_texts()
    assert sum("loudness alone" in text for text in texts) == 2
    numbers = [float(part) for text in texts for part in text.split("\t")[2:] if part.strip() not in ("", "–")]
    assert len(numbers) >= 9
    assert all(0 <= number <= 1 for number in numbers)


def test_one_instrument_is_shaded_where_it_sounds(page):
    shown = page.locator(f"{ROOT} .om-instruments tr.om-shown")
    names = [row.get_attribute("data-instrument") for row in shown.all()]
    after_drawing(page, lambda: page.locator(f"{ROOT} tr[data-instrument='{names[1]}'] input").click())
    bands = page.evaluate(
        """selector => document.querySelector(selector).layout.shapes.filter(shape => shape.type === "rect").length""",
        GRAPH,
    )
    assert bands >= 12
    assert bands % 12 == 0  # as many stretches in every panel of three runs
    after_drawing(page, lambda: page.locator(f"{ROOT} tr[data-instrument='{names[1]}'] input").click())


def test_nothing_went_wrong_and_nothing_was_asked_of_another_host(page, watched):
    assert watched.errors == []
    assert watched.elsewhere == []
    text = page.locator("body").inner_text()
    assert "Traceback" not in text
    assert "Error" not in text
