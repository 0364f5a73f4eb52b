"""From a name to a network."""

from importlib import import_module
from typing import Any, cast

from openmic_explore.errors import ExploreError
from openmic_explore.models.output import Model
from openmic_explore.models.registry import model_entry, refuse_unknown, resolve_options


def build_model(name: str, preset: str = "repaired", **settings: Any) -> Model:
    """Build a model by name and preset; see `registry.MODELS` and `registry.PRESETS`.

    settings: sizes of the data (dimension or scales and bins; instruments) and options (see `model_options`).
    The model maps features in 0..255, float or uint8, to an `Output`: embeddings (B, T, dimension), or for the CNNs
    pictures (B, 1, scales, bins). Call its `fit_input` with the training clips' features before training.
    Raises ExploreError for an unknown name, preset or setting, for an unsound value, or for a picture too small.
    """
    entry = model_entry(name, preset)
    refuse_unknown(name, settings, {**entry.sizes, **entry.options})
    sizes = {size: settings.pop(size, default) for size, default in entry.sizes.items()}
    for size, value in sizes.items():
        if not isinstance(value, int) or value < 1:
            raise ExploreError(f"{size} must be a whole number of at least 1, not {value!r}.")
    options = resolve_options(name, preset, settings)
    network = getattr(import_module(f"openmic_explore.models.{entry.module}"), entry.type)
    return cast(Model, network(**sizes, **entry.fixed, **options))
