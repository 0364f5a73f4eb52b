"""Pages of notebooks: run, complete, quiet towards the net, and honest about what failed."""

import json
import re
import shutil

import nbformat
import pytest

from docs.build_html import NOTEBOOKS, listed, main
from docs.notebook_page import about
from docs.take_pictures import LARGEST, PICTURES, SHOWN

SOUND = """
import numpy as np
from IPython.display import Audio
Audio(np.sin(np.arange(8000) / 9), rate=8000)
"""
FIGURE = """
import numpy as np
import plotly.graph_objects as go
made = go.Figure(go.Heatmap(z=np.arange(12, dtype=np.uint8).reshape(3, 4)), {"height": 300, "title": "</script>"})
made
"""
WIDGET = """
from ipywidgets import Dropdown, FloatSlider, VBox
choice = Dropdown(options=["one", "other"], description="which")
many = Dropdown(options=[f"clip {number}" for number in range(40)], index=7, description="clip")
line = go.Figure(go.Scatter(y=np.array([3.0, 1.0, 2.0])))
VBox([choice, many, FloatSlider(value=2.5, description="how <much>"), go.FigureWidget(line)])
"""


def write(path, *cells):
    made = [
        nbformat.v4.new_markdown_cell(cell[3:]) if cell.startswith("md:") else nbformat.v4.new_code_cell(cell)
        for cell in cells
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    write(
        notebooks / "01_whole.ipynb",
        "md:# A *whole* one\n\nIt says $x_1 < 2$ first. Then more.\n\n$$ \\sum_t w_t = 1 $$\n\nNext: [two](figure_2.ipynb#end).",
        SOUND,
        FIGURE,
        WIDGET,
        "import os; print(os.getcwd())",
    )
    write(notebooks / "figure_2.ipynb", "md:# Two\n\nShort.", "1 + 1", "answer = 6 * 7\nprint(answer)")
    two = nbformat.read(notebooks / "figure_2.ipynb", as_version=4)
    two.cells[2].metadata["jupyter"] = {"source_hidden": True}
    nbformat.write(two, notebooks / "figure_2.ipynb")
    status = main(["--notebooks", str(notebooks), "--to", str(folder / "html")])
    return status, folder / "html", notebooks


def figures(page):
    found = re.findall(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
    return [json.loads(one) for one in found]


def test_what_a_page_holds(built):
    status, html, notebooks = built
    page = (html / "01_whole.html").read_text()
    assert status == 0
    assert page.count("<math") == 2
    assert "$" not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert 'href="figure_2.html#end"' in page
    assert str(notebooks) in page  # where it ran
    assert "data:audio/flac;base64," in page
    assert "audio/wav;base64" not in page
    assert (html / "plotly.min.js").stat().st_size > 1e6
    assert len(page) < 200_000


def test_figures_are_there_with_their_numbers_inside_widgets_too(built):
    page = (built[1] / "01_whole.html").read_text()
    heat, line = figures(page)
    assert heat["layout"]["title"]["text"] == "</script>"
    assert heat["data"][0]["z"]["dtype"] == "u1"
    assert heat["data"][0]["z"]["shape"] == "3, 4"
    y = line["data"][0]["y"]
    assert y["dtype"] == "f8"
    import base64

    import numpy as np

    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(y["bdata"])), [3.0, 1.0, 2.0])
    assert "<b>one</b> · other" in page
    assert "<b>clip 7</b> · one of 40" in page
    assert "how &lt;much&gt;" in page
    assert "<b>2.5</b>" in page


def test_code_that_a_notebook_hides_is_folded_and_what_it_says_is_not(built):
    page = (built[1] / "figure_2.html").read_text()
    folded = re.findall(r"<details>.*?</details>", page, flags=re.DOTALL)
    assert [re.sub(r"<[^>]*>", "", one).split() for one in folded] == [
        ["Code", "of", "the", "answer", "answer", "=", "6", "*", "7", "print(answer)"]
    ]
    assert "42" in re.sub(r"<details>.*?</details>|<style.*?</style>", "", page, flags=re.DOTALL)


def test_nothing_is_asked_of_other_hosts(built):
    for path in built[1].glob("*.html"):
        page = re.sub(r"<a [^>]*>", "", path.read_text())
        assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)
        assert "@import" not in page


def test_the_index_lists_pages_of_all_calls_in_reading_order(built):
    _, html, notebooks = built
    assert main(["--notebooks", str(notebooks), "--to", str(html), "figure_2"]) == 0
    index = (html / "index.html").read_text()
    assert re.findall(r'class="card" href="(\w+)\.html"', index) == ["01_whole", "figure_2"]
    assert "<b>A whole one</b>" in index
    assert "It says" in index
    assert "Then more" not in index


def test_the_notebooks_are_left_without_outputs(built):
    for path in built[2].glob("*.ipynb"):
        assert "outputs" not in path.read_text() or '"outputs": []' in path.read_text()


def test_a_failing_notebook_is_named_and_leaves_no_page(built, tmp_path, capsys):
    notebooks, html = tmp_path / "notebooks", tmp_path / "html"
    notebooks.mkdir()
    html.mkdir()
    write(notebooks / "fails.ipynb", "md:# Fails", "raise ValueError('on purpose')")
    shutil.copy(built[2] / "figure_2.ipynb", notebooks)
    (html / "fails.html").write_text("of an earlier call")
    assert main(["--notebooks", str(notebooks), "--to", str(html)]) == 1
    told = capsys.readouterr().err
    assert "fails: FAILED. ValueError: on purpose" in told
    assert "Failed: fails" in told
    assert not (html / "fails.html").exists()
    assert "fails" not in (html / "index.html").read_text()
    assert (html / "figure_2.html").is_file()


def test_an_unknown_notebook_is_refused(built, capsys):
    with pytest.raises(SystemExit):
        main(["--notebooks", str(built[2]), "nothing"])
    assert "no notebook nothing" in capsys.readouterr().err


def test_every_notebook_has_a_title_a_sentence_and_a_small_picture():
    names = [path.stem for path in listed(NOTEBOOKS)]
    assert names == list(SHOWN)
    for name in names:
        title, lead = about(nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4))
        assert title
        assert lead.endswith((".", "?", "!"))
        picture = (PICTURES / f"{name}.webp").read_bytes()
        assert picture[:4] + picture[8:12] == b"RIFFWEBP"
        assert len(picture) <= LARGEST
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 350_000


def test_the_readme_shows_every_notebook_with_its_picture():
    readme = (NOTEBOOKS.parent / "README.md").read_text()
    for name in SHOWN:
        assert f"(notebooks/{name}.ipynb)" in readme
        assert f"docs/notebooks/{name}.webp" in readme


@pytest.mark.browser
def test_a_page_draws_itself_from_disk_without_the_net(built):
    playwright = pytest.importorskip("playwright.sync_api")
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    if browser is None:
        pytest.skip("no Chromium or Chrome")
    asked, wrong = [], []
    with playwright.sync_playwright() as running:
        page = running.chromium.launch(executable_path=browser, args=["--no-sandbox"]).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto((built[1] / "01_whole.html").as_uri())
        page.locator(".figure .scatterlayer .trace").wait_for(timeout=20_000)
        drawn = page.locator(".figure .heatmaplayer image").count()
        heights = page.locator("math").evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")
    assert wrong == []
    assert drawn == 1
    assert min(heights) > 5
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
