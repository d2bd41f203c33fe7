"""`gemel identify`, `gemel verify`.

The engine is imported inside the commands: torch takes seconds that `--help` should not.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from indexer.cli.commands import Gallery, Json
from indexer.cli.output import escape_text, fail, out, print_result
from indexer.errors import GemelError, InvalidInput, NoFaceFound, SeveralFaces
from indexer.settings import Settings
from indexer.types import OnSeveralFaces

if TYPE_CHECKING:
    from indexer.usecases.answers.identify import IdentifyAnswer
    from indexer.usecases.match_limits import UnmatchedReason

Threshold = Annotated[float | None, typer.Option(min=-1, max=1, help="Least score of a match.")]

_WIDE = 100
"""Columns of a terminal that has room for external ids too."""


def identify(
    images: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    gallery: Gallery,
    max_faces: Annotated[int, typer.Option(min=1, help="Most faces of each picture, largest first.")] = 10,
    max_candidates: Annotated[int, typer.Option(min=1, help="Most people for each face.")] = 1,
    unique_identities: Annotated[
        bool, typer.Option("--unique-identities", help="Each person for one face only, the most similar.")
    ] = False,
    threshold: Threshold = None,
    json: Json = None,
) -> None:
    """Say who is in photographs, out of a gallery.

    Example: `gemel identify party.jpg --gallery staff`
    """
    from indexer.records.database import schema
    from indexer.usecases.answers.identify import IdentifyAnswer
    from indexer.usecases.bootstrap import open_engine

    settings = Settings()
    rows: list[dict[str, Any]] = []
    answers: list[IdentifyAnswer] = []
    columns = ["Image", "Face", "Quality", "Name", "External id", "Score", "Matched"]
    if out.width < _WIDE:
        columns.remove("External id")
    table = Table(*(Column(name, overflow="fold") for name in columns))
    with open_engine(settings) as engine:
        schema.prepare(settings, engine.database)
        for path in images:
            try:
                identification = engine.identifier.identify(
                    gallery,
                    path.read_bytes(),
                    max_faces=max_faces,
                    max_candidates=max_candidates,
                    unique_identities=unique_identities,
                    threshold=threshold,
                )
            except GemelError as error:
                if len(images) == 1:
                    raise
                rows.append({"image": str(path), "code": error.code, "detail": error.message})
                table.add_row(escape_text(path.name), "", "", f"[red]{escape_text(error.message)}[/]")
                continue
            answer = IdentifyAnswer.of(identification)
            answers.append(answer)
            rows.append({"image": str(path)} | answer.model_dump(mode="json"))
            _add_rows(table, path, answer)

    def show() -> None:
        out.print(table)
        if answers:
            last = answers[-1]
            out.print(
                f"{last.gallery_size} faces searched, threshold {last.threshold:.3f}"
                f" ({_meaning(last)}), model {last.model}"
            )

    print_result(rows, json, show)
    if len(answers) < len(images):
        raise SystemExit(1)


def verify(
    image_a: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    image_b: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    threshold: Threshold = None,
    several_faces: Annotated[
        OnSeveralFaces,
        typer.Option(help="A photograph of several faces: reject it, or compare the largest face."),
    ] = OnSeveralFaces.REJECT,
    json: Json = None,
) -> None:
    """Say whether two photographs show the same person; needs no database.

    Example: `gemel verify passport.jpg selfie.jpg`
    """
    from indexer.calibration.active import of_card
    from indexer.usecases.answers.verify import VerifyAnswer
    from indexer.usecases.bootstrap import open_pipeline
    from indexer.usecases.verify import verify_pair

    settings = Settings()
    paths = {"image_a": image_a, "image_b": image_b}
    with open_pipeline(settings) as pipeline:
        try:
            verification = verify_pair(
                pipeline,
                of_card(pipeline.card),
                image_a.read_bytes(),
                image_b.read_bytes(),
                fmr=settings.verify_fmr,
                threshold=threshold,
                several_faces=several_faces,
            )
        except InvalidInput as error:
            fail(_about(paths[str(error.details["field"])], error), code=error.code)
    answer = VerifyAnswer.of(verification)
    verdict = "[green]the same person[/]" if answer.matched else "[red]two people[/]"
    sentence = (
        f"{verdict}: score {answer.score:.4f}, threshold {answer.threshold:.4f}"
        f" (at most {answer.fmr:g} of strangers pass), model {answer.model}"
    )

    def show() -> None:
        out.print(sentence, soft_wrap=True)
        for path, face in zip(paths.values(), answer.faces, strict=True):
            box, count = face.box, face.faces_found
            out.print(
                f"{escape_text(path.name)}: {count} {'face' if count == 1 else 'faces'};"
                f" compared the one at ({box.x:.0f}, {box.y:.0f}), {box.width:.0f} x {box.height:.0f} pixels",
                highlight=False,
                soft_wrap=True,
            )

    named = {field: str(path) for field, path in paths.items()}
    print_result(named | answer.model_dump(mode="json"), json, show)


def _about(path: Path, error: InvalidInput) -> str:
    if isinstance(error, SeveralFaces):
        return (
            f"{path}: it shows {error.details['measured']} faces;"
            " `--several-faces largest` compares the largest"
        )
    if isinstance(error, NoFaceFound):
        return f"{path}: no face was found"
    return f"{path}: {error.message}"


def _meaning(answer: "IdentifyAnswer") -> str:
    meaning = f"FPIR {answer.estimated_fpir:.2g} by the {answer.calibration}"
    if answer.estimated_fpir_interval:
        low, high = answer.estimated_fpir_interval
        meaning += f", {low:.2g} to {high:.2g}"
    return meaning if answer.fpir_trusted else f"{meaning}: an extrapolation"


def _no(reason: "UnmatchedReason | None") -> str:
    return "no" if reason is None else f"no: {reason.value.removeprefix('face_').replace('_', ' ')}"


def _add_rows(table: Table, path: Path, answer: "IdentifyAnswer") -> None:
    if not answer.faces:
        table.add_row(escape_text(path.name), "", "", "[dim]no face[/]")
    for number, face in enumerate(answer.faces, start=1):
        where = (escape_text(path.name) if number == 1 else "", str(number), f"{face.quality.score:.0f}")
        if not face.candidates:
            nobody = "nobody else" if answer.gallery_size else "nobody is enrolled"
            table.add_row(*where, f"[dim]{nobody}[/]")
        for candidate in face.candidates:
            identity = candidate.identity
            who = [identity.name or "", identity.external_id or ""]
            if out.width < _WIDE:
                who = [identity.name or identity.external_id or str(identity.id)]
            table.add_row(
                *where,
                *map(escape_text, who),
                f"{candidate.score:.3f}",
                "[green]yes[/]" if candidate.matched else _no(face.unmatched_reason),
            )
            where = ("", "", "")
