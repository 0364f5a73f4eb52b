"""Your audio in a real browser: a file by the field, one by drop, a recording, and what is no sound."""

import base64

import numpy as np
import pytest
import soundfile

from tests.browser.server import FLAGS, Watched, find_browser

pytestmark = pytest.mark.browser

HEARD = "() => document.querySelector('.om-own .om-heard').innerText"


@pytest.fixture(scope="module")
def context(_browser):
    """A browser whose microphone is a tone that beeps."""
    from playwright.sync_api import sync_playwright

    microphone = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=[*FLAGS, *microphone])
        yield browser.new_context(viewport={"width": 1280, "height": 900})
        browser.close()


@pytest.fixture(scope="module")
def watched(context, address):
    watched = Watched(context, address)
    watched.open()
    return watched


@pytest.fixture(scope="module")
def own(watched):
    page = watched.page
    page.get_by_role("tab", name="Your audio").click()
    page.wait_for_selector(".om-own .om-doubt", timeout=180_000)  # the example has been listened to
    return page


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """12 s, 2.1 MB: more than one piece."""
    rate = 44_100
    seconds = np.arange(12 * rate) / rate
    path = tmp_path_factory.mktemp("sounds") / "melody.wav"
    tone = 0.4 * np.sin(2 * np.pi * 330 * seconds) * (seconds % 1 < 0.7)
    soundfile.write(path, np.column_stack([tone, tone]), rate)
    return path


def heard(page, text: str) -> None:
    page.wait_for_function(
        f"text => ({HEARD})().includes(text + ',') && ({HEARD})().includes('hears')", arg=text, timeout=90_000
    )


def test_the_example_is_drawn_and_plays(own):
    shown = own.evaluate(
        """() => document.querySelector('.om-own .js-plotly-plot')._fullData
            .filter(trace => trace.type === 'heatmap').map(trace => [trace.z.length, trace.z[0].length])"""
    )
    assert shown == [[64, 1000], [128, 128], [20, 10]]
    own.locator(".om-own .om-play").click()
    own.wait_for_function("() => document.querySelector('.om-own audio').currentTime > 0.3")
    own.locator(".om-own .om-play").click()
    # The playhead goes over all five panels.
    head, plot = (own.locator(f".om-own {name}").bounding_box() for name in (".om-playhead", ".om-plot"))
    assert head["height"] > 0.8 * plot["height"]


def test_a_file_is_handed_over_heard_and_played(own, sound):
    own.locator(".om-own input[type=file]").set_input_files(sound)
    heard(own, "melody.wav")
    assert "handed over" in own.locator(".om-said").inner_text()
    axis = own.evaluate("() => document.querySelector('.om-own .js-plotly-plot')._fullLayout.xaxis.range[1]")
    assert axis == pytest.approx(12)
    # What plays is the file itself.
    size = own.evaluate(
        "async () => (await (await fetch(document.querySelector('.om-own audio').src)).arrayBuffer()).byteLength"
    )
    assert size == sound.stat().st_size
    own.locator(".om-own .om-play").click()
    own.wait_for_function("() => document.querySelector('.om-own audio').currentTime > 0.3")
    own.locator(".om-own .om-play").click()


def test_a_file_is_dropped(own, sound):
    small, rate = soundfile.read(sound, frames=2 * 44_100)
    path = sound.with_name("dropped.ogg")
    soundfile.write(path, small, rate)
    own.evaluate(
        """text => {
            const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], "dropped.ogg", {type: "audio/ogg"}));
            document.querySelector(".om-drop").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
        }""",
        base64.b64encode(path.read_bytes()).decode(),
    )
    heard(own, "dropped.ogg")
    assert "2.0 s" in own.evaluate(HEARD)
    assert "shorter than the 10 s" in own.locator(".om-doubt").last.inner_text()


def test_a_recording_is_heard(own):
    own.get_by_role("button", name="Record").click()
    own.wait_for_function(
        "() => document.querySelector('.om-said').innerText.includes('Recording: 2 s')", timeout=20_000
    )
    own.get_by_role("button", name="Stop", exact=False).filter(visible=True).first.click()
    heard(own, "recording")
    seconds = own.evaluate("() => document.querySelector('.om-own .js-plotly-plot')._fullLayout.xaxis.range[1]")
    assert 1.5 < seconds < 8
    pictured = own.evaluate(
        "() => new Set(document.querySelector('.om-own .js-plotly-plot')._fullData[1].z.flatMap(row => [...row])).size"
    )
    assert pictured > 20  # the beeps, not silence


def test_another_run_stands_beside_the_first(own):
    own.locator(".om-own").get_by_label("Model run").select_option(label="mel-repaired-seed0")
    own.wait_for_selector(".om-own table.om-scores", timeout=60_000)
    head = own.locator(".om-own table.om-scores th").all_inner_texts()
    assert head[0] == "instrument"
    assert "mel-repaired-seed0 (shown)" in head
    assert own.locator(".om-own table.om-scores tbody tr").count() == 20


@pytest.mark.parametrize(
    ("name", "content", "where", "said"),
    [
        ("broken.wav", b"RIFF" + bytes(900), ".om-heard, .om-own .om-doubt", "could not be decoded"),
        ("empty.flac", b"", ".om-said", "is empty"),
        ("letter.docx", b"Dear Sir or Madam " * 90, ".om-said", "could not be read as sound by this browser"),
    ],
)
def test_what_is_no_sound_gets_a_sentence(own, tmp_path, name, content, where, said):
    path = tmp_path / name
    path.write_bytes(content)
    own.locator(".om-own input[type=file]").set_input_files(path)
    own.wait_for_function(
        """([where, name, said]) => [...document.querySelectorAll(`.om-own ${where}`)]
            .some(part => part.innerText.includes(name) && part.innerText.includes(said))""",
        arg=[where, name, said],
        timeout=30_000,
    )


def test_nothing_went_wrong_and_nothing_was_asked_of_another_host(own, watched):
    assert watched.errors == []
    assert watched.elsewhere == []
    text = own.locator("body").inner_text()
    assert "Traceback" not in text
    assert "nowhere else" in text
