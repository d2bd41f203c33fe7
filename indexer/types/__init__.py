"""The values that pass between packages. Frozen, no I/O, no library but NumPy.

Dataclasses that hold an array are compared by identity, since `==` on arrays has no single answer.
"""

from indexer.types.arrays import Image, Keys, Owners, Points, Vectors
from indexer.types.attribute import SENSITIVE, Attribute, needed_for
from indexer.types.change_log import LOG_START, Change, ChangeKind, LogPosition
from indexer.types.enrolment import Crop, Enrolment
from indexer.types.face import Box, Face, LandmarkSource, rotation_degrees
from indexer.types.gallery_state import GalleryState, IndexedGallery
from indexer.types.part import Part, block_of_people
from indexer.types.policy import DuplicateCheck, LivenessPolicy, OnSeveralFaces, PersonScore
from indexer.types.quality import RECOGNISABILITY, Quality
from indexer.types.search import NearPerson, Neighbour, Tier
from indexer.types.template import Template

__all__ = [
    "LOG_START",
    "RECOGNISABILITY",
    "SENSITIVE",
    "Attribute",
    "Box",
    "Change",
    "ChangeKind",
    "Crop",
    "DuplicateCheck",
    "Enrolment",
    "Face",
    "GalleryState",
    "Image",
    "IndexedGallery",
    "Keys",
    "LandmarkSource",
    "LivenessPolicy",
    "LogPosition",
    "NearPerson",
    "Neighbour",
    "OnSeveralFaces",
    "Owners",
    "Part",
    "PersonScore",
    "Points",
    "Quality",
    "Template",
    "Tier",
    "Vectors",
    "block_of_people",
    "needed_for",
    "rotation_degrees",
]
