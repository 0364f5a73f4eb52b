"""Embeddings by name: those of the package, and a researcher's own from one file.

An embedding turns a sound into one vector for every frame of fixed length. What it must offer is `Embedding`; nothing
has to be inherited. In a file of one's own, say mine.py:

    import numpy as np

    class Loudness:
        name = "loudness"        # stands with every result; change it when the numbers change
        rate = 16000             # Hz, the rate it works at
        frame_length = 0.5       # seconds that one vector stands for
        dimension = 1

        def __call__(self, samples, rate=16000):
            length = int(rate * self.frame_length)
            frames = samples[: len(samples) // length * length].reshape(-1, length)
            level = np.sqrt((frames**2).mean(axis=1, keepdims=True))
            return np.clip(np.rint(level * 255), 0, 255).astype(np.uint8)

and `embedding("mine.py:Loudness")`, or `embedding("package.module:Loudness")` for an installed module.
"""

import importlib
import importlib.util
import inspect
import math
import sys
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError, MissingError

# Short name: the name that results carry.
EMBEDDINGS = {"musicnn": "musicnn-mtt-pca128", "musicnn+mel": "musicnn-mtt-pca128+mel", "vggish": "vggish"}
HOW_TO = f"Give one of {', '.join(EMBEDDINGS)}, or your own as FILE.py:NAME or MODULE:NAME."


class Embedding(Protocol):
    """What every embedding offers.

    name: stands with every result, so that runs are compared only where it agrees. rate: Hz, that it works at; sound of
    another rate it resamples itself (transforms.resample.mono_at). frame_length: seconds that one vector stands for.
    dimension: numbers in a vector.

    Optionally `prepare()`: fetch what is missing; called once ahead of parallel work. It must be possible to pickle.
    """

    @property
    def name(self) -> str: ...
    @property
    def rate(self) -> int: ...
    @property
    def frame_length(self) -> float: ...
    @property
    def dimension(self) -> int: ...

    def __call__(self, samples: NDArray[np.floating], rate: int = ...) -> NDArray[np.uint8]:
        """Embed a sound: samples (n,) mono in [-1, 1], rate in Hz -> (frames, dimension) uint8, frames >= 1.

        8 bits are what feature stores and data sets hold. An embedding of real numbers brings its own fixed way there,
        the same for every clip: a range, np.rint(255 (x - low) / (high - low)) clipped to 0..255, or, where there
        are more numbers than are worth keeping, pca.fit_pca on the features of training clips once, saved beside the
        file, and PCA.load(...).quantise in the call.
        """
        ...


def embedding(name: str, *, weights: str | Path | None = None) -> Embedding:
    """The embedding of that name, ready to be called; large weights are read, or fetched, when it is first called.

    name: "musicnn", "musicnn+mel" or "vggish", also by the long name that results carry; or one's own, "FILE.py:NAME" or
    "MODULE:NAME", where NAME is a class, a function without required arguments that makes an embedding, or an embedding.
    weights: for vggish, a folder with its two files, or either; handed to one's own as weights=... . Raises ExploreError for an
    unknown name, a file that cannot be imported, or something that does not fit `Embedding`, saying in what.

    The result can be pickled, one's own too: a worker imports the same file again, so on another machine it must be
    there under the same path.
    """
    short = {long: short for short, long in EMBEDDINGS.items()}.get(name, name)
    if short in ("musicnn", "musicnn+mel"):
        if weights is not None:
            raise ExploreError("The musicnn embedding brings its own weights. Leave out --weights, or take vggish.")
        from openmic_explore.transforms.musicnn import MusicnnEmbedding
        from openmic_explore.transforms.musicnn_mel import MusicnnMelEmbedding

        return MusicnnEmbedding() if short == "musicnn" else MusicnnMelEmbedding()
    if short == "vggish":
        from openmic_explore.transforms.vggish import VGGishEmbedding

        return VGGishEmbedding(weights)
    origin, colon, attribute = name.rpartition(":")
    if not (colon and origin and attribute):
        raise ExploreError(f"There is no embedding {name!r}. {HOW_TO}")
    if origin.endswith(".py"):
        origin = str(Path(origin).expanduser().absolute())
    return OwnEmbedding(f"{origin}:{attribute}", None if weights is None else Path(weights).absolute())


def prepare(embedding: Embedding) -> None:
    """Let an embedding fetch what it misses, once, ahead of parallel work; most have nothing to do."""
    if hasattr(embedding, "prepare"):
        embedding.prepare()


class OwnEmbedding:
    """A researcher's own embedding, checked when it is made and every time it is called.

    place: "FILE.py:NAME" or "MODULE:NAME". weights: handed on, unless None. `inner` is the object itself.
    """

    def __init__(self, place: str, weights: Path | None = None) -> None:
        self.place = place
        self.weights = weights
        inner = self.inner
        self.name, self.rate = inner.name, int(inner.rate)
        self.frame_length, self.dimension = float(inner.frame_length), int(inner.dimension)

    @property
    def inner(self) -> Embedding:
        """The embedding itself, made once a process, and anew when its file has changed."""
        return _made(self.place, self.weights, _version(self.place))

    def prepare(self) -> None:
        """As `prepare` of the module."""
        prepare(self.inner)

    def __call__(self, samples: NDArray[np.floating], rate: int | None = None) -> NDArray[np.uint8]:
        """Embed a sound. Raises ExploreError when what comes back is not (frames, dimension) uint8 with frames >= 1."""
        found = self.inner(samples, self.rate if rate is None else rate)
        if not isinstance(found, np.ndarray):
            raise ExploreError(f"{self.place} gave a {type(found).__name__}; it must be a NumPy array of uint8.")
        if found.ndim != 2 or found.shape[1] != self.dimension or len(found) < 1:
            raise ExploreError(
                f"{self.place} gave an array of shape {found.shape}; it must be (frames, {self.dimension}), as its dimension "
                "says, with at least one frame."
            )
        if found.dtype != np.uint8:
            raise ExploreError(
                f"{self.place} gave {found.dtype} values; they must be uint8, 0 to 255. Map them by a fixed range, or by "
                "PCA.quantise (openmic_explore/transforms/pca.py)."
            )
        return found


def _version(place: str) -> int | None:
    """When an own embedding's file was last written; None for a module. Raises MissingError when there is none."""
    origin = place.rpartition(":")[0]
    if not origin.endswith(".py"):
        return None
    if not Path(origin).is_file():
        raise MissingError(f"There is no file {origin}, named in {place}. {HOW_TO}")
    return Path(origin).stat().st_mtime_ns


@lru_cache(maxsize=8)
def _made(place: str, weights: Path | None, version: int | None) -> Embedding:  # noqa: ARG001
    """Import, make and check an own embedding. version: only so that a changed file is imported again."""
    origin, _, attribute = place.rpartition(":")
    module = _import(origin)
    if not hasattr(module, attribute):
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
        has = f"It has {', '.join(own)}." if own else "It has no class or function."
        raise ExploreError(f"{origin} has no {attribute}. {has}")
    found = getattr(module, attribute)
    is_maker = isinstance(found, type) or (callable(found) and not hasattr(found, "dimension"))
    if not is_maker and weights is not None:
        raise ExploreError(f"{place} is made already and takes no weights. Leave out --weights, or name a class.")
    if is_maker:
        arguments = {} if weights is None else {"weights": weights}
        try:
            inspect.signature(found).bind(**arguments)
        except (TypeError, ValueError) as error:
            given = "weights=... alone" if arguments else "no arguments"
            raise ExploreError(f"{place} cannot be made with {given}: {error}.") from error
        try:
            found = found(**arguments)
        except ExploreError:
            raise
        except Exception as error:  # whatever it is, it comes from the person's own file
            raise ExploreError(f"{place} could not be made ({type(error).__name__}: {error}).") from error
    wrong = misfits(found)
    if wrong:
        raise ExploreError(
            f"{place} is not an embedding: {'; '.join(wrong)}. openmic_explore/transforms/embedding.py has an example."
        )
    return found


def _import(origin: str) -> ModuleType:
    """The module of a file ("….py") or of that name."""
    try:
        if not origin.endswith(".py"):
            return importlib.import_module(origin)
        # Under a name of its own, so that a file called numpy.py or test.py is in nobody's way.
        name = "openmic_own_" + "".join(c if c.isalnum() else "_" for c in origin)
        spec = importlib.util.spec_from_file_location(name, origin)
        if spec is None or spec.loader is None:
            raise ImportError("it is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # as an import does; dataclasses look there
        spec.loader.exec_module(module)
        return module
    except Exception as error:  # importing runs the person's own code, which may fail in any way
        raise ExploreError(f"{origin} could not be imported ({type(error).__name__}: {error}). {HOW_TO}") from error


def misfits(candidate: Any) -> list[str]:
    """In what an object does not fit `Embedding`, in plain words; an empty list when it does."""
    wrong = []

    def demand(name: str, kind: str, fits: Any) -> None:
        if not hasattr(candidate, name):
            wrong.append(f"{name} is missing ({kind})")
        elif not fits(getattr(candidate, name)):
            wrong.append(f"{name} must be {kind}, not {getattr(candidate, name)!r}")

    def whole(value: Any) -> bool:
        return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)

    def positive(value: Any) -> bool:
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        return number and bool(math.isfinite(value) and value > 0)

    demand("name", "a word", lambda value: isinstance(value, str) and value.strip() == value != "")
    demand("rate", "a whole number of Hz", whole)
    demand("frame_length", "a positive number of seconds", positive)
    demand("dimension", "a whole number of at least 1", whole)
    if not callable(candidate):
        wrong.append("it cannot be called: define __call__(self, samples, rate=...)")
        return wrong
    try:
        inspect.signature(candidate).bind(np.zeros(1), 16000)
        inspect.signature(candidate).bind(np.zeros(1), rate=16000)
    except (TypeError, ValueError) as error:
        wrong.append(f"it must be callable as (samples, rate=...): {error}")
    return wrong
