"""Sets of photographs with one picture of each person, and their embeddings, which are made once and kept.

Three layouts are known: a folder for each person (LFW), one folder with an `identities.csv` of lines
`file,identity` (CelebA), and one folder of pictures, each of another person as far as anybody knows.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation import lfw
from indexer.pipeline.embed_files import Change, embed_with
from indexer.pipeline.pipeline import Pipeline
from indexer.types import Image, Vectors
from indexer.vision.degrade import jpeg, low_resolution, noise


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotographSet:
    name: str
    files: tuple[Path, ...]
    change: Change | None = None
    """Of the pixels, before a face is detected in them."""


def read(folder: Path) -> PhotographSet:
    """The first picture of each person. Raises InvalidRequest if a folder of people holds nobody."""
    if (folder / "identities.csv").exists():
        first: dict[str, Path] = {}
        with (folder / "identities.csv").open(newline="") as file:
            for name, identity in csv.reader(file):
                if identity and (folder / name).exists():
                    first.setdefault(identity, folder / name)
        files = list(first.values())
    elif flat := sorted(folder.glob("*.jpg")):
        files = flat
    else:
        files = [person.images[0] for person in lfw.read_people(folder)]
    return PhotographSet(name=folder.name, files=tuple(files))


def degraded(photographs: PhotographSet) -> PhotographSet:
    """A third of the pixels of each side, noise, and strong compression."""
    return PhotographSet(name=f"{photographs.name}-degraded", files=photographs.files, change=_degrade)


def embedded(
    photographs: PhotographSet, pipelines: Sequence[Pipeline], cache: Path
) -> list[tuple[Vectors, NDArray[np.bool_]]]:
    """For each pipeline the embeddings, shape (files, dimension), and whether there is one, shape (files,).

    They are read from `cache`, or made and written there, as `SET-FINGERPRINT.npz` with `vectors`, `found`
    and `files`. Vectors from elsewhere can be written there too.
    """
    kept = [cache / f"{photographs.name}-{pipeline.card.fingerprint}.npz" for pipeline in pipelines]
    names = [file.name for file in photographs.files]
    missing = [place for place, path in enumerate(kept) if not path.exists() or _names(path) != names]
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        made = embed_with([pipelines[m] for m in missing], photographs.files, change=photographs.change)
        for place, embeddings in zip(missing, made, strict=True):
            np.savez(kept[place], vectors=embeddings.vectors, found=embeddings.found, files=names)
    read = []
    for path in kept:
        with np.load(path) as file:
            read.append((file["vectors"], file["found"]))
    print(f"{photographs.name}: {int(read[0][1].sum()):,} of {len(names):,} pictures with a face", flush=True)
    return read


def _names(path: Path) -> list[str]:
    with np.load(path) as file:
        return [str(name) for name in file["files"]] if "files" in file else []


def _degrade(file: Path, image: Image) -> Image:
    rng = np.random.default_rng(list(file.name.encode()))
    return jpeg(noise(low_resolution(image, 0.35), 8, rng), 50)
