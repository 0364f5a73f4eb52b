"""Listen as a user has it: a real server, a real browser, real sound and pictures."""

import base64
from itertools import pairwise

import numpy as np
import pytest

from openmic_explore.figures.axes import note_name

pytestmark = pytest.mark.browser

GRAPH = ".om-plot .js-plotly-plot"


def heatmaps(page) -> list[dict]:
    """Shape, distinct values and checksum of the pictures as plotly holds them in the page."""
    return page.evaluate(
        """selector => document.querySelector(selector)._fullData.filter(trace => trace.type === "heatmap").map(trace => {
            const values = Array.from(trace.z, row => Array.from(row)).flat();
            return {rows: trace.z.length, columns: trace.z[0].length, distinct: new Set(values).size,
                    sum: values.reduce((sum, value, place) => (sum * 31 + value + place) % 1000003, 0)};
        })""",
        GRAPH,
    )


def panels(page) -> list[dict]:
    """Where the panels are on the screen: left, top, width, height."""
    return page.evaluate(
        """selector => {
            const graph = document.querySelector(selector), box = graph.getBoundingClientRect(), layout = graph._fullLayout;
            return Object.keys(layout).filter(key => /^yaxis[0-9]*$/.test(key))
                .map(key => ({x: box.left + layout.xaxis._offset, y: box.top + layout[key]._offset,
                              width: layout.xaxis._length, height: layout[key]._length}))
                .sort((one, other) => one.y - other.y);
        }""",
        GRAPH,
    )


def colours(page, panel: dict) -> int:
    """How many colours the screen really shows inside a panel."""
    inside = {"x": panel["x"] + 6, "y": panel["y"] + 6, "width": panel["width"] - 12, "height": panel["height"] - 12}
    picture = base64.b64encode(page.screenshot(clip=inside)).decode()
    return page.evaluate(
        """async picture => {
            const image = await createImageBitmap(await (await fetch("data:image/png;base64," + picture)).blob());
            const canvas = new OffscreenCanvas(image.width, image.height), pen = canvas.getContext("2d");
            pen.drawImage(image, 0, 0);
            return new Set(new Uint32Array(pen.getImageData(0, 0, image.width, image.height).data.buffer)).size;
        }""",
        picture,
    )


def sound(page) -> str:
    """A digest of the bytes that the player plays."""
    return page.evaluate(
        """async () => {
            const bytes = await (await fetch(document.querySelector("audio").src)).arrayBuffer();
            return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))).join(" ");
        }"""
    )


def lines(page, row: int = 4) -> dict[str, list[float]]:
    """The curves of a panel, by name: row 4 holds attention."""
    return page.evaluate(
        """([selector, axis]) => Object.fromEntries(document.querySelector(selector)._fullData
            .filter(trace => trace.type === "scatter" && trace.yaxis === axis).map(trace => [trace.name, Array.from(trace.y)]))""",
        [GRAPH, f"y{row}"],
    )


def playhead(page) -> dict:
    return page.evaluate(
        """() => { const box = document.querySelector(".om-playhead").getBoundingClientRect();
            return {x: box.left + 1, top: box.top, bottom: box.bottom, time: document.querySelector("audio").currentTime}; }"""
    )


def after_drawing(page, action) -> None:
    """Do something that redraws the figure, and wait for it."""
    before = page.locator(".om-plot").first.get_attribute("data-drawn")
    action()
    page.wait_for_function("before => document.querySelector('.om-plot').dataset.drawn !== before", arg=before)


def test_both_pictures_carry_data_and_are_drawn(page):
    mel, scalogram = heatmaps(page)
    assert mel["rows"] == 64
    assert mel["columns"] > 500
    assert (scalogram["rows"], scalogram["columns"]) == (128, 128)
    for picture, panel in zip((mel, scalogram), panels(page)[1:], strict=False):
        assert picture["distinct"] > 30
        assert colours(page, panel) > 100


def test_attention_of_a_trained_run_is_drawn(page):
    attention = lines(page)
    assert len(attention) >= 2
    for values in attention.values():
        # One value a frame, and its ends again: the weights sum to 1.
        assert sum(values[1:-1]) == pytest.approx(1, abs=0.01)
    assert any(max(values) - min(values) > 0.01 for values in attention.values())


def test_playing_moves_the_playhead_over_all_panels_by_the_sounds_clock(page):
    places = panels(page)
    start = playhead(page)
    assert start["top"] <= places[0]["y"] + 1
    assert start["bottom"] >= places[-1]["y"] + places[-1]["height"] - 1
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.2")
    moves = page.evaluate(
        """() => new Promise(done => {
            const audio = document.querySelector("audio"), line = document.querySelector(".om-playhead"), moves = [];
            const begin = performance.now();
            const look = () => {
                moves.push([Number(line.dataset.time), line.getBoundingClientRect().left + 1]);
                if (performance.now() - begin < 1500) requestAnimationFrame(look); else done(moves);
            };
            requestAnimationFrame(look);
        })"""
    )
    page.get_by_role("button", name="Pause").click()
    duration = page.evaluate("selector => document.querySelector(selector)._fullLayout.xaxis.range[1]", GRAPH)
    for time, x in moves:
        assert x == pytest.approx(places[0]["x"] + time / duration * places[0]["width"], abs=1.5)
    assert moves[-1][0] - moves[0][0] == pytest.approx(1.5, abs=0.4)
    # A machine under load may draw fewer frames; a playhead that only jumps now and then is broken all the same.
    assert len({time for time, _ in moves}) > 15


@pytest.mark.parametrize("row", range(5))
def test_a_click_on_any_panel_seeks(page, row):
    panel = panels(page)[row]
    page.mouse.click(panel["x"] + panel["width"] * (0.3 + 0.1 * row), panel["y"] + panel["height"] / 2)
    expected = 10 * (0.3 + 0.1 * row)
    page.wait_for_function("time => Math.abs(document.querySelector('audio').currentTime - time) < 0.05", arg=expected)
    page.wait_for_function(
        "time => Math.abs(document.querySelector('.om-playhead').dataset.time - time) < 0.05", arg=expected
    )


def test_the_keyboard_plays_and_steps(page):
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => Math.abs(document.querySelector('audio').currentTime - 1) < 0.05")
    page.keyboard.press(" ")
    page.wait_for_function("() => !document.querySelector('audio').paused")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('audio').paused")
    page.keyboard.press("End")
    assert clock(page) == pytest.approx(10, abs=0.1)
    page.keyboard.press("Shift+ArrowLeft")
    assert clock(page) == pytest.approx(9.9, abs=0.1)
    page.keyboard.press("Home")
    assert clock(page) == 0
    page.get_by_label("Split").focus()
    page.keyboard.press("End")  # is the list's
    assert clock(page) == 0
    page.get_by_label("Split").select_option(label="all clips")


def clock(page) -> float:
    return page.evaluate("() => document.querySelector('audio').currentTime")


def looped(page) -> list[float]:
    """From where to where the marked stretch goes, in seconds, as it is seen on the figure."""
    return page.evaluate(
        """selector => {
            const graph = document.querySelector(selector), axis = graph._fullLayout.xaxis;
            const mark = document.querySelector(".om-loop")?.getBoundingClientRect();
            if (!mark) return [];
            const left = mark.left - graph.getBoundingClientRect().left - axis._offset;
            return [axis.p2l(left), axis.p2l(left + mark.width)];
        }""",
        GRAPH,
    )


def test_a_stretch_is_marked_by_shift_and_drag_and_played_over_and_over(page):
    panel = panels(page)[1]
    x = [panel["x"] + panel["width"] * share for share in (0.30, 0.36)]
    page.keyboard.down("Shift")
    page.mouse.move(x[0], panel["y"] + 40)
    page.mouse.down()
    page.mouse.move(sum(x) / 2, panel["y"] + 44)
    page.mouse.move(x[1], panel["y"] + 44)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert looped(page) == pytest.approx([3.0, 3.6], abs=0.05)
    assert page.evaluate("selector => document.querySelector(selector)._fullLayout.xaxis.range", GRAPH) == [0, 10]
    page.get_by_role("button", name="Play").click()
    times = page.evaluate(
        """() => new Promise(done => {
            const audio = document.querySelector("audio"), times = [], begin = performance.now();
            const look = () => {
                times.push(audio.currentTime);
                if (performance.now() - begin < 1800) setTimeout(look, 10); else done(times);
            };
            look();
        })"""
    )
    page.get_by_role("button", name="Pause").click()
    assert min(times) > 2.9
    assert max(times) < 3.9
    assert sum(later < earlier - 0.2 for earlier, later in pairwise(times)) >= 1
    page.get_by_role("button", name="no loop").click()
    assert looped(page) == []


def test_buttons_and_keys_mark_a_stretch_too(page):
    page.locator("h1").click()
    for key in ("ArrowRight", "ArrowRight", "["):
        page.keyboard.press(key)
    assert looped(page) == pytest.approx([2, 10], abs=0.1)
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="to here").click()
    assert looped(page) == pytest.approx([2, 3], abs=0.1)
    page.get_by_role("button", name="no loop").click()


def test_the_speed_changes_and_the_pitch_does_not(page):
    speed = page.get_by_label("speed; the pitch stays").first
    speed.fill("0.5")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.1")
    passed = page.evaluate(
        """() => new Promise(done => {
            const audio = document.querySelector("audio"), begin = [performance.now(), audio.currentTime];
            setTimeout(() => done((audio.currentTime - begin[1]) / (performance.now() - begin[0]) * 1000), 1000);
        })"""
    )
    page.get_by_role("button", name="Pause").click()
    assert passed == pytest.approx(0.5, abs=0.15)
    assert page.evaluate("() => document.querySelector('audio').preservesPitch")
    speed.fill("1")


def test_what_is_under_the_pointer_is_told(page):
    from openmic_explore.data import OpenMIC
    from openmic_explore.features import clip_views

    panel = panels(page)[2]
    page.mouse.move(panel["x"] + panel["width"] * 0.4, panel["y"] + panel["height"] * 0.3)
    page.mouse.move(panel["x"] + panel["width"] * 0.45, panel["y"] + panel["height"] * 0.25)
    told = page.locator(".om-tip").inner_text()
    seconds, pitch, value = told.split(" · ")
    assert float(seconds.removesuffix(" s")) == pytest.approx(4.5, abs=0.03)
    key = page.locator(".om-player").first.get_attribute("data-clip")
    picture = clip_views(OpenMIC.teaching(), key).scalogram
    hertz = float(pitch.split(" Hz")[0])
    row = int(abs(picture.frequency - hertz).argmin())
    assert row == pytest.approx(0.75 * 128, abs=1.5)
    assert 1200 < 440 * 2 ** ((np.round(12 * np.log2(hertz / 440))) / 12) < 5000
    assert pitch.endswith(f"({note_name(picture.frequency[row])})")
    column = int(4.5 / 10 * 128)
    levels = picture.values[row, column - 1 : column + 2] / 255 * 80 - 80
    assert levels.min() - 0.6 <= float(value.removesuffix(" dB").replace("−", "-")) <= levels.max() + 0.6
    page.mouse.move(panel["x"] + 20, 5)
    assert page.locator(".om-tip").count() == 0


def open_picture(page) -> None:
    if page.locator(".om-picture details").get_attribute("open") is None:
        page.locator(".om-picture summary").click()


def test_the_colours_move_in_the_page_alone(page, watched):
    open_picture(page)
    panel = panels(page)[1]
    spot = {"x": panel["x"] + 20, "y": panel["y"] + 10, "width": panel["width"] / 2, "height": panel["height"] - 20}
    before, bytes_before = page.screenshot(clip=spot), watched.received
    ends = page.evaluate(
        """async selector => {
            const slider = document.querySelector(".om-picture input[type=range]");
            slider.value = -40;
            slider.dispatchEvent(new Event("input"));
            await new Promise(done => setTimeout(done, 500));
            return document.querySelector(selector)._fullData.filter(trace => trace.type === "heatmap")
                .map(trace => [trace.zmin, trace.zmax]);
        }""",
        GRAPH,
    )
    for low, high in ends:
        assert low == pytest.approx(127.5, abs=0.5)
        assert high == pytest.approx(255, abs=0.5)
    assert watched.received == bytes_before
    assert page.screenshot(clip=spot) != before
    after_drawing(page, lambda: page.get_by_role("button", name="next").click())  # and stay for the next clip
    assert heatmap_ends(page) == pytest.approx([127.5, 255], abs=0.5)
    after_drawing(page, lambda: page.get_by_role("button", name="previous").click())
    page.locator(".om-picture input[type=range]").first.fill("-80")
    page.wait_for_function(
        """selector => document.querySelector(selector)._fullData
            .find(trace => trace.type === "heatmap").zmin < 1""",
        arg=GRAPH,
    )


def heatmap_ends(page) -> list[float]:
    return page.evaluate(
        """selector => {
            const trace = document.querySelector(selector)._fullData.findLast(trace => trace.type === "heatmap");
            return [trace.zmin, trace.zmax];
        }""",
        GRAPH,
    )


def test_another_clip_has_another_sound_and_other_pictures(page):
    before = sound(page), heatmaps(page)
    after_drawing(page, lambda: page.get_by_role("button", name="next").click())
    after = sound(page), heatmaps(page)
    assert after[0] != before[0]
    for old, new in zip(before[1], after[1], strict=True):
        assert new["sum"] != old["sum"]
        assert new["distinct"] > 30
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('audio').currentTime > 0.3")
    after_drawing(page, lambda: page.get_by_role("button", name="previous").click())
    assert (sound(page), heatmaps(page)) == before
    assert page.evaluate("() => document.querySelector('audio').paused")


def test_another_run_has_other_attention_over_the_same_pictures(page):
    chooser = page.get_by_label("Model run")
    options = chooser.locator("option").all_inner_texts()
    assert len(options) >= 2
    before = lines(page), heatmaps(page)
    chosen = chooser.input_value()
    other = next(place for place, name in enumerate(options) if name != chooser.locator("option:checked").inner_text())
    after_drawing(page, lambda: chooser.select_option(index=other))
    after = lines(page), heatmaps(page)
    assert after[0].keys() == before[0].keys()
    assert after[0] != before[0]
    assert after[1] == before[1]
    after_drawing(page, lambda: chooser.select_option(chosen))
    assert lines(page) == before[0]


def test_a_box_draws_an_instruments_lines(page):
    box = page.locator(".om-instruments tr:not(.om-shown) input").first
    name = box.locator("xpath=ancestor::tr").get_attribute("data-instrument").replace("_", " ")
    assert name not in lines(page)
    after_drawing(page, box.click)
    assert name in lines(page)
    after_drawing(page, page.locator(f".om-instruments tr[data-instrument='{name.replace(' ', '_')}'] input").click)
    assert name not in lines(page)


def test_a_search_lists_only_clips_with_that_label(page):
    def listed(wait: str, arg=None) -> list[str]:
        page.wait_for_function(
            """([wait, arg]) => {
                const texts = [...document.querySelectorAll(".om-side select[size] option")]
                    .map(option => option.innerText.replaceAll("\\xa0", " "));
                return new Function("texts", "arg", "return " + wait)(texts, arg);
            }""",
            arg=[wait, arg],
        )
        texts = page.locator(".om-side select[size] option").all_inner_texts()
        return [text.replace("\xa0", " ") for text in texts]  # as the widget writes them

    everything = listed("texts.length > 1")
    name = next(text for text in everything if ", " in text).split(" · ")[1].split(", ")[0]
    expected = [text for text in everything if name in text.split(" · ")[1].split(", ")]
    assert 0 < len(expected) < len(everything)
    page.get_by_label("Instrument", exact=True).select_option(label=name)
    page.get_by_label("Label", exact=True).select_option(label="present")
    assert listed("texts.length === arg", len(expected)) == expected
    page.get_by_label("Label", exact=True).select_option(label="absent")
    absent = listed("!texts.some(text => arg.includes(text))", expected)
    assert all(name not in text for text in absent)
    page.get_by_label("Label", exact=True).select_option(label="any label")
    page.get_by_label("Instrument", exact=True).select_option(label="any instrument")
    assert listed("texts.length === arg", len(everything)) == everything


def test_the_playhead_survives_resizing(page):
    page.set_viewport_size({"width": 1700, "height": 900})
    page.wait_for_function("() => document.querySelector('.om-plot .main-svg').clientWidth > 1100")
    panel = panels(page)[1]
    page.mouse.click(panel["x"] + panel["width"] / 2, panel["y"] + panel["height"] / 2)
    page.wait_for_function("() => Math.abs(document.querySelector('audio').currentTime - 5) < 0.05")
    assert playhead(page)["x"] == pytest.approx(panel["x"] + panel["width"] / 2, abs=1.5)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function("() => document.querySelector('.om-plot .main-svg').clientWidth < 1000")
    page.wait_for_timeout(500)
    panel, line = panels(page)[1], playhead(page)
    assert line["x"] == pytest.approx(panel["x"] + panel["width"] * line["time"] / 10, abs=1.5)
    assert line["time"] == pytest.approx(5, abs=0.05)


def test_finer_pictures_side_by_side_with_a_playhead_each(page):
    open_picture(page)
    after_drawing(page, lambda: page.get_by_label("resolution").select_option("512"))
    assert [(one["rows"], one["columns"]) for one in heatmaps(page)] == [(64, 998), (512, 1000)]
    assert colours(page, panels(page)[2]) > 100
    after_drawing(page, lambda: page.get_by_label("pictures side by side").click())
    panel = page.evaluate(
        """selector => {
            const graph = document.querySelector(selector), layout = graph._fullLayout, box = graph.getBoundingClientRect();
            return {x: box.left + layout.xaxis3._offset, y: box.top + layout.yaxis3._offset, width: layout.xaxis3._length};
        }""",
        GRAPH,
    )
    page.mouse.click(panel["x"] + panel["width"] * 0.25, panel["y"] + 30)
    page.wait_for_function("() => Math.abs(document.querySelector('audio').currentTime - 2.5) < 0.1")
    heads = page.evaluate(
        "() => [...document.querySelectorAll('.om-playhead')].map(line => line.getBoundingClientRect().left + 1)"
    )
    assert any(x == pytest.approx(panel["x"] + panel["width"] * 0.25, abs=2) for x in heads)
    assert len({round(x) for x in heads}) == 3  # the whole width, the left picture, the right one
    after_drawing(page, lambda: page.get_by_label("pictures side by side").click())
    after_drawing(page, lambda: page.get_by_label("note names (A4 440)").click())
    assert "A4 440" in page.locator(".om-plot").first.inner_text()
    after_drawing(page, lambda: page.get_by_label("note names (A4 440)").click())
    after_drawing(page, lambda: page.get_by_role("checkbox", name="What the CNN gets").click())
    assert [(one["rows"], one["columns"]) for one in heatmaps(page)][2] == (128, 128)
    after_drawing(page, lambda: page.get_by_role("checkbox", name="What the CNN gets").click())
    after_drawing(page, lambda: page.get_by_label("resolution").select_option("128"))


def test_the_run_s_mistakes_come_most_confident_first(page):
    def found() -> list[str]:
        return [text.replace("\xa0", " ") for text in page.locator(".om-side select[size] option").all_inner_texts()]

    page.get_by_label("only where the run was wrong").click()
    page.get_by_label("Order").select_option(label="most confident first")
    page.wait_for_function(
        """() => [...document.querySelectorAll(".om-side select[size] option")]
            .every(option => /labelled.(present|absent)/.test(option.innerText))"""
    )
    page.wait_for_timeout(300)
    texts = found()
    assert 0 < len(texts) < 40
    sure = [abs(int(text.split(" %")[0].split(" ")[-1]) - 50) for text in texts]
    assert sure == sorted(sure, reverse=True)
    assert all(
        (int(text.split(" %")[0].split(" ")[-1]) >= 50) == text.endswith("absent")
        for text in texts
        if " 50 %" not in text
    )
    # The table shows the contradiction that the list speaks of.
    page.wait_for_selector(".om-instruments .om-wrong")
    page.get_by_label("Order").select_option(label="as in the data")
    page.get_by_label("only where the run was wrong").click()
    page.wait_for_function("() => document.querySelectorAll('.om-side select[size] option').length === 40")


def test_nothing_went_wrong_and_nothing_was_asked_of_another_host(page, watched):
    assert watched.errors == []
    assert watched.elsewhere == []
    text = page.locator("body").inner_text()
    assert "Traceback" not in text
    assert "Error" not in text
