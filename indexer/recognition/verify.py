"""Are these two the same person?"""

from dataclasses import dataclass
from uuid import UUID

import numpy as np

from indexer.errors import EmbeddingsMissing, NoFaceFound
from indexer.recognition import threshold as thresholds
from indexer.recognition.camera import Camera, SeenFace, Stopwatch
from indexer.recognition.identify import distance
from indexer.records import faces, galleries, identities
from indexer.records.session import Database


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verification:
    score: float
    """Cosine similarity, -1 to 1."""
    matched: bool
    threshold: float
    model: str
    seen: list[SeenFace]
    """The face that was compared, of each picture."""
    face_id: UUID | None
    """The enrolled face that came nearest, where the comparison was with an identity."""
    timings_ms: dict[str, float]

    @property
    def distance(self) -> float:
        return distance(self.score)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    database: Database
    camera: Camera
    fmr: float

    def verify_pair(
        self, image_a: bytes, image_b: bytes, *, threshold: float | None = None, watch: Stopwatch | None = None
    ) -> Verification:
        """The largest face of each. Raises NoFaceFound, and what a picture deserves."""
        watch = watch or Stopwatch()
        seen = [self._largest(image_a, "image_a", watch), self._largest(image_b, "image_b", watch)]
        a, b = self.camera.embed(seen, watch)
        return self._verdict(float(a @ b), seen, None, threshold, watch)

    def verify_identity(
        self,
        gallery_name: str,
        identity_id: UUID,
        image: bytes,
        *,
        threshold: float | None = None,
        watch: Stopwatch | None = None,
    ) -> Verification:
        """The largest face against the nearest of the identity's.

        Raises GalleryNotFound, IdentityNotFound, NoFaceFound (of the picture or of the identity),
        EmbeddingsMissing, and what the picture deserves.
        """
        watch = watch or Stopwatch()
        fingerprint = self.camera.embedder.card.fingerprint
        with watch.stage("database"), self.database.reading() as session:
            gallery = galleries.get(session, gallery_name)
            identities.get(session, gallery.id, identity_id)
            face_ids, enrolled = faces.vectors_of(session, identity_id, fingerprint)
            if not face_ids:
                if faces.enrolled_images(session, identity_id):
                    raise EmbeddingsMissing(
                        f"the identity was enrolled with another model than {fingerprint}", model=fingerprint
                    )
                raise NoFaceFound("the identity has no enrolled face to compare with")
        seen = self._largest(image, "image", watch)
        [probe] = self.camera.embed([seen], watch)
        scores = enrolled @ probe
        best = int(np.argmax(scores))
        return self._verdict(float(scores[best]), [seen], face_ids[best], threshold, watch)

    def _largest(self, data: bytes, field: str, watch: Stopwatch) -> SeenFace:
        photograph = self.camera.look(data, watch, max_faces=1)
        if not photograph.faces:
            raise NoFaceFound(f"no face was found in {field}", field=field)
        return photograph.faces[0]

    def _verdict(
        self,
        score: float,
        seen: list[SeenFace],
        face_id: UUID | None,
        threshold: float | None,
        watch: Stopwatch,
    ) -> Verification:
        card = self.camera.embedder.card
        if threshold is None:
            threshold = thresholds.for_fmr(card, self.fmr)
        return Verification(
            score=score,
            matched=score >= threshold,
            threshold=threshold,
            model=card.fingerprint,
            seen=seen,
            face_id=face_id,
            timings_ms=watch.milliseconds | {"total": watch.total},
        )
