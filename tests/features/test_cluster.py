"""The same on a Dask cluster of two worker processes on this machine."""

import logging
import socket
import time
from pathlib import Path

import pytest

from openmic_explore import ExploreError, OpenMIC
from openmic_explore import cluster as cluster_module
from openmic_explore.features import LogMel, Scalograms, work, write_features
from tests.features.short import CLIPS, content, copy, key, quieter

distributed = pytest.importorskip("distributed")
# It tells every connection that ends, also where a test ends it on purpose.
logging.getLogger("distributed").setLevel(logging.CRITICAL)


def local(workers, **options):
    options = {"processes": True, "threads_per_worker": 1, "dashboard_address": ":0"} | options
    return distributed.LocalCluster(n_workers=workers, **options)


@pytest.fixture(scope="module")
def cluster():
    with local(2) as cluster:
        yield cluster.scheduler_address


def test_the_files_are_the_same_as_without(folder, tmp_path, cluster, monkeypatch):
    (folder / "audio" / "000" / f"{key(3)}.ogg").write_bytes(b"no sound")
    other = copy(folder, tmp_path / "other")
    monkeypatch.chdir(tmp_path)  # the workers are elsewhere
    report = write_features(OpenMIC("data"), cluster=cluster, progress=False)
    assert report.computed == CLIPS - 1
    assert list(report.left_out) == [key(3)]
    write_features(OpenMIC(other), jobs=2, progress=False)
    relative = {name: file.replace(str(other).encode(), str(folder).encode()) for name, file in content(other).items()}
    assert content(folder) == relative
    assert write_features(OpenMIC(folder), cluster=cluster, progress=False).reused == CLIPS - 1


def test_augmented_versions_too(folder, tmp_path, cluster):
    other = copy(folder, tmp_path / "other")
    for place, options in ((folder, {"cluster": cluster}), (other, {"jobs": 1})):
        write_features(OpenMIC(place), [LogMel()], version=1, augment=quieter, progress=False, **options)
    assert content(folder) == content(other)


def test_few_results_are_in_memory_at_once(tmp_path, cluster):
    drawn = 0

    def tasks():
        nonlocal drawn
        for clip in range(60):
            drawn += 1
            yield work.Task(key(clip), tmp_path / "none.ogg", ((LogMel(), (64, 98)),), 1.0)

    waiting = []
    for taken, _ in enumerate(work.results(tasks(), cluster=cluster), 1):
        waiting.append(drawn - taken)
    assert len(waiting) == 60
    assert max(waiting) <= 4  # two for each worker


def test_a_transform_that_fails_on_a_worker_names_the_clip(data, cluster):
    def broken(samples, rate, rng):
        raise ValueError("no luck")

    with pytest.raises(ExploreError, match=r"Augmenting 00000\d_0 failed \(ValueError: no luck\)"):
        write_features(data, [LogMel()], version=1, augment=broken, cluster=cluster, progress=False)


def test_workers_that_do_not_see_the_clips_are_told_and_nothing_is_left_out(data, cluster, monkeypatch):
    # As on a machine where the folder has another name.
    with distributed.Client(cluster) as client:
        client.run(hide)
        try:
            with pytest.raises(ExploreError, match=r"2 do not see .*ogg.*under the same path"):
                write_features(data, [LogMel()], cluster=cluster, progress=False)
        finally:
            client.run(show)
    assert write_features(data, [LogMel()], cluster=cluster, progress=False).computed == CLIPS


def hide():
    Path.kept, Path.exists = Path.exists, lambda path: path.suffix != ".ogg"


def show():
    Path.exists = Path.kept


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(cluster_module, "PATIENCE", 1)


def test_a_dead_address_is_told_within_seconds(data, impatient):
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{place.getsockname()[1]}"
    start = time.monotonic()
    with pytest.raises(ExploreError, match=f"There is no Dask scheduler at {address}.*dask scheduler"):
        write_features(data, [LogMel()], cluster=address, progress=False)
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    "address", ["nonsense", "tcp://", "tcp://localhost:port", "carrier://pigeon:1", "localhost:99999"]
)
def test_what_is_no_address_is_told(data, impatient, address):
    with pytest.raises(ExploreError, match=f"There is no Dask scheduler at {address}"):
        write_features(data, [LogMel()], cluster=address, progress=False)


def test_a_cluster_without_workers_is_told(data, impatient):
    with local(0, processes=False) as cluster, pytest.raises(ExploreError, match=r"has no workers.*dask worker"):
        write_features(data, [Scalograms()], cluster=cluster.scheduler_address, progress=False)


def test_a_cluster_that_stops_is_one_error_and_the_run_goes_on_without_it(data, monkeypatch):
    with local(1, processes=False) as cluster:
        first = iter(range(3))
        original = work.Task

        def counted(*arguments, **options):
            if next(first, None) is None:
                cluster.scale(0)
                cluster.close()
            return original(*arguments, **options)

        monkeypatch.setattr("openmic_explore.features.compute.Task", counted)
        with pytest.raises(ExploreError, match="stopped working"):
            write_features(data, [LogMel()], cluster=cluster.scheduler_address, progress=False)
    monkeypatch.undo()
    assert write_features(data, [LogMel()], jobs=1, progress=False).left_out == {}
