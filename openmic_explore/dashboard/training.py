"""Train: a run of one's own from the page, watched while it learns."""

import html
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as ui
import numpy as np

from openmic_explore.dashboard.shared import Shared, View, help_line, style_sheet
from openmic_explore.dashboard.threads import in_thread
from openmic_explore.dashboard.training_form import TrainForm
from openmic_explore.dashboard.training_settings import check_features, name_for, offered_features, target_folder
from openmic_explore.dashboard.training_state import TrainingState, can_go_on, training_of
from openmic_explore.dashboard.widgets import Plot
from openmic_explore.errors import ExploreError
from openmic_explore.evaluation import means
from openmic_explore.figures.curves import Curve, curves_figure
from openmic_explore.training.config import AUGMENTATIONS, MEANINGS, RECIPES, UNKNOWN, TrainConfig
from openmic_explore.training.labels import known_cells

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from openmic_explore.training import Run

SCORES = {"f1": "F1 of present", "f1_macro": "F1 macro", "average_precision": "average precision"}


def make(shared: Shared) -> "TrainView":
    """The view of a page."""
    return TrainView(shared)


class TrainView(View):
    """The settings beside the training: how far it is, its curves, and what came of it."""

    _hear_of: Callable[..., None] | None = None

    def __init__(self, shared: Shared) -> None:
        self.shared, self.data, self.message = shared, shared.data, shared.message
        self.form = TrainForm(self.data, shared.runs, shared.message)
        self.settings = self.form.settings
        self.state: TrainingState = training_of(shared.runs)
        guard = shared.message.guard
        self.refused = ui.HTML()
        self.start = ui.Button(description="Train", layout=ui.Layout(width="130px"))
        self.start.add_class("om-go")
        self.stop = ui.Button(description="Stop", layout=ui.Layout(width="100px"), disabled=True)
        self.hear = ui.Button(description="Listen with it", layout=ui.Layout(width="130px"))
        self.compare = ui.Button(description="Compare in Runs", layout=ui.Layout(width="150px"))
        self.now, self.scores = ui.HTML(), ui.HTML()
        self.plot = Plot(shared.library, self._figure(), "learning curves")
        self.start.on_click(guard(lambda _: self._start()))
        self.stop.on_click(guard(lambda _: self.state.stop()))
        self.hear.on_click(guard(lambda _: self._hear()))
        self.compare.on_click(guard(lambda _: self._go("Runs")))
        self.settings.observe(guard(self._check))
        self._hear_of = guard(self._show, by_itself=True)
        self.state.observe(self._hear_of, ["stage", "changed"])
        self._taken = self.state.stage == "done" and self.state.name in shared.runs
        help_text = (
            "Choose what a model learns from, and watch the loss on clips that it learns from and on clips that it does "
            "not. The epoch that validation likes best is kept; the test clips are looked at once, at the end."
        )
        side = ui.VBox([self.form])
        side.add_class("om-side")
        self.after = ui.HBox([self.hear, self.compare])
        self.after.add_class("om-controls")
        buttons = ui.HBox([self.start, self.stop])
        buttons.add_class("om-controls")
        main = ui.VBox([buttons, self.refused, self.now, self.plot, self.scores, self.after])
        main.add_class("om-main")
        columns = ui.Box([side, main])
        columns.add_class("om-columns")
        page = ui.VBox([style_sheet("training"), help_line(help_text, "06_which_f1"), columns])
        page.add_class("om-train")
        super().__init__([page])
        self.layout.width = "100%"
        self._check()
        self._show()

    @property
    def goes_on(self) -> bool:
        return self.state.busy

    def close(self) -> None:
        """The training outlives the view, and must not keep it."""
        if self._hear_of is not None:  # Python closes a widget once more when it lets it go
            self.state.unobserve(self._hear_of, ["stage", "changed"])
            self._hear_of = None
        super().close()

    def restore(self, asked: Mapping[str, str]) -> None:
        """Fill in the form as `link` said; what the form would not take, and what is not said, is as usual."""
        model, preset = asked.get("model", ""), asked.get("preset", "")
        if (model, preset) not in RECIPES:
            return
        settings, form = self.settings, self.form
        with settings.hold_trait_notifications():
            settings.model, settings.preset = model, preset
            settings.take_recipe()
            if asked.get("features") in dict(offered_features(self.data, model)).values():
                settings.features = asked["features"]
            settings.augment = [name for name in AUGMENTATIONS if name in asked.get("augment", "").split("+")]
            if asked.get("augment_as") in MEANINGS:
                settings.augment_as = asked["augment_as"]
            for name, field in (("seed", form.seed), ("epochs", form.epochs)):
                if re.fullmatch(r"[0-9]{1,9}", asked.get(name, "")) and field.min <= int(asked[name]) <= field.max:
                    setattr(settings, name, int(asked[name]))
            known = asked.get("known", "")
            share = float(known) if re.fullmatch(r"[0-9]*\.?[0-9]+", known) else math.nan
            settings.own = not form.known.min <= 100 * share <= form.known.max
            if not settings.own:
                settings.known = share
            settings.unknown = asked["unknown"] if asked.get("unknown") in UNKNOWN else UNKNOWN[0]

    def _asked(self) -> tuple["TrainConfig", Any, str]:
        """The configuration, the folder and the name of the run. Raises ExploreError where it cannot be trained."""
        config = self.settings.config()
        folder = target_folder(self.shared.runs)
        name = name_for(config, self.data, self.shared.runs, folder)
        check_features(self.data, config)
        if config.known is not None:
            known_cells(self.data, config.known, config.seed)  # are there so many?
        return config, folder, name

    def _check(self, _: Any = None) -> None:
        self.form.follow()
        settings = self.settings
        if self.state.stage == "idle":
            self._show()
        usual = TrainConfig(settings.model, settings.preset)
        self.link = {
            "model": settings.model,
            "preset": settings.preset,
            "seed": str(settings.seed),
            **({"epochs": str(settings.epochs)} if settings.has_epochs else {}),
            **({} if settings.features == usual.features else {"features": settings.features}),
            **({"augment": "+".join(settings.augment), "augment_as": settings.augment_as} if settings.augment else {}),
            **({} if settings.own else {"known": f"{settings.known:g}"}),
            **({} if settings.unknown == "masked" else {"unknown": settings.unknown}),
        }
        self._ready()

    def _ready(self) -> None:
        """Can the run be trained? Says why not, or where it will be."""
        try:
            _, folder, name = self._asked()
        except ExploreError as error:
            self.start.disabled = True
            self.start.description = "Train"
            self.refused.value = f"<p class='om-refused' role='status'>{_marked(str(error))}</p>"
            return
        again = can_go_on(folder, name, self.data.fingerprint)
        self.start.disabled = self.state.busy
        self.start.description = "Go on" if again and not self.state.busy else "Train"
        where = f"<b>{html.escape(name)}</b>, kept in {_place(folder)}"
        stopped = " It was stopped before, and goes on where it was." if again else ""
        told = f"The run will be called {where}.{stopped}" if not self.state.busy else ""
        self.refused.value = f"<p class='om-caption'>{told}</p>"

    def _start(self) -> None:
        config, folder, name = self._asked()
        self._taken = False
        self.scores.value = ""
        self.state.start(config, self.data, folder, name)

    def _hear(self) -> None:
        self.shared.run.name = self.state.name
        self._go("Listen")

    def _go(self, view: str) -> None:
        self.shared.navigation.view = view

    def _show(self, _: Any = None) -> None:
        state = self.state
        self.stop.disabled = state.stage not in ("starting", "training")
        self.now.value = f"<div class='om-now' role='status'>{self._told()}</div>"
        self.plot.layout.display = "block" if self._rows() else "none"
        if self._rows():
            self.plot.show(self._figure(), self._spoken())
        if state.stage == "done" and not self._taken:
            self._take()
        done = state.stage == "done" and state.name in self.shared.runs
        self.after.layout.display = "flex" if done else "none"
        if done:
            self.hear.disabled = state.name not in self.shared.run.names
            self._score(self.shared.runs[state.name])
        self._ready()

    def _score(self, run: "Run") -> None:
        """Test scores, beside the loop, since those of the majority class take a library that loads for seconds."""

        def show(text: str) -> None:
            if self.state.stage == "done" and self.state.name == run.name:
                self.scores.value = text

        in_thread(lambda post: post(show, self._scored(run)))

    def _take(self) -> None:
        """The run is there: all views get to know it."""
        from pathlib import Path

        from openmic_explore.training import Run

        self._taken = True
        self.shared.add_run(Run(Path(self.state.folder) / self.state.name))

    def _told(self) -> str:
        state = self.state
        name = f"<b>{html.escape(state.title)}</b>"
        epoch = max(state.rows, default=0)
        where = f"<code>{html.escape(state.folder)}</code>"
        if state.stage == "idle":
            return (
                "Nothing is being trained. Choose what to train at the left; a small network takes about a minute on the "
                "teaching set. Below, as an example, the curves of a run that is there already."
            )
        if state.stage == "starting":
            return f"<progress aria-label='starting'></progress><br>{name}: loading the data and the network …"
        if state.stage in ("training", "stopping"):
            bar = f"<progress max='{state.epochs}' value='{epoch}' aria-label='epochs done'></progress>"
            if not state.epochs:
                bar = "<progress aria-label='at work'></progress>"
            how = f"epoch {epoch} of {state.epochs}" if epoch else "at work"
            left = f", {_duration(state.left)} left" if math.isfinite(state.left) and state.left > 0 else ""
            after = ". Stopping after this epoch …" if state.stage == "stopping" else left
            went_on = f" It went on from epoch {state.resumed}." if state.resumed else ""
            return f"{bar}<br>{name}: {how}{after}{went_on}"
        if state.stage == "stopped":
            if not epoch:
                return f"{name} was stopped before its first epoch was done."
            return (
                f"{name} was stopped after epoch {epoch} of {state.epochs}. What it had is kept in {where}: the same settings "
                "go on from there, here or with <code>openmic-explore train</code>, with the same result as without a stop."
            )
        if state.stage == "failed":
            return f"{name} was not trained. {_marked(state.error)}"
        return f"{name} is done and kept in {where}. All views have it now."

    def _example(self) -> "Run | None":
        """A run of the same model, to show what is to come while nothing has been trained yet."""
        like = [
            run
            for run in self.shared.runs.of(self.data.fingerprint)
            if run.has_epochs and (run.config.model, run.config.preset) == (self.settings.model, self.settings.preset)
        ]
        # The plainest of them has the shortest name.
        return min(like, key=lambda run: len(run.name), default=None)

    def _rows(self) -> list[dict[str, float]]:
        """The epochs that are drawn."""
        example = self._example() if self.state.stage == "idle" else None
        if example is not None:
            columns = {str(name): values.to_numpy() for name, values in example.history.items()}
            return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return [self.state.rows[epoch] for epoch in sorted(self.state.rows)]

    def _figure(self) -> "go.Figure":
        rows, example = self._rows(), self._example() if self.state.stage == "idle" else None
        last = max([1, self.state.epochs, *(int(row["epoch"]) for row in rows)])
        by_epoch = {int(row["epoch"]): row for row in rows}
        history = {
            column: np.array([[by_epoch.get(epoch, {}).get(column, math.nan) for epoch in range(1, last + 1)]])
            for column in ("train_loss", "validation_loss", "validation_f1_macro", "validation_average_precision")
        }
        kept = [int(example.info["epoch"])] if example is not None else []
        panels = {
            "loss": [
                Curve("training clips", 0, history["train_loss"]),
                Curve("validation clips", 1, history["validation_loss"], kept),
            ],
            "validation scores": [
                Curve("macro F1", 2, history["validation_f1_macro"], kept),
                Curve("average precision", 3, history["validation_average_precision"], kept),
            ],
        }
        title = example.name if example is not None else self.state.title
        data = self.data.name if self.state.stage == "idle" else self.state.data
        figure = curves_figure(panels, title=f"<b>{html.escape(title)}</b>, {html.escape(data)}")
        figure.update_xaxes(range=[0.5, last + 0.5])
        figure.update_yaxes(range=[0, 1.02], col=2)
        return figure

    def _spoken(self) -> str:
        row = self._rows()[-1]
        return (
            f"Learning curves up to epoch {int(row['epoch'])}: training loss {row['train_loss']:.3f}, validation loss "
            f"{row['validation_loss']:.3f}, validation macro F1 {row['validation_f1_macro']:.3f}"
        )

    def _scored(self, run: "Run") -> str:
        from openmic_explore.training import majority_scores

        kept = f" at epoch {run.info['epoch']}, which was kept" if run.info["epoch"] else ""
        lines = {html.escape(run.config.label): means(run.scores)}
        if run.info["fingerprint"] == self.data.fingerprint:
            lines["majority class"] = means(majority_scores(self.data))
        head = "".join(f"<th class='om-figure' scope='col'>{text}</th>" for text in SCORES.values())
        body = "".join(
            f"<tr><td>{name}</td>"
            + "".join(f"<td class='om-figure'>{values[metric]:.3f}</td>" for metric in SCORES)
            + "</tr>"
            for name, values in lines.items()
        )
        return (
            f"<h2>On the test clips{kept}: means over the instruments</h2><table class='om-scores'><thead><tr>"
            f"<th scope='col'>run</th>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def _place(folder: Path) -> str:
    """A folder as HTML: from where the page was started, where it lies there; in full under the pointer."""
    full = folder.resolve()
    near = next((base for base in (Path.cwd(), Path.cwd().parent) if full.is_relative_to(base)), None)
    shown = full.relative_to(near) if near else full
    return f"<span title='{html.escape(str(full))}'>{html.escape(str(shown))}</span>"


def _marked(text: str) -> str:
    """A sentence with its commands set off, so that they can be copied."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {seconds / 3600:.1f} hours"
