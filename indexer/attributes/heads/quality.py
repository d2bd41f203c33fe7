"""The quality of a face in words: what to do for a better picture, and its components by the names of
ISO/IEC 29794-5."""

from collections.abc import Sequence

import numpy as np

from indexer.attributes import iso_29794_5
from indexer.attributes.advised import advised
from indexer.attributes.estimate import Estimate
from indexer.attributes.head import FaceView, Head
from indexer.attributes.heads.pose import HeadPose, PoseHead, roll_degrees
from indexer.types import Attribute
from indexer.vision.advice import Advice, advice


class QualityHead:
    """With the heads whose weights are on this machine. Without that of the pose, the landmarks alone say
    where the face is turned; without the others, nothing is said of masks, sunglasses or closed eyes. The
    network of an attribute that is not permitted does not run, as if its weights were missing."""

    def __init__(
        self,
        pose: PoseHead | None,
        mask: Head | None = None,
        glasses: Head | None = None,
        eyes: Head | None = None,
    ) -> None:
        self._pose = pose
        self._advising = {Attribute.MASK: mask, Attribute.GLASSES: glasses, Attribute.EYES: eyes}

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [self._estimate(face) for face in faces]

    def _estimate(self, face: FaceView) -> Estimate:
        pose = self._pose.pose(face) if self._pose is not None and face.permits(Attribute.POSE) else None
        roll = roll_degrees(face)
        what_helps = advice(
            face.quality,
            turned_degrees=None if pose is None else pose.turned,
            tilted_degrees=roll,
            share_inside=face.share_inside,
            advised=self._advised(face),
        )
        return Estimate(
            value=tuple(each.value for each in what_helps),
            confidence=None,
            scores=measured(face, pose, roll),
            components=iso_29794_5.components(face, pose, roll),
        )

    def _advised(self, face: FaceView) -> tuple[Advice, ...]:
        return advised(
            {
                attribute.value: head.estimate([face])[0]
                for attribute, head in self._advising.items()
                if head is not None and face.permits(attribute)
            }
        )


def measured(face: FaceView, pose: HeadPose | None, roll: float) -> dict[str, float]:
    """As Gemel measures them, in units of its own. `iso_29794_5` has the standard's."""
    quality = face.quality
    left, right = face.face.landmarks[:2]
    figures = {
        "inter_eye_distance": float(np.hypot(*(right - left))),
        "sharpness": quality.sharpness,
        "luminance_mean": (quality.brightness or 0.0) / 255,
        "face_in_picture": 100 * face.share_inside,
        "head_pose_roll": roll,
    }
    if pose is not None:
        figures |= {"head_pose_yaw": pose.yaw, "head_pose_pitch": pose.pitch}
    return figures
