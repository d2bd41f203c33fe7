"""Bodies of imports and their files."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.imports.receive import Received
from indexer.imports.status import Status
from indexer.records import tables
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases.answers import ID_EXAMPLE
from indexer.usecases.answers.attributes import AttributeEstimate
from service.schemas.attributes import RequestedAttributes
from service.schemas.places import OneBox, OneLandmarks

FileState = Literal["waiting", "enrolled", "known", "rejected", "failed", "skipped", "cancelled"]


class ImportNew(BaseModel):
    model_config = {"extra": "forbid"}

    key: str | None = Field(
        default=None,
        max_length=255,
        description="Idempotency key of your choice: if the same request is sent again, it returns the"
        " import that exists",
        examples=["badges-2026-01"],
    )
    name: str | None = Field(
        default=None, description="Name of the import, for display", examples=["Badges of January"]
    )
    people_by: Literal["folder", "file", "nobody"] = Field(
        default="folder",
        description="Used without a manifest. `folder`: each person has a folder, whose name becomes the"
        " external_id; `file`: each person has one file, whose name becomes the external_id; `nobody`: nobody"
        " has named the people: every face of each picture becomes an anonymous identity, and `several_faces`"
        " and `allow_duplicates` have no effect",
    )
    several_faces: OnSeveralFaces = Field(
        default=OnSeveralFaces.REJECT,
        description="For a picture with several faces. `reject`: reject it; `largest`: enrol the largest"
        " face; `subject`: enrol the largest face only if it is clearly the subject",
    )
    allow_duplicates: bool = Field(
        default=False, description="Also enrol people whom the duplicate check of the gallery would reject"
    )
    attributes: RequestedAttributes = []
    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="A folder or a ZIP archive on the server, relative to `GEMEL_IMPORT_FOLDER`; null: you"
        " send the files",
        examples=[None],
    )
    files: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        default=None,
        description="Number of files that you will send, for the time estimate",
        examples=[50_000],
    )


class ImportCounts(BaseModel):
    """Files by state."""

    waiting: int = Field(description="Not yet enrolled", examples=[12])
    enrolled: int = Field(description="A face of the person is enrolled", examples=[48])
    known: int = Field(description="The same picture was already enrolled for this person")
    rejected: int = Field(
        description="Not a readable picture, no face, or too low a quality; `code` says why", examples=[2]
    )
    failed: int = Field(description="An error of the server: a retry may succeed")
    skipped: int = Field(description="Not used, because of its name, its folder or its line in the manifest")
    cancelled: int = Field(description="The import was cancelled before this file was enrolled")


class Import(BaseModel):
    id: UUID = Field(description="Assigned by Gemel", examples=[ID_EXAMPLE])
    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    state: str = Field(
        description="receiving: files may be sent, and are enrolled; enrolling: no more files are sent;"
        " done; cancelled",
        examples=["enrolling"],
    )
    key: str | None = Field(description="Idempotency key of the client", examples=["badges-2026-01"])
    name: str | None = Field(description="Name of the import, for display", examples=["Badges of January"])
    people_by: str = Field(description="folder, file or nobody", examples=["folder"])
    several_faces: str = Field(description="reject, subject or largest", examples=["reject"])
    allow_duplicates: bool = Field(description="Whether the duplicate check only reports")
    attributes: list[Attribute] = Field(description="Estimated of each enrolled face; see its file")
    path: str | None = Field(description="Where the server reads the files; null: they are sent")
    problem: str | None = Field(description="Why the path could not be read completely; null if it could")
    waits_for: str | None = Field(
        description="Why no server enrols the files that wait, such as weights that are missing; null if they"
        " are being enrolled"
    )
    created_by: str = Field(description="Name of the API key", examples=["badge office"])
    created_at: datetime = Field(description="Time of its creation")
    ended_at: datetime | None = Field(description="Time of its end; null before it")
    files: int = Field(description="Files that have arrived", examples=[62])
    files_expected: int | None = Field(description="Number of files that the client announced", examples=[62])
    counts: ImportCounts = Field(description="Files by state")
    reasons: dict[str, int] = Field(
        description="Files that are not enrolled, by `code`", examples=[{"no_face_found": 2}]
    )
    people: int = Field(description="Number of different people in the files", examples=[50])
    people_enrolled: int = Field(
        description="Number of these people with an enrolled picture, from this import or before",
        examples=[48],
    )
    waiting_bytes: int = Field(description="Bytes of the files that wait")
    files_per_second: float | None = Field(
        description="Over the last minute; null if no file was processed in it", examples=[17.2]
    )
    seconds_left: float | None = Field(
        description="Estimate at this rate; null if it is unknown, or the import has ended", examples=[0.7]
    )
    summary: str = Field(
        description="Progress in words", examples=["48 of 50 people enrolled, 2 files rejected, 12 waiting"]
    )

    @classmethod
    def of(cls, status: Status) -> "Import":
        job, progress = status.job, status.progress
        return cls(
            id=job.id,
            gallery=status.gallery,
            state=job.state,
            key=job.key,
            name=job.name,
            people_by=job.people_by,
            several_faces=job.several_faces,
            allow_duplicates=job.allow_duplicates,
            attributes=list(map(Attribute, job.attributes)),
            path=job.path,
            problem=job.problem,
            waits_for=status.waits_for,
            created_by=job.caller_name,
            created_at=job.created_at,
            ended_at=job.ended_at,
            files=progress.files,
            files_expected=job.files_expected,
            counts=ImportCounts(**progress.counts),
            reasons=progress.reasons,
            people=progress.people,
            people_enrolled=progress.people_enrolled,
            waiting_bytes=progress.waiting_bytes,
            files_per_second=_rounded(progress.files_per_second),
            seconds_left=_rounded(status.seconds_left),
            summary=status.summary,
        )


class ImportPage(BaseModel):
    imports: list[Import] = Field(description="The newest first")
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last page"
    )


class ImportReceived(BaseModel):
    files: int = Field(description="Files of this request", examples=[32])
    added: int = Field(
        description="Files that the import did not have yet, by name and content", examples=[32]
    )
    skipped: int = Field(
        description="Files that are not used; `code` in the list of the import's files says why"
    )

    @classmethod
    def of(cls, received: Received) -> "ImportReceived":
        return cls(files=received.files, added=received.added, skipped=received.skipped)


class ImportFile(BaseModel):
    id: int = Field(description="Number of the file", examples=[17])
    name: str = Field(description="Name of the file, with its folder", examples=["Grace_Hopper/1.jpg"])
    size: int = Field(description="Size of the file that was sent, in bytes", examples=[61306])
    sha256: str = Field(description="SHA-256 of its content, in hexadecimal", examples=["9f86d081884c7d65"])
    external_id: str | None = Field(description="External id of the person; null for a skipped file")
    person_name: str | None = Field(description="Name of the person", examples=["Grace Hopper"])
    state: str = Field(
        description="waiting, enrolled, known, rejected, failed, skipped or cancelled", examples=["rejected"]
    )
    code: str | None = Field(description="Why it is not enrolled, for programs", examples=["no_face_found"])
    message: str | None = Field(description="The same, for people", examples=["no face was found"])
    identity_id: UUID | None = Field(description="The person, if enrolled; null if not")
    has_picture: bool = Field(description="Whether a small picture of the file is kept", examples=[True])
    attributes: dict[str, AttributeEstimate] = Field(
        description="Of the enrolled face, those in the import's `attributes` that are still permitted, by"
        " name. They are kept as long as the import and the face are, the face is this person's, and the"
        " gallery's policy permits them",
        examples=[{}],
    )

    @classmethod
    def of(cls, file: tables.ImportFile, has_picture: bool, permitted: Collection[str]) -> "ImportFile":
        """`permitted`: attributes."""
        return cls(
            id=file.id,
            name=file.name,
            size=file.size,
            sha256=bytes(file.sha256).hex(),
            external_id=file.external_id,
            person_name=file.person_name,
            state=file.state,
            code=file.code,
            message=file.message,
            identity_id=file.identity_id,
            has_picture=has_picture,
            attributes={
                name: AttributeEstimate.model_validate(estimate)
                for name, estimate in (file.estimates or {}).items()
                if name in permitted
            },
        )


class ImportFilePage(BaseModel):
    files: list[ImportFile] = Field(description="In the order of their arrival")
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null on the last page"
    )


class ImportEntry(BaseModel):
    """The person of a file in a form."""

    model_config = {"extra": "forbid"}

    file: str = Field(description="Name of the file, with its folder")
    external_id: str | None = Field(
        default=None, description="External id of the person; default: from the file's name"
    )
    name: str | None = Field(default=None, description="Name of the person")
    metadata: dict[str, Any] = Field(default={}, description="Metadata of the person")
    box: OneBox = None
    landmarks: OneLandmarks = None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
