"""Photographs and masks to batches: decode, mirror, jitter, pad to a bucket, batch; `fcn.batches` and PyTorch."""

import time
from pathlib import Path

BATCH = 8
JITTER = 32  # pixels
SKIPPED = 2  # batches of a run before its clock starts: threads and processes are busy then, and nothing is in store


class Pipeline:
    """Read a folder with `images` and `labels`; `run` draws `batches` more batches than it skips, and times those.

    Args:
        folder: of the photographs and masks.
        batches: how many count in a run.
    """

    def __init__(self, folder, batches):
        from fcn_keras.datasets.folder import Folder

        self.folder, self.batches = Path(folder), batches
        self.examples = Folder(folder, classes=255)
        self.buckets = sorted({padded(size) for size in self.examples.sizes})

    def run(self):
        """Return the seconds of an image, once batches flow."""
        stream = self.stream()
        for _ in range(SKIPPED):
            next(stream)
        started = time.perf_counter()
        for _ in range(self.batches):
            next(stream)
        return {"image": (time.perf_counter() - started) / (self.batches * BATCH)}

    def describe(self):
        """Return the largest image's size, how many there are, and their mean bytes."""
        paths = [path for path in (self.folder / "images").iterdir() if path.is_file()]
        size = sum(path.stat().st_size for path in paths) / len(paths)
        return {"images": len(self.examples), "size": max(self.examples.sizes), "bytes": round(size)}


def padded(size):
    """Return the bucket of a size: its sides up to multiples of 128."""
    return tuple(-(-side // 128) * 128 for side in size)


class KerasPipeline(Pipeline):
    """`fcn_keras.batches` on a `Folder`."""

    def stream(self):
        import fcn_keras as fcn
        from fcn_keras.augment import compose, jitter, mirror

        # Anew for every run: what the last one left in store does not count, and its threads have ended.
        return iter(
            fcn.batches(
                self.examples,
                batch_size=BATCH,
                training=True,
                augment=compose(mirror, jitter),
                buckets=self.buckets,
            )
        )


class TorchPipeline(Pipeline):
    """A PyTorch `DataLoader` with two worker processes that do the same work."""

    def __init__(self, folder, batches):
        super().__init__(folder, batches)
        from torch.utils.data import DataLoader

        from speed import peer_input

        files = [self._files(name) for name in ("images", "labels")]
        buckets = [padded(size) for size in self.examples.sizes]
        self.loader = DataLoader(
            peer_input.Pairs(list(zip(*files, strict=True)), buckets, JITTER),
            batch_sampler=peer_input.Grouped(buckets, BATCH, SKIPPED + batches),
            num_workers=2,
            persistent_workers=True,
            prefetch_factor=4,
        )

    def _files(self, name):
        found = {path.stem: str(path) for path in (self.folder / name).iterdir() if path.is_file()}
        return [found[key] for key in self.examples.ids]

    def stream(self):
        return iter(self.loader)
