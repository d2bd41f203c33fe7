"""Pictures: how large they may be, imports, detection, and the quality that is required."""

from pathlib import Path

from pydantic import BaseModel, Field


class PictureSettings(BaseModel):
    max_upload_mb: float = Field(
        default=64.0,
        gt=0,
        description="Largest request body, in MB (10^6 bytes); the default has room for a JPEG of 200"
        " megapixels",
    )
    max_image_megapixels: float = Field(
        default=50.0,
        gt=0,
        description="Largest decoded picture, in millions of pixels. A JPEG may have five times as"
        " many: it is decoded at a half or a quarter of its sides",
    )
    max_decoding_s: float = Field(
        default=10.0,
        ge=1,
        description="Limit of processor time for decoding a picture, in seconds; smaller pictures have"
        " a lower limit",
    )
    decoding_patience_s: float = Field(
        default=10.0,
        ge=0,
        description="Seconds that a request waits for its turn to be decoded and searched for faces,"
        " before 503",
    )
    max_images: int = Field(
        default=20, ge=1, description="Largest number of pictures in one enrolment request"
    )
    max_faces: int = Field(default=50, ge=1, description="Largest `max_faces` of an identification")
    max_candidates: int = Field(
        default=100, ge=1, description="Largest `max_candidates` of an identification"
    )
    import_threads: int | None = Field(
        default=None,
        ge=0,
        description="Threads of a serving process that enrol the files of imports; 0: none, other processes"
        " must do it; default: two more than the process has cores",
    )
    import_waiting_mb: float = Field(
        default=1000.0,
        gt=0,
        description="Most data of imports that may wait in PostgreSQL, in MB (10^6 bytes); while more waits,"
        " requests that send files get 503",
    )
    import_folder: Path | None = Field(
        default=None,
        description="Folder on the server from which imports may read files, given by a path; default: none",
    )
    import_days: float = Field(
        default=30.0,
        gt=0,
        description="Days after its end for which an import is listed, with small pictures of its rejected"
        " files, or a transfer of an export",
    )
    transfer_waiting_mb: float = Field(
        default=10_000.0,
        ge=0,
        description="Most data of uploaded exports that may wait in PostgreSQL, in MB (10^6 bytes), all"
        " together; a transfer that would exceed it is rejected when it begins; 0: no uploads of exports",
    )
    detection_size_px: int = Field(
        default=1024,
        ge=64,
        description="Pictures are scaled down to this longer side for face detection, never up",
    )
    min_detection_confidence: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Lowest confidence of the detector for a face. If no face of a picture reaches 0.9,"
        " the detector runs again on doubtful faces; those below the lowest confidence must then exceed it by"
        " 0.08",
    )
    min_face_px: float = Field(
        default=28.0,
        ge=0,
        description="Shorter side of a face's box, in pixels, below which an enrolment is rejected",
    )
    min_sharpness: float = Field(
        default=0.004,
        ge=0,
        description="Sharpness of a face (Laplacian energy over variance) below which an enrolment is"
        " rejected",
    )
    min_quality: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="Quality score of a face, 0 to 100, below which an enrolment is rejected",
    )
    max_miss_rate: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="Expected miss rate of a face above which an enrolment is rejected; 1: no limit. It needs"
        " the quality network `lightqnet`",
    )
    min_match_face_px: float = Field(
        default=0.0,
        ge=0,
        description="Shorter side of a face's box, in pixels, below which a face matches nobody; 0: no limit",
    )
    min_match_sharpness: float = Field(
        default=0.0,
        ge=0,
        description="Sharpness of a face (Laplacian energy over variance) below which a face matches"
        " nobody; 0: no limit",
    )
    max_match_miss_rate: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="Expected miss rate of a face above which it matches nobody; 1: no limit. It needs the"
        " quality network `lightqnet`",
    )

    @property
    def max_upload_bytes(self) -> int:
        return int(self.max_upload_mb * 1e6)

    @property
    def import_waiting_bytes(self) -> float:
        return self.import_waiting_mb * 1e6

    @property
    def transfer_waiting_bytes(self) -> float:
        return self.transfer_waiting_mb * 1e6

    @property
    def max_pixels(self) -> int:
        return int(self.max_image_megapixels * 1e6)
