"""The official archive, from Zenodo."""

import tarfile
from pathlib import Path

from openmic_explore.errors import ExploreError
from openmic_explore.files import atomic_path

# Zenodo record 1432913; labels CC BY 4.0, the clips carry their own licences.
URL = "https://zenodo.org/records/1432913/files/openmic-2018-v1.0.0.tgz"
MD5 = "e4ccf187e2bb5ab2e115416e8aafe7f4"
BYTES = 2_623_376_754
FOLDER = "openmic-2018"


def download(target: str | Path = ".", *, url: str = URL, md5: str = MD5, progress: bool = True) -> Path:
    """Fetch the OpenMIC-2018 archive, check it, and unpack it as target/openmic-2018.

    The archive (2.6 GB) is kept in `target` until it is unpacked, so that a second call after a failure there does not
    fetch it again; one that was there before is used, if it is the right one, and stays. A fetch that is cut off starts
    from the beginning. Returns the unpacked folder; one that is there already is left alone.

    Raises ExploreError when the fetch fails, the checksum differs, the archive holds anything that would leave the
    folder, or the disk has no room.
    """
    import shutil

    import pooch

    if not hasattr(tarfile, "data_filter"):
        raise ExploreError("This Python cannot unpack archives safely; it takes 3.11.4 or later.")
    target = Path(target)
    folder = target / FOLDER
    if folder.is_dir():
        return folder
    target.mkdir(parents=True, exist_ok=True)
    archive = target / "openmic-2018-v1.0.0.tgz"
    fetched = not archive.is_file()
    free = shutil.disk_usage(target).free
    if url == URL and fetched and free < 3 * BYTES:
        raise ExploreError(
            f"{target.resolve()} has {free / 1e9:.1f} GB free; the archive and what is in it need {3 * BYTES / 1e9:.0f} GB. "
            "Give another place: --to DIR"
        )
    try:
        pooch.retrieve(url, known_hash=f"md5:{md5}", fname=archive.name, path=target, progressbar=progress)
    except OSError as error:  # requests' errors are among them
        raise ExploreError(f"{url} could not be fetched ({error}). Try the same command again later.") from error
    except ValueError as error:  # pooch's word for another checksum; it has removed the file
        raise ExploreError(f"What came from {url} is not the archive: {error} Try the same command again.") from error
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(temporary, filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ExploreError(
                f"{archive} could not be unpacked ({error}). Delete it and run the command again."
            ) from error
        inner = temporary / FOLDER
        if not inner.is_dir():
            raise ExploreError(f"{archive} holds no folder {FOLDER}. Delete it and run the command again.")
        for piece in inner.iterdir():
            piece.rename(temporary / piece.name)
        inner.rmdir()
    if fetched:
        archive.unlink()
    return folder
