"""The project holds together: one list of packages, every one of them used, imports in one direction, light first steps."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "openmic_explore"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
# Where conda-forge uses another name than PyPI, and where the module has another name than the package.
CONDA_NAMES = {"torch": "pytorch-cpu", "soundfile": "pysoundfile", "soxr": "soxr-python"}
MODULES = {"scikit-learn": "sklearn"}
# Applications: started, not imported.
APPLICATIONS = {"jupyterlab": "jupyter lab", "voila": "voila"}
CARD = {
    "jupyterlab", "voila", "ipywidgets", "plotly", "torch", "numpy", "scipy", "librosa", "pandas", "scikit-learn",
}  # fmt: skip


def name_and_bound(requirement: str) -> tuple[str, str]:
    match = re.match(r"([A-Za-z0-9_.-]+)\s*(.*)", requirement)
    assert match
    return match[1], match[2].replace(" ", "")


REQUIRED = dict(name_and_bound(requirement) for requirement in PROJECT["dependencies"])


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_the_card_s_packages_are_required():
    assert set(REQUIRED) >= CARD


def test_conda_and_pip_ask_for_the_same():
    conda = dict(name_and_bound(entry) for entry in CONDA if isinstance(entry, str))
    assert conda.pop("pip") == ""
    assert conda.pop("python") == PROJECT["requires-python"].replace(" ", "")
    assert conda == {CONDA_NAMES.get(name, name): bound for name, bound in REQUIRED.items()}
    assert CONDA[-1] == {"pip": ["-e ."]}


def test_the_constraints_lie_within_the_bounds():
    from packaging.specifiers import SpecifierSet

    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"
    )
    extras = [entry for group in PROJECT["optional-dependencies"].values() for entry in group]
    for requirement in [*PROJECT["dependencies"], *extras]:
        name, bound = name_and_bound(re.sub(r"\[.*?\]", "", requirement))
        assert pins[name.lower()] in SpecifierSet(bound), name


def test_every_pinned_version_runs_on_the_oldest_python_of_each_kind():
    """A pin that asks for 3.11.5, say, sends pip on a search without end where the system's Python is 3.11.2."""
    from importlib.metadata import distributions

    from packaging.specifiers import SpecifierSet
    from packaging.utils import canonicalize_name

    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {canonicalize_name(line.split("==")[0]) for line in lines if line and line[0] != "#"}
    asked = {
        canonicalize_name(one.metadata["Name"]): SpecifierSet(one.metadata.get("Requires-Python") or "")
        for one in distributions()
        if one.metadata.get("Name")
    }
    assert len(pins & asked.keys()) > 100
    for oldest in ("3.11.0", "3.12.0", "3.13.0"):
        assert {name for name in pins & asked.keys() if oldest not in asked[name]} == set(), oldest


@pytest.mark.parametrize("package", sorted(REQUIRED))
def test_every_required_package_is_used(package):
    if package in APPLICATIONS:
        assert APPLICATIONS[package] in (ROOT / "Makefile").read_text()
        return
    module = MODULES.get(package, package)
    used = {name.split(".")[0] for file in PACKAGE.rglob("*.py") for name in imports_of(file)}
    assert module in used


# Who may import whom, beside errors, files, instruments and the third parties.
GROUND = ("data", "transforms", "models", "evaluation", "figures", "reference")
ALLOWED = {name: {name} for name in GROUND} | {
    "features": {"features", "data", "transforms"},
    "training": {"training", "features", "data", "transforms", "models", "evaluation"},
    "experiments": {"experiments", "training", "features", *GROUND},
    "predict": {"predict", "training", "features", "transforms", "models"},
}
COMMON = {"cluster", "errors", "files", "instruments"}


@pytest.mark.parametrize("storey", sorted(ALLOWED))
def test_imports_run_one_way(storey):
    files = [PACKAGE / f"{storey}.py"] if (PACKAGE / f"{storey}.py").exists() else (PACKAGE / storey).rglob("*.py")
    for file in files:
        for name in imports_of(file):
            parts = name.split(".")
            if parts[0] == "openmic_explore" and len(parts) > 1:
                assert parts[1] in ALLOWED[storey] | COMMON, f"{file.name} imports {name}"


def test_only_the_dashboard_knows_widgets():
    for file in PACKAGE.rglob("*.py"):
        if file.relative_to(PACKAGE).parts[0] != "dashboard":
            assert not {name.split(".")[0] for name in imports_of(file)} & {"ipywidgets", "anywidget", "traitlets"}


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import openmic_explore", ("numpy", "torch", "pandas", "librosa")),
        ("from openmic_explore import OpenMIC, Runs, log_mel, scalogram", ("torch", "librosa", "sklearn", "pandas")),
        ("from openmic_explore.cli import main", ("torch", "librosa", "sklearn", "pandas")),
        ("from openmic_explore.dashboard import dashboard; dashboard()", ("torch", "librosa", "sklearn", "pandas")),
    ],
)
def test_light_imports_stay_light(statement, heavy):
    code = f"import sys; {statement}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_a_fresh_clone_stays_small():
    """The clone holds its big files twice, packed and unpacked, and shall stay below 90 MB."""
    size = sum(file.stat().st_size for file in PACKAGE.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    assert size < 43e6


def test_every_public_name_is_there():
    import openmic_explore

    for name in openmic_explore.__all__:
        assert getattr(openmic_explore, name) is not None
    with pytest.raises(AttributeError):
        _ = openmic_explore.nothing


def test_the_readme_and_ci_use_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    assert "make dashboard" in readme
    assert "make test" in readme
    assert "make test" in (ROOT / ".ci" / "run").read_text()


def test_notebooks_are_kept_without_outputs():
    import json

    notebooks = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "apps").glob("*.ipynb")]
    assert len(notebooks) >= 2
    for path in notebooks:
        notebook = json.loads(path.read_text())
        assert "widgets" not in notebook["metadata"], path.name
        for cell in notebook["cells"]:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name
