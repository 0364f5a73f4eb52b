"""The form of the Train view: what to train, in the reader's words."""

from typing import TYPE_CHECKING, Any

import ipywidgets as ui

from openmic_explore.dashboard.state import Message
from openmic_explore.dashboard.training_settings import Settings, offered_features
from openmic_explore.training.config import AUGMENTATIONS

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC
    from openmic_explore.training import Runs

MODELS = {
    "attention": "a small network for each frame, weighted by attention; quick and good",
    "mel": "one recurrent layer and attention, Figure 4",
    "mel-3": "three recurrent layers and attention, Figure 4",
    "mean": "as attention, but every frame counts alike",
    "max": "as attention, but the strongest frame alone counts",
    "best": "three networks, altered sounds and guesses for unknown cells",
    "cnn": "four convolutions on the scalogram, Figure 5",
    "cnn-reduced": "two convolutions on the scalogram, Figure 5",
    "forest": "the official random forest on the clip's mean; no epochs",
    "majority": "always the more frequent answer; it never listens",
}
PRESETS = {
    "repaired": "what the paper's text means, done right",
    "published": "what its authors ran, clamp and scaling included",
}
MEANT = {
    ("interpolation", "text"): "two clips mixed, and their labels",
    ("interpolation", "run"): "mixed with the clip before, labels left as they were",
    ("noise", "text"): "Gaussian, variance .2",
    ("noise", "run"): "Gaussian, standard deviation .2",
    ("flip", "text"): "reversed in time",
    ("flip", "run"): "a palindrome: the second half mirrors itself",
}
FIELDS = ("model", "preset", "features", "epochs", "seed", "augment_as", "own", "known", "unknown")


class TrainForm(ui.VBox):
    """The settings of a run as fields that show them and set them; `follow` brings the fields in step."""

    _following = False

    def __init__(self, data: "OpenMIC", runs: "Runs", message: Message) -> None:
        self.data, self.runs = data, runs
        self.settings = settings = Settings()
        settings.take_free_seed(runs.of(data.fingerprint))
        self._wanted = settings.preset
        wide = ui.Layout(width="100%")
        self.model = ui.Dropdown(options=list(MODELS), value=settings.model, description="Model", layout=wide)
        self.about = ui.HTML()
        self.preset = ui.Dropdown(description="Preset", options=settings.presets, value=settings.preset, layout=wide)
        self.features = ui.Dropdown(
            description="It reads",
            options=offered_features(self.data, settings.model),
            value=settings.features,
            layout=wide,
        )
        self.epochs = ui.BoundedIntText(description="Epochs", min=1, max=2000, value=settings.epochs, layout=wide)
        self.seed = ui.BoundedIntText(description="Seed", min=0, max=10**6, value=settings.seed, layout=wide)
        self.boxes = {name: ui.Checkbox(indent=False, layout=wide) for name in AUGMENTATIONS}
        meaning = [("as the paper's text says", "text"), ("as its authors ran it", "run")]
        self.augment_as = ui.Dropdown(description="Meant", options=meaning, value=settings.augment_as, layout=wide)
        share = self.data.mask.mean()
        own = f"the data's own labels ({share:.0%} of the cells)"
        self.own = ui.Checkbox(description=own, value=settings.own, indent=False, layout=wide)
        self.known = ui.BoundedFloatText(
            description="Known, %", min=0.1, max=100, step=1, value=100 * settings.known, layout=wide
        )
        unknown = [("left out of the loss (masked)", "masked"), ("taken for absent", "absent")]
        self.unknown = ui.Dropdown(description="Other cells", options=unknown, value=settings.unknown, layout=wide)
        for name in FIELDS:
            widget = getattr(self, name)
            widget.observe(message.guard(lambda change, name=name: self._set(name, change["new"])), "value")
        for box in self.boxes.values():
            box.observe(message.guard(lambda _: self._augment()), "value")
        super().__init__(
            [
                ui.HTML("<h2>What is trained</h2>"),
                self.model,
                self.preset,
                self.about,
                self.features,
                self.epochs,
                self.seed,
                ui.HTML("<h2>Augmentation, each kind on a tenth of every batch</h2>"),
                *self.boxes.values(),
                self.augment_as,
                ui.HTML("<h2>Labels</h2>"),
                self.own,
                self.known,
                self.unknown,
            ]
        )
        self.add_class("om-card")
        self.add_class("om-form")
        self.follow()

    def _set(self, name: str, value: Any) -> None:
        """The reader has set a field."""
        if self._following:
            return
        if name == "known":
            value = value / 100
        settings = self.settings
        with settings.hold_trait_notifications():
            setattr(settings, name, value)
            if name == "preset":
                self._wanted = value
            if name == "model" and self._wanted in settings.presets:
                settings.preset = self._wanted
            if name in ("model", "preset"):
                settings.take_recipe()
                settings.take_free_seed(self.runs.of(self.data.fingerprint))

    def _augment(self) -> None:
        if not self._following:
            self.settings.augment = [name for name, box in self.boxes.items() if box.value]

    def follow(self) -> None:
        """The form shows the settings, and lets only that be set which the model has."""
        settings = self.settings
        self._following = True
        try:
            self.preset.options = settings.presets
            offered = offered_features(self.data, settings.model)
            self.features.options = offered
            for name in FIELDS:
                value = getattr(settings, name)
                getattr(self, name).value = 100 * value if name == "known" else value
            for name, box in self.boxes.items():
                box.value = name in settings.augment
                box.description = f"{name}: {MEANT[name, settings.augment_as]}"
        finally:
            self._following = False
        for widget in (self.epochs, *self.boxes.values()):
            widget.disabled = not settings.has_epochs
        self.augment_as.disabled = not settings.augment or not settings.has_epochs
        self.known.disabled = settings.own
        self.about.value = (
            f"<p class='om-caption'>{settings.model}: {MODELS[settings.model]}. {settings.preset}: "
            f"{PRESETS[settings.preset] if settings.has_epochs else 'a baseline has no other'}.</p>"
        )
