"""Voila's template: Voila finds it without its being installed, and it asks nothing of another host."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "openmic_explore" / "dashboard"
TEMPLATE = DASHBOARD / "share" / "voila" / "templates" / "openmic"
SENT = sorted([*TEMPLATE.iterdir(), *(DASHBOARD / "static").iterdir()])


def test_voila_finds_the_template_through_its_configuration():
    code = (
        "import sys, openmic_explore\n"
        "from voila.app import Voila\n"
        "app = Voila()\n"
        "app.initialize(['apps/dashboard.ipynb', '--no-browser'])\n"
        "print(app.template_paths[0], app.voila_configuration.multi_kernel_manager_class.__name__)\n"
        "print([name for name in ('plotly', 'ipywidgets', 'torch') if name in sys.modules])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTER_PATH"}
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    path, manager = told.stdout.splitlines()[0].rsplit(" ", 1)
    assert Path(path).resolve() == TEMPLATE.resolve()
    assert manager == "KernelManager"
    assert told.stdout.splitlines()[1] == "[]"  # the server itself needs none of them


def test_other_places_of_jupyter_data_stay(monkeypatch):
    from openmic_explore.dashboard import kernels

    monkeypatch.setenv("JUPYTER_PATH", "elsewhere")
    kernels.add_templates()
    kernels.add_templates()
    assert os.environ["JUPYTER_PATH"] == os.pathsep.join(["elsewhere", str(kernels.SHARE)])


def test_kernels_of_closed_pages_are_culled():
    from openmic_explore.dashboard.kernels import KernelManager

    manager = KernelManager()
    assert (manager.cull_idle_timeout, manager.cull_interval, manager.cull_connected) == (600, 60, False)


@pytest.mark.parametrize("path", SENT, ids=lambda path: path.name)
def test_nothing_names_another_host(path):
    assert not re.findall(r"(?:https?:)?//[\w-]+\.\w+", path.read_text())


def test_the_notebook_is_three_lines_without_output():
    notebook = json.loads((ROOT / "apps" / "dashboard.ipynb").read_text())
    (cell,) = notebook["cells"]
    assert len([line for line in cell["source"] if line.strip()]) <= 3
    assert cell["outputs"] == []
    assert "widgets" not in notebook["metadata"]
