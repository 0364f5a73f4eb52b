"""Voila's kernel manager for the dashboard, named in voila.json.

Voila looks for templates only where Jupyter keeps its data, and an editable installation puts nothing there. Importing
this module, which Voila does before it looks, adds the package's own folder to those places (JUPYTER_PATH).
"""

import os
from pathlib import Path

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from traitlets import default

SHARE = Path(__file__).parent / "share"


def add_templates() -> None:
    """Add the folder of the package's Voila template to JUPYTER_PATH, once."""
    paths = [path for path in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if path]
    if str(SHARE) not in paths:
        os.environ["JUPYTER_PATH"] = os.pathsep.join([*paths, str(SHARE)])


class KernelManager(AsyncMappingKernelManager):
    """Ends the kernel of a page that was closed without saying so, after ten idle minutes."""

    @default("cull_idle_timeout")
    def _cull_idle_timeout(self) -> int:
        return 600

    @default("cull_interval")
    def _cull_interval(self) -> int:
        return 60


add_templates()
