"""VGGish's trained weights: fetched once and checked, or given, and read without running code in them.

They are Google's, published with AudioSet, in the form that Harri Taylor's PyTorch port (Apache-2.0) gives them:
release v0.1 of github.com/harritaylor/torchvggish, two files of torch.save. The network's holds 18 tensors; the other,
judging by its size, two NumPy arrays. Reading them without running code rests on torch.load(weights_only=True), which
could be tricked by a forged file before PyTorch 2.6 (CVE-2025-32434) and 2.10 (CVE-2026-24747).
"""

import pickle
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmic_explore.errors import ExploreError, MissingError
from openmic_explore.files import atomic_path, cache_dir, sha256_file

if TYPE_CHECKING:
    from torch import Tensor

RELEASE = "https://github.com/harritaylor/torchvggish/releases/download/v0.1"
DIMENSION = 128


class Piece(NamedTuple):
    """One of the two files: its size, and the first digits of its SHA-256, which by torch.hub's custom end its name."""

    name: str
    size: int
    sha256: str


NETWORK = Piece("vggish-10086976.pth", 288_567_937, "10086976")
PROJECTION = Piece("vggish_pca_params-970ea276.pth", 181_358, "970ea276")

# Names and shapes of the network's tensors in the port.
SHAPES: dict[str, tuple[int, ...]] = {}
for _place, _inside, _out in (
    (0, 1, 64),
    (3, 64, 128),
    (6, 128, 256),
    (8, 256, 256),
    (11, 256, 512),
    (13, 512, 512),
):
    SHAPES |= {f"features.{_place}.weight": (_out, _inside, 3, 3), f"features.{_place}.bias": (_out,)}
for _place, _inside, _out in ((0, 6 * 4 * 512, 4096), (2, 4096, 4096), (4, 4096, DIMENSION)):
    SHAPES |= {f"embeddings.{_place}.weight": (_out, _inside), f"embeddings.{_place}.bias": (_out,)}


class Projection(NamedTuple):
    """The PCA with whitening: vectors (128, 128), one a row, and mean (128,), both float64."""

    vectors: NDArray[np.float64]
    mean: NDArray[np.float64]


def find(weights: str | Path | None = None) -> tuple[Path, Path]:
    """Where the network's and the projection's files are; fetched, once, where they are not given.

    weights: a folder that holds both, or either file, with the other beside it; they are taken as they are. Without
    it, the user's cache: what is missing there is fetched (289 MB in all; a line on stderr says so), and kept only when
    size and checksum are right. Raises MissingError when a given file is not there, ExploreError when one cannot be
    fetched or is not the published one.
    """
    if weights is None:
        return fetch(NETWORK), fetch(PROJECTION)
    path = Path(weights)
    folder = path if path.is_dir() else path.parent
    both = folder / NETWORK.name, folder / PROJECTION.name
    missing = [file.name for file in both if not file.is_file()]
    if path.is_dir() or path in both:
        if missing:
            raise MissingError(
                f"{folder} has no {' and no '.join(missing)}. Put both files of {RELEASE} there, or leave out --weights "
                "to have them fetched."
            )
        return both
    raise MissingError(
        f"{path} is neither a folder nor one of VGGish's two files, {NETWORK.name} and {PROJECTION.name}. "
        "Give a folder that holds both: --weights DIR"
    )


def fetch(piece: Piece, *, release: str = RELEASE) -> Path:
    """One of the files from the user's cache, put there first if it is not; see `find`."""
    import pooch

    path = cache_dir("weights") / piece.name
    if path.is_file() and path.stat().st_size == piece.size:  # its checksum was right when it was put there
        return path
    url = f"{release}/{piece.name}"
    terminal = sys.stderr.isatty()
    print(f"Fetching VGGish's {piece.name} ({piece.size / 1e6:,.1f} MB), once, from {url}", file=sys.stderr)
    remedy = f"Try again later, or fetch it by other means and give its folder: --weights DIR (both files of {RELEASE})"
    try:
        with atomic_path(path) as temporary:
            pooch.HTTPDownloader(progressbar=terminal)(url, str(temporary), None)
            check(temporary, piece, url)
    except OSError as error:  # requests' errors are among them
        raise ExploreError(f"{url} could not be fetched ({error}). {remedy}") from error
    return path


def check(path: Path, piece: Piece, origin: str) -> None:
    """Raise ExploreError unless the file has the size and the checksum of the published one. origin: named in the error."""
    size, digest = path.stat().st_size, sha256_file(path)
    if size != piece.size or not digest.startswith(piece.sha256):
        raise ExploreError(
            f"What came from {origin} is not VGGish's {piece.name}: it has {size:,} bytes and SHA-256 {digest[:8]}..., not "
            f"{piece.size:,} and {piece.sha256}.... Try again later, or get the file by other means and give its folder: "
            "--weights DIR"
        )


def load_network(path: Path) -> "dict[str, Tensor]":
    """The network's 18 tensors, float32, by their names in the port.

    Raises ExploreError when the file cannot be read without running code in it, a tensor is missing or unknown, or has
    another shape.
    """
    import torch

    state = _load(path)
    _complain(path, {name: state.get(name) for name in SHAPES}, SHAPES, unknown=set(state) - set(SHAPES))
    return {name: torch.as_tensor(state[name]).to(torch.float32) for name in SHAPES}


def load_projection(path: Path) -> Projection:
    """The PCA's vectors and mean, from tensors or NumPy arrays of that name. Raises ExploreError as `load_network` does."""
    state = _load(path)
    found: dict[str, Any] = {name: state.get(name) for name in ("pca_eigen_vectors", "pca_means")}
    if hasattr(found["pca_means"], "reshape"):
        found["pca_means"] = found["pca_means"].reshape(-1)  # a column in some copies
    _complain(path, found, {"pca_eigen_vectors": (DIMENSION, DIMENSION), "pca_means": (DIMENSION,)})
    return Projection(*(np.asarray(value, dtype=np.float64) for value in found.values()))


def _load(path: Path) -> Mapping[str, Any]:
    """What torch.save wrote, of tensors and floating NumPy arrays only; no other object is built, no code is run."""
    import torch

    allowed: list[Any] = [np.ndarray, np.dtype, type(np.dtype(np.float32)), type(np.dtype(np.float64))]
    # What makes an array again, under NumPy 1's name and NumPy 2's.
    rebuild = np.empty(0).__reduce__()[0]
    allowed += [(rebuild, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    try:
        with torch.serialization.safe_globals(allowed):
            state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ExploreError(
            f"{path} was not read: it is damaged, or holds more than tensors, and reading that could run code. Take "
            f"{path.name} from {RELEASE}"
        ) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExploreError(
            f"{path} is damaged ({str(error).splitlines()[0] if str(error) else type(error).__name__}). Take {path.name} "
            f"from {RELEASE}"
        ) from error
    if not isinstance(state, Mapping):
        raise ExploreError(f"{path} holds no named tensors. Take {path.name} from {RELEASE}")
    return state


def _complain(
    path: Path, found: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], unknown: set[str] | None = None
) -> None:
    """Raise ExploreError when something is missing, unknown or of another shape."""
    wrong = [
        f"{name} is missing"
        if found[name] is None
        else f"{name} has shape {tuple(getattr(found[name], 'shape', ()))}, not {shape}"
        for name, shape in shapes.items()
        if found[name] is None or tuple(getattr(found[name], "shape", ())) != shape
    ]
    wrong += [f"{name} is none of VGGish's" for name in sorted(map(str, unknown or ()))]
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise ExploreError(f"{path} does not fit VGGish: {'; '.join(wrong[:3])}{more}. Take {path.name} from {RELEASE}")
