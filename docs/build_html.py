"""Every notebook, run, as pages that open from disk: `make html`, or `python -m docs.build_html [NAME ...]`.

A tool of the repository, not of the package: who installs the package has no notebooks. The pages ask nothing of other
hosts; plotly.js lies beside them once. A notebook that fails is named, the others are written, and the exit status is 1.
"""

import argparse
import html
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from docs.notebook_page import about, page, shell

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
PICTURES = ROOT / "docs" / "notebooks"
TIMEOUT = 600  # seconds a cell
LIBRARY, RECORD = "plotly.min.js", "pages.json"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Built:
    """What became of a notebook: seconds that it ran, start of the kernel included; wrong says what failed, "" when nothing did."""

    name: str
    title: str = ""
    lead: str = ""
    seconds: float = 0.0
    wrong: str = ""


def listed(folder: Path) -> list[Path]:
    """The notebooks of a folder in reading order."""
    return sorted(folder.glob("*.ipynb"), key=lambda path: _place(path.stem))


def build(notebooks: Sequence[Path], to: Path, *, jobs: int = 2) -> list[Built]:
    """Run notebooks, `jobs` at once, each in its own folder, and write a page each, plotly.js and an index into `to`."""
    from plotly.offline import get_plotlyjs

    to.mkdir(parents=True, exist_ok=True)
    (to / LIBRARY).write_text(get_plotlyjs(), encoding="utf-8")
    # Inherited by the kernels: figures as JSON, which the pages draw, and no more threads than there are cores.
    os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // jobs)))
    done: dict[str, Built] = {}
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        running = [pool.submit(build_one, path, to) for path in notebooks]
        for each in as_completed(running):
            built = each.result()
            done[built.name] = built
            print(f"{built.name}: {built.wrong or f'{built.seconds:.0f} s'}", file=sys.stderr, flush=True)
    pages = _known(to) | {name: one for name, one in done.items() if not one.wrong}
    there = [pages[name] for name in sorted(pages, key=_place) if (to / f"{name}.html").is_file()]
    (to / RECORD).write_text(json.dumps([asdict(one) for one in there], indent=1) + "\n", encoding="utf-8")
    (to / "index.html").write_text(index(there, to), encoding="utf-8")
    return [done[path.stem] for path in notebooks]


def _known(to: Path) -> dict[str, Built]:
    """The pages of earlier calls."""
    if not (to / RECORD).is_file():
        return {}
    return {one["name"]: Built(**one) for one in json.loads((to / RECORD).read_text(encoding="utf-8"))}


def _place(name: str) -> tuple[bool, str]:
    """In reading order: lessons by number, then figures."""
    return not name[:1].isdigit(), name


def build_one(path: Path, to: Path) -> Built:
    """Run one notebook and write its page. What fails is told, not raised; no page is left of it then."""
    target = to / f"{path.stem}.html"
    target.unlink(missing_ok=True)
    start = time.perf_counter()
    try:
        notebook = run(path)
    except (CellExecutionError, CellTimeoutError, DeadKernelError, nbformat.reader.NotJSONError) as error:
        last = [line for line in ANSI.sub("", str(error)).splitlines() if line.strip()]
        return Built(path.stem, wrong=f"FAILED. {last[-1] if last else type(error).__name__}")
    seconds = time.perf_counter() - start
    title, lead = about(notebook)
    target.write_text(page(notebook, title, LIBRARY), encoding="utf-8")
    return Built(path.stem, title, lead, seconds)


def run(path: Path) -> NotebookNode:
    """A notebook with its outputs and the state of its widgets; the file stays as it is."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    quiet = ["--IPKernelApp.log_level=ERROR"]
    NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources=resources, extra_arguments=quiet
    ).execute()
    return notebook


def index(built: Sequence[Built], to: Path) -> str:
    """The page that lists the others, with the pictures that there are; these are copied."""
    return shell("openmic_explore: the notebooks", "\n".join(_cards(built, to)), "")


def _cards(built: Sequence[Built], to: Path) -> Iterator[str]:
    yield "<h1>openmic_explore: the notebooks</h1>"
    yield "<p>Run and written as pages to be read. Sliders and menus need a running notebook: <code>make lab</code>.</p>"
    for one in built:
        picture = ""
        if (PICTURES / f"{one.name}.webp").is_file():
            (to / "pictures").mkdir(exist_ok=True)
            shutil.copyfile(PICTURES / f"{one.name}.webp", to / "pictures" / f"{one.name}.webp")
            picture = f'<img src="pictures/{one.name}.webp" alt="" width="240" loading="lazy">'
        yield (
            f'<a class="card" href="{one.name}.html">{picture}<span><b>{html.escape(one.title)}</b><br>'
            f"{html.escape(one.lead)} <small>{html.escape(one.name)}, {one.seconds:.0f} s</small></span></a>"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m docs.build_html", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="notebooks, such as 00_start (default: all)")
    parser.add_argument("--to", type=Path, default=ROOT / "html", help="folder (default: html)")
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS, help="where they are (default: notebooks)")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at once (default 2)")
    options = parser.parse_args(arguments)
    there = listed(options.notebooks)
    unknown = set(options.names) - {path.stem for path in there}
    if unknown or options.jobs < 1:
        parser.error(f"no notebook {', '.join(sorted(unknown))}" if unknown else "--jobs must be at least 1")
    chosen = [path for path in there if not options.names or path.stem in options.names]
    built = build(chosen, options.to, jobs=options.jobs)
    failed = [one.name for one in built if one.wrong]
    print(f"{len(built) - len(failed)} pages: {options.to / 'index.html'}")
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
