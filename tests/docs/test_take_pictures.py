"""What the small pictures are taken of is there."""

import nbformat
import pytest

from docs.build_html import NOTEBOOKS
from docs.take_pictures import SHOWN


@pytest.mark.parametrize(("name", "cell"), SHOWN.items())
def test_the_cell_that_stands_for_a_notebook_is_one_of_its_code_cells(name, cell):
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert cell in [one.id for one in notebook.cells if one.cell_type == "code"]
