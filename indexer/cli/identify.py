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
    from indexer.pipeline.pipeline import AlignedFace
    from indexer.usecases.identify import Identification
    from indexer.usecases.match_limits import UnmatchedReason

Threshold = Annotated[
    float | None, typer.Option(min=-1, max=1, help="Score from which on a candidate matches.")
]

_WIDE = 100
"""Columns of a terminal that has room for external ids too."""


def identify(
    images: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    gallery: Gallery,
    max_faces: Annotated[int, typer.Option(min=1, help="So many faces of each picture, largest first.")] = 10,
    max_candidates: Annotated[int, typer.Option(min=1, help="So many people for each face.")] = 1,
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
    from indexer.usecases.bootstrap import open_engine

    settings = Settings()
    answers: list[dict[str, Any]] = []
    columns = ["Image", "Face", "Quality", "Name", "External id", "Score", "Matched"]
    if out.width < _WIDE:
        columns.remove("External id")
    table = Table(*(Column(name, overflow="fold") for name in columns))
    failed = False
    with open_engine(settings) as engine:
        schema.prepare(settings, engine.database)
        for path in images:
            try:
                answer = engine.identifier.identify(
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
                failed = True
                answers.append({"image": str(path), "error": error.code, "detail": error.message})
                table.add_row(escape_text(path.name), "", "", f"[red]{escape_text(error.message)}[/]")
                continue
            answers.append(_identification_json(path, answer))
            _add_rows(table, path, answer)

    def show() -> None:
        out.print(table)
        if answers and "threshold" in answers[-1]:
            last = answers[-1]
            out.print(
                f"{last['gallery_size']} faces searched, threshold {last['threshold']:.3f}"
                f" ({_meaning(last)}), model {last['model']}"
            )

    print_result(answers, json, show)
    if failed:
        raise SystemExit(1)


def verify(
    image_a: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    image_b: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    threshold: Threshold = None,
    several: Annotated[
        OnSeveralFaces,
        typer.Option(help="Photographs of several faces: reject them, or compare the largest face."),
    ] = OnSeveralFaces.REJECT,
    json: Json = None,
) -> None:
    """Say whether two photographs show the same person; needs no database.

    Example: `gemel verify passport.jpg selfie.jpg`
    """
    from indexer.calibration.active import of_card
    from indexer.usecases.bootstrap import open_pipeline
    from indexer.usecases.verify import verify_pair

    settings = Settings()
    with open_pipeline(settings) as pipeline:
        try:
            verdict = verify_pair(
                pipeline,
                of_card(pipeline.card),
                image_a.read_bytes(),
                image_b.read_bytes(),
                fmr=settings.verify_fmr,
                threshold=threshold,
                several=several,
            )
        except InvalidInput as error:
            paths = {"image_a": image_a, "image_b": image_b}
            fail(_about(paths[str(error.details["field"])], error), code=error.code)
    answer = "[green]the same person[/]" if verdict.matched else "[red]two people[/]"
    sentence = (
        f"{answer}: score {verdict.score:.4f}, threshold {verdict.decision.threshold:.4f}"
        f" (at most {settings.verify_fmr:g} of strangers pass), model {verdict.model}"
    )
    compared = list(zip((image_a, image_b), verdict.faces, strict=True))

    def show() -> None:
        out.print(sentence, soft_wrap=True)
        for path, face in compared:
            box = face.seen.face.box
            out.print(
                f"{escape_text(path.name)}: {face.found} {'face' if face.found == 1 else 'faces'};"
                f" compared the one at ({box.x:.0f}, {box.y:.0f}), {box.width:.0f} x {box.height:.0f} pixels",
                highlight=False,
                soft_wrap=True,
            )

    told = {
        "score": verdict.score,
        "distance": verdict.distance,
        "matched": verdict.matched,
        "threshold": verdict.decision.threshold,
        "calibration": verdict.decision.calibration,
        "model": verdict.model,
        "faces": [
            {
                "image": str(path),
                "faces_found": face.found,
                "box": _box_json(face.seen),
                "rotation_degrees": face.seen.face.rotation_degrees,
                "quality": face.seen.quality.score,
            }
            for path, face in compared
        ],
    }
    print_result(told, json, show)


def _about(path: Path, error: InvalidInput) -> str:
    if isinstance(error, SeveralFaces):
        return f"{path}: it shows {error.details['measured']} faces; `--several largest` compares the largest"
    if isinstance(error, NoFaceFound):
        return f"{path}: no face was found"
    return f"{path}: {error.message}"


def _meaning(answer: dict[str, Any]) -> str:
    told = f"FPIR {answer['estimated_fpir']:.2g} by the {answer['calibration']}"
    if answer["estimated_fpir_interval"]:
        low, high = answer["estimated_fpir_interval"]
        told += f", {low:.2g} to {high:.2g}"
    return told if answer["fpir_trusted"] else f"{told}: beyond what it can vouch for"


def _identification_json(path: Path, answer: "Identification") -> dict[str, Any]:
    return {
        "image": str(path),
        "faces": [
            {
                "box": _box_json(face.seen),
                "quality": face.seen.quality.score,
                "unmatched_reason": face.unmatched_reason,
                "candidates": [
                    {
                        "identity": {
                            "id": c.owner.identity_id,
                            "external_id": c.owner.external_id,
                            "name": c.owner.name,
                        },
                        "score": c.score,
                        "distance": c.distance,
                        "matched": c.matched,
                        "face_id": c.owner.face_id,
                    }
                    for c in face.candidates
                ],
            }
            for face in answer.faces
        ],
        "model": answer.model,
        "gallery_size": answer.gallery_size,
        "threshold": answer.decision.threshold,
        "fpir": answer.decision.target,
        "estimated_fpir": answer.decision.estimate.fpir,
        "estimated_fpir_interval": answer.decision.estimate.interval,
        "fpir_trusted": answer.decision.estimate.trusted,
        "calibration": answer.decision.calibration,
        "timings_ms": answer.timings_ms,
    }


def _box_json(seen: "AlignedFace") -> dict[str, float]:
    box = seen.face.box
    return {"x": box.x, "y": box.y, "width": box.width, "height": box.height}


def _no(reason: "UnmatchedReason | None") -> str:
    return "no" if reason is None else f"no: {reason.value.removeprefix('face_').replace('_', ' ')}"


def _add_rows(table: Table, path: Path, answer: "Identification") -> None:
    if not answer.faces:
        table.add_row(escape_text(path.name), "", "", "[dim]no face[/]")
    for number, face in enumerate(answer.faces, start=1):
        where = (escape_text(path.name) if number == 1 else "", str(number), f"{face.seen.quality.score:.0f}")
        if not face.candidates:
            nobody = "nobody else" if answer.gallery_size else "nobody is enrolled"
            table.add_row(*where, f"[dim]{nobody}[/]")
        for candidate in face.candidates:
            owner = candidate.owner
            who = [owner.name or "", owner.external_id or ""]
            if out.width < _WIDE:
                who = [owner.name or owner.external_id or str(owner.identity_id)]
            table.add_row(
                *where,
                *map(escape_text, who),
                f"{candidate.score:.3f}",
                "[green]yes[/]" if candidate.matched else _no(face.unmatched_reason),
            )
            where = ("", "", "")
