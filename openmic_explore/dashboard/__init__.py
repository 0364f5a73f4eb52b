"""The Voila and Jupyter application: listen to clips, watch a model's attention, compare runs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openmic_explore.dashboard.page import dashboard

__all__ = ["dashboard"]


def __getattr__(name: str) -> Any:
    # Lazy (PEP 562): Voila's server reads `kernels` from here and needs no widget.
    if name == "dashboard":
        from openmic_explore.dashboard.page import dashboard

        return dashboard
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
