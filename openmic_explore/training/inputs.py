"""A data set's features and labels as tensors, all in memory, in 8 bits where they are stored so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from openmic_explore.errors import ExploreError, MissingError, as_command
from openmic_explore.features import Features, open_features
from openmic_explore.training.config import TrainConfig
from openmic_explore.training.labels import given_labels

if TYPE_CHECKING:
    from openmic_explore.data import OpenMIC

# Shape of a log-mel picture that a CNN reads: the scalogram's.
RESIZED = (128, 128)


class Batch(NamedTuple):
    """Clips as tensors.

    features: (N, T, D) or (N, 1, scales, bins), 0 to 255, uint8 or float. relevance: (N, K) float, 0 where unobserved.
    mask: (N, K) bool; or float weights from 0 to 1 where clips were mixed.
    """

    features: Tensor
    relevance: Tensor
    mask: Tensor

    def at(self, rows: Tensor) -> "Batch":
        return Batch(*(tensor[rows] for tensor in self))

    def to(self, device: torch.device) -> "Batch":
        return Batch(*(tensor.to(device) for tensor in self))


def load(data: "OpenMIC", config: TrainConfig, rows: NDArray[np.intp]) -> Batch:
    """Training or validation clips as a configuration's model reads them, with the labels that it is given.

    Raises MissingError when their features are not there, with the command that computes them; ExploreError as
    `given_labels` does.
    """
    relevance, mask = given_labels(data, config, rows)
    features = load_features(data, config, rows)
    return Batch(features, torch.from_numpy(relevance.astype(np.float32)), torch.from_numpy(mask))


def column_seconds(data: "OpenMIC", config: TrainConfig) -> float:
    """Seconds that one column of the model's input stands for: an embedding's frame, or a picture's time bin."""
    if config.features == "embedding":
        return data.frame_length
    with _mended(data, config):
        info = open_features(data.path, str(config.features)).info
    if not config.reads_pictures:
        return float(info["frame_length"])
    columns = RESIZED[1] if config.features == "log_mel" else len(info["time"])
    return float(info["parameters"]["seconds"]) / columns


def input_name(data: "OpenMIC", config: TrainConfig) -> str:
    """What stands with the results: the embedding's or the picture's name."""
    return data.embedding_name if config.features == "embedding" else str(config.features)


def input_parameters(data: "OpenMIC", config: TrainConfig) -> dict[str, Any] | None:
    """What the model's input was computed with, as the feature store has it; None for the data's own embedding."""
    if config.features == "embedding":
        return None
    with _mended(data, config):
        return open_features(data.path, str(config.features)).parameters


def check_features(data: "OpenMIC", config: TrainConfig) -> None:
    """Are the features of all training and test clips there? Raises as `load_features` does, without reading them."""
    keys = data.keys[np.concatenate([data.split(part) for part in ("train", "validation", "test")])]
    if config.features == "embedding":
        _ = data.embedding
        return
    with _mended(data, config):
        open_features(data.path, str(config.features)).rows(keys)


def load_features(data: "OpenMIC", config: TrainConfig, rows: NDArray[np.intp]) -> Tensor:
    """Any clips' features as a configuration's model reads them, uint8: (n, T, D) or (n, 1, scales, bins).

    Raises MissingError when they are not there, with the command that computes them.
    """
    if config.features == "embedding":
        return torch.from_numpy(np.array(data.embedding[rows], dtype=np.uint8))
    with _mended(data, config):
        return _as_read(open_features(data.path, str(config.features)), data.keys[rows], config)


def _as_read(store: Features, keys: NDArray[np.str_], config: TrainConfig) -> Tensor:
    values = torch.from_numpy(store.read(keys))
    if not config.reads_pictures:
        return values
    pictures = values[:, None]  # (N, scales, bins) -> (N, 1, scales, bins)
    return pictures if config.features == "scalogram" else torch.cat([resize(part) for part in pictures.split(64)])


def load_versions(data: "OpenMIC", config: TrainConfig, rows: NDArray[np.intp]) -> list[Tensor]:
    """The features of the altered versions of clips, as `load_features` gives those of the clips themselves.

    Raises MissingError when they are not there, with the command that computes them.
    """
    name = data.embedding_name if config.features == "embedding" else str(config.features)
    found = []
    for version in range(1, cast(int, config.versions) + 1):
        with _mended(data, config):
            try:
                store = open_features(data.path, name, version=version)
            except MissingError as error:
                command = as_command("features", data.path, *_only(config, name), "--versions", str(config.versions))
                raise MissingError(
                    f"{data.path} has no altered version {version} of {name}. Make it: {command}"
                ) from error
            found.append(_as_read(store, data.keys[rows], config))
    return found


def resize(pictures: Tensor) -> Tensor:
    """Log-mels (N, 1, 64, frames) to the scalogram's shape; areas are averaged where there are fewer pixels."""
    scaled = torch.nn.functional.interpolate(pictures.float(), RESIZED, mode="bilinear", antialias=True)
    return scaled.round().clamp(0, 255).to(torch.uint8)


def _only(config: TrainConfig, name: str) -> list[str]:
    """The options of the command that computes nothing but what the model reads."""
    return ["--only", name] if config.reads_pictures else ["--only", "embedding", "--embedding", name]


@contextmanager
def _mended(data: "OpenMIC", config: TrainConfig) -> Iterator[None]:
    """Features missing from the package's own teaching set cannot be computed there: say how to make all of it."""
    from openmic_explore.data.openmic import TEACHING

    try:
        yield
    except MissingError as error:
        if data.path.resolve() != TEACHING.resolve():
            raise
        name = str(config.features)
        options = [] if config.reads_pictures else _only(config, name)
        raise ExploreError(
            f"{config.model} reads {name}, which the teaching set inside the package has of a few clips or none. "
            f"Make all of it: {as_command('teach', 'data/teaching')}, then "
            f"{as_command('features', 'data/teaching', *options)}, and train with --data data/teaching"
        ) from error
