"""What there is to hear: a folder in OpenMIC-2018's layout, its labels, splits, embedding and audio."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openmic_explore.data.openmic import Activity, OpenMIC

__all__ = ["Activity", "OpenMIC"]


def __getattr__(name: str) -> Any:
    # Lazy (PEP 562), so that importing a neighbour such as data.audio does not read this one.
    if name in __all__:
        from openmic_explore.data import openmic

        return getattr(openmic, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
