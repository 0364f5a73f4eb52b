"""A notebook that was run, as one HTML page: figures from their JSON, formulas as MathML, widgets as they first were."""

import base64
import copy
import html
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from pygments.formatters import HtmlFormatter

PLOTLY = "application/vnd.plotly.v1+json"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
WAV = re.compile(r"data:audio/(?:x-)?wav;base64,([A-Za-z0-9+/=]+)")
MOST = 12  # choices of a menu that are listed
# Of plotly.js, by numpy's names.
CODES = {
    **{f"{sign}int{8 * size}": f"{sign or 'i'}{size}" for sign in ("", "u") for size in (1, 2, 4)},
    **{f"float{8 * size}": f"f{size}" for size in (4, 8)},
}
# What a notebook folds away stays folded: the lines that compute an exercise's answer have the answer's words in them.
TEMPLATE = """{% extends "basic/index.html.j2" %}
{% block input_group %}
{% if cell.metadata.get("jupyter", {}).get("source_hidden") %}
<details><summary>Code of the answer</summary>{{ super() }}</details>
{% else %}{{ super() }}{% endif %}
{% endblock input_group %}"""
CSS = (Path(__file__).parent / "notebook_page.css").read_text(encoding="utf-8")
DRAW = """
for (const place of document.querySelectorAll(".figure")) {
  const { data, layout } = JSON.parse(place.querySelector("script").textContent);
  Plotly.newPlot(place.querySelector("div"), data, layout, { responsive: true, displaylogo: false });
}
"""


def page(notebook: NotebookNode, title: str, library: str) -> str:
    """The page of a notebook; library: where plotly.js is, seen from the page."""
    shown = copy.deepcopy(notebook)
    state = shown.metadata.pop("widgets", {}).get(STATE, {}).get("state", {})
    for cell in shown.cells:
        for output in cell.get("outputs", []):
            if "data" in output:
                output["data"] = _plain(output["data"], state)
    exporter = HTMLExporter(
        template_name="basic", raw_template=TEMPLATE, exclude_input_prompt=True, exclude_output_prompt=True
    )
    exporter.register_filter("markdown2html", _markdown)
    body, _ = exporter.from_notebook_node(shown)
    body = re.sub(r'href="(\w+)\.ipynb(#[^"]*)?"', r'href="\1.html\2"', body)
    script = f'<script src="{html.escape(library)}"></script><script>{DRAW}</script>'
    return shell(title, f'<nav><a href="index.html">all notebooks</a></nav>\n{body}', script)


def shell(title: str, body: str, script: str) -> str:
    """A whole page around a body."""
    style = CSS + HtmlFormatter(style="default").get_style_defs(".highlight")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>{style}</style>\n</head>\n'
        f"<body><main>\n{body}\n</main>{script}</body>\n</html>\n"
    )


def about(notebook: NotebookNode) -> tuple[str, str]:
    """Title and first sentence of a notebook."""
    first = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    title, _, rest = first.partition("\n")
    paragraph = _words(rest.strip().partition("\n\n")[0])
    sentence = re.match(r".*?[.?!](?=\s|$)", paragraph)
    return _words(title.lstrip("# ")), sentence[0] if sentence else paragraph


def _words(source: str) -> str:
    """Markdown without its marks, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", _markdown(source))).split())


class _Renderer(IPythonRenderer):
    """Formulas as MathML, which browsers draw by themselves."""

    def block_math(self, body: str) -> str:
        return f"<div class='formula'>{convert(body.strip(), display='block')}</div>"

    def inline_math(self, body: str) -> str:
        return str(convert(body.strip()))


def _markdown(source: str) -> str:
    return str(MarkdownWithMath(renderer=_Renderer(escape=False)).render(source))


def _plain(data: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """An output with nothing in it that would need Jupyter."""
    if PLOTLY in data:
        return {"text/html": _figure(data[PLOTLY]["data"], data[PLOTLY]["layout"])}
    if VIEW in data:
        return {"text/html": _widget(data[VIEW]["model_id"], state)}
    if "text/html" in data:
        return {**data, "text/html": WAV.sub(_smaller, data["text/html"])}
    return dict(data)


def _figure(data: Any, layout: Mapping[str, Any]) -> str:
    content = json.dumps({"data": data, "layout": layout}).replace("<", "\\u003c")
    height = int(layout.get("height") or 450)
    return (
        f'<div class="figure" style="min-height:{height}px"><div></div>'
        f'<script type="application/json">{content}</script></div>'
    )


def _widget(model: str, state: Mapping[str, Any]) -> str:
    """A widget and what is in it as they were when the cell had run."""
    kept = state.get(model)
    if kept is None:
        return ""
    values = kept["state"]
    if "children" in values:
        inside = [_widget(child.removeprefix("IPY_MODEL_"), state) for child in values["children"]]
        way = "row" if kept["model_name"].startswith("HBox") else "column"
        return f'<div class="widgets {way}">{"".join(inside)}</div>'
    if "_widget_data" in values:
        figure = copy.deepcopy({name: values[name] for name in ("_widget_data", "_widget_layout")})
        for buffer in kept.get("buffers", []):
            *way, _ = buffer["path"]
            array: Any = figure
            for step in way:
                array = array[step]
            # What plotly.js calls them outside of a widget.
            array |= {"bdata": buffer["data"], "dtype": CODES[array["dtype"]]}
            array["shape"] = ", ".join(map(str, array["shape"]))
        return _figure(figure["_widget_data"], figure["_widget_layout"])
    return _control(values)


def _control(values: Mapping[str, Any]) -> str:
    """A slider or menu, with its value; the choices of a menu, the chosen one marked."""
    label = html.escape(str(values.get("description", "")))
    if "_options_labels" in values:
        chosen, labels = values.get("index"), [html.escape(str(text)) for text in values["_options_labels"]]
        options = [f"<b>{text}</b>" if place == chosen else text for place, text in enumerate(labels)]
        if len(options) > MOST and isinstance(chosen, int):
            options = [options[chosen], f"one of {len(options)}"]
        return f'<p class="control"><span>{label}</span> {" · ".join(options)}</p>'
    value = values.get("value")
    if "description" not in values or value is None:
        return str(value or "")
    shown = f"{value:g}" if isinstance(value, float) else html.escape(str(value))
    return f'<p class="control"><span>{label}</span> <b>{shown}</b></p>'


def _smaller(match: re.Match[str]) -> str:
    """The same samples as FLAC, which every browser plays."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(match[1])), dtype="int16")
    packed = io.BytesIO()
    soundfile.write(packed, samples, rate, format="FLAC")
    return f"data:audio/flac;base64,{base64.b64encode(packed.getvalue()).decode()}"
