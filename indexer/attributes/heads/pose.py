"""Where a head is turned, by Open Model Zoo's head-pose-estimation-adas-0001.

Yaw and pitch are the network's. Roll, in the picture's plane, is the angle of the landmarks: the roll
by the network follows it only loosely.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView, once
from indexer.inference.network import Network, read_ir
from indexer.vision.align import ARCFACE_112, similarity
from indexer.vision.surroundings import with_surroundings

SIDE_PX = 60
BOX_SCALE = 1.2
"""The network was trained with another detector. Of 1, 1.2 and 1.4 times the box, this agrees best with the
mirror image of a face: 3 degrees of yaw."""
MIN_FACE_PX = 16.0
FRONTAL_DEGREES = 20.0
"""Largest yaw and pitch of a `frontal` face."""
WORDS = FRONTAL, LEFT, RIGHT, UP, DOWN = ("frontal", "left", "right", "up", "down")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadPose:
    """In degrees. 0, 0, 0: into the camera, upright."""

    yaw: float
    """Positive: turned to the right of the picture."""
    pitch: float
    """Positive: down."""
    roll: float
    """Positive: tilted clockwise, as it is seen in the picture."""

    @property
    def turned(self) -> float:
        """To a side, or up or down, whichever is more."""
        return max(abs(self.yaw), abs(self.pitch))

    @property
    def word(self) -> str:
        if self.turned <= FRONTAL_DEGREES:
            return FRONTAL
        if abs(self.yaw) >= abs(self.pitch):
            return RIGHT if self.yaw > 0 else LEFT
        return DOWN if self.pitch > 0 else UP


class PoseHead:
    def __init__(self, graph: bytes, weights: bytes, *, threads: int) -> None:
        """Raises RuntimeError if they are no network."""
        self._network = Network(read_ir(graph, weights), threads=threads)

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [self._estimate(face) for face in faces]  # the network takes one face at a time

    def _estimate(self, face: FaceView) -> Estimate:
        if face.quality.face_px < MIN_FACE_PX:
            return Estimate.nothing(CannotTell.TOO_SMALL)
        pose = self.pose(face)
        angles = {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll}
        return Estimate(value=pose.word, confidence=None, unit="degrees", scores=angles)

    def pose(self, face: FaceView) -> HeadPose:
        """The network runs once for a face."""
        [pose] = once(self, [face], lambda _: [self._pose(face)])
        return pose

    def _pose(self, face: FaceView) -> HeadPose:
        pixels = with_surroundings(face.pixels, face.face.scaled(1 / face.divisor).box, BOX_SCALE, SIDE_PX)
        turns = -(face.face.rotation_degrees // 90)  # NumPy counts them counterclockwise
        upright = np.rot90(pixels, turns)
        inputs = upright[..., ::-1].transpose(2, 0, 1)[np.newaxis].astype(np.float32)
        pitch, _, yaw = (output.item() for output in self._network.run(np.ascontiguousarray(inputs)))
        return HeadPose(yaw=yaw, pitch=pitch, roll=roll_degrees(face))


def roll_degrees(face: FaceView) -> float:
    """-180 to 180, by all five landmarks."""
    upright = similarity(face.face.landmarks, ARCFACE_112.points)
    return -math.degrees(math.atan2(upright[1, 0], upright[0, 0]))
