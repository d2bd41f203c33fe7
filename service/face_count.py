"""How many faces a request has used, for the limit of its key."""


class FaceCount:
    """Routes add to it as soon as they know: a request that fails later has used them too."""

    def __init__(self) -> None:
        self._faces = 0

    def add(self, faces: int) -> None:
        self._faces += faces

    def take(self) -> int:
        """What was added since the last call."""
        faces, self._faces = self._faces, 0
        return faces
