"""`gemel identify` and `gemel verify`.

The engine is imported inside the commands: `--help` should not wait until its libraries are imported.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from indexer.cli.box import HELP, METAVAR, check_box, place_of
from indexer.cli.commands import Gallery, Json
from indexer.cli.output import describe_quality, escape_text, fail, out, print_result, quantity
from indexer.errors import GemelError, InvalidInput, NoFaceFound, SeveralFaces
from indexer.settings import Settings
from indexer.types import OnSeveralFaces

if TYPE_CHECKING:
    from indexer.usecases.answers.identify import Candidate, IdentifyAnswer
    from indexer.usecases.searches.match_limits import UnmatchedReason

Threshold = Annotated[
    float | None,
    typer.Option(min=-1, max=1, help="Score from which a match counts.", show_default="by policy"),
]

Box = Annotated[str | None, typer.Option("--box", metavar=METAVAR, callback=check_box, help=HELP)]

_WIDE = 100
"""Width in columns from which a terminal has room for external ids too."""


def identify(
    images: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Photographs.")],
    gallery: Gallery,
    max_faces: Annotated[
        int, typer.Option(min=1, help="Most faces to identify in each photograph, largest first.")
    ] = 10,
    max_candidates: Annotated[int, typer.Option(min=1, help="Most candidates for each face.")] = 1,
    unique_identities: Annotated[
        bool, typer.Option("--unique-identities", help="Match each person to the most similar face only.")
    ] = False,
    threshold: Threshold = None,
    box: Box = None,
    remember: Annotated[
        bool,
        typer.Option(
            help="Remember unknown faces, if that is the gallery's policy. With `--threshold`: never."
        ),
    ] = True,
    json: Json = None,
) -> None:
    """Identify the faces in photographs among the people of a gallery.

    Example: `gemel identify party.jpg --gallery staff`
    """
    from indexer.records.database import schema
    from indexer.usecases.answers.identify import IdentifyAnswer
    from indexer.usecases.bootstrap import open_engine

    if box is not None and len(images) > 1:
        raise typer.BadParameter("--box is for one photograph")
    settings = Settings()
    rows: list[dict[str, Any]] = []
    answers: list[IdentifyAnswer] = []
    columns = ["Image", "Face", "Quality", "Name", "External id", "Score", "Nearest, template", "Matched"]
    if out.width < _WIDE:
        columns.remove("External id")
        columns.remove("Nearest, template")
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
                    place=place_of(box),
                    remember=remember,
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
                f"{quantity(last.gallery_size, 'face')} searched; threshold {last.threshold:.3f},"
                f" {_describe_fpir(last)}; model {last.model}",
                soft_wrap=True,
            )

    print_result(rows, json, show)
    if len(answers) < len(images):
        raise SystemExit(1)


def verify(
    image_a: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The first photograph.")],
    image_b: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The second photograph.")],
    threshold: Threshold = None,
    several_faces: Annotated[
        OnSeveralFaces,
        typer.Option(
            help="Photographs with several faces: reject them, or compare the largest face; with `subject`,"
            " if it is clearly the subject: much larger than the others, and near the middle."
        ),
    ] = OnSeveralFaces.REJECT,
    box_a: Annotated[
        str | None,
        typer.Option(metavar=METAVAR, callback=check_box, help="Of the first photograph, as in `identify`."),
    ] = None,
    box_b: Annotated[
        str | None, typer.Option(metavar=METAVAR, callback=check_box, help="Of the second photograph.")
    ] = None,
    json: Json = None,
) -> None:
    """Compare two photographs: do they show the same person? Needs no database.

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
                place_a=place_of(box_a),
                place_b=place_of(box_b),
            )
        except InvalidInput as error:
            fail(_about(paths[str(error.details["field"])], error), code=error.code)
    answer = VerifyAnswer.of(verification)
    verdict = "[green]same person[/]" if answer.matched else "[red]different people[/]"
    sentence = (
        f"{verdict}: score {answer.score:.4f}, threshold {answer.threshold:.4f}"
        f" (estimated FMR {answer.estimated_fmr:.2g}); model {answer.model}"
    )

    def show() -> None:
        out.print(sentence, soft_wrap=True)
        out.print(_share_of_strangers(answer.score_fmr, answer.score_fmr_trusted), soft_wrap=True)
        for path, face in zip(paths.values(), answer.faces, strict=True):
            box, quality = face.box, face.quality
            described = describe_quality(quality.score, quality.expected_miss_rate)
            out.print(
                f"{escape_text(path.name)}: {quantity(face.faces_found, 'face')}; compared the one at"
                f" ({box.x:.0f}, {box.y:.0f}), {box.width:.0f} x {box.height:.0f} pixels;"
                f" quality {described}",
                highlight=False,
                soft_wrap=True,
            )

    named = {field: str(path) for field, path in paths.items()}
    print_result(named | answer.model_dump(mode="json"), json, show)


def _about(path: Path, error: InvalidInput) -> str:
    if isinstance(error, SeveralFaces):
        return (
            f"{path}: found {error.details['measured']} faces; `--several-faces largest` compares the largest"
        )
    if isinstance(error, NoFaceFound):
        return f"{path}: no face was found"
    return f"{path}: {error.message}"


def _describe_fpir(answer: "IdentifyAnswer") -> str:
    estimate = f"estimated FPIR {answer.estimated_fpir:.2g}"
    if answer.estimated_fpir_interval:
        low, high = answer.estimated_fpir_interval
        estimate += f" ({low:.2g} to {high:.2g})"
    source = "model card" if answer.calibration == "card" else f"{answer.calibration}'s calibration"
    return f"{estimate} by the {source}" + ("" if answer.fpir_trusted else ", extrapolated")


def _describe_unmatched(reason: "UnmatchedReason | None") -> str:
    return "no" if reason is None else f"no: {reason.value.removeprefix('face_').replace('_', ' ')}"


def _describe_parts(candidate: "Candidate") -> str:
    """The two scores that the score is the mean of."""
    if candidate.template_score is None:
        return ""
    return f"{candidate.face_score:.3f}, {candidate.template_score:.3f} of {candidate.template_faces}"


def _add_rows(table: Table, path: Path, answer: "IdentifyAnswer") -> None:
    if not answer.faces:
        table.add_row(escape_text(path.name), "", "", "[dim]no face[/]")
    for number, face in enumerate(answer.faces, start=1):
        quality = describe_quality(face.quality.score, face.quality.expected_miss_rate)
        cells = (escape_text(path.name) if number == 1 else "", str(number), quality)
        if not face.candidates:
            reason = "no other person" if answer.gallery_size else "the gallery is empty"
            table.add_row(*cells, f"[dim]{reason}[/]")
        for candidate in face.candidates:
            identity = candidate.identity
            names, parts = [identity.name or "", identity.external_id or ""], [_describe_parts(candidate)]
            if out.width < _WIDE:
                names, parts = [identity.name or identity.external_id or str(identity.id)], []
            table.add_row(
                *cells,
                *map(escape_text, names),
                f"{candidate.score:.3f}",
                *parts,
                "[green]yes[/]" if candidate.matched else _describe_unmatched(face.unmatched_reason),
            )
            cells = ("", "", "")


def _share_of_strangers(fmr: float, is_trusted: bool) -> str:
    """`fmr`: of the score; if it is not trusted, the share is lower."""
    if fmr >= 0.5:
        return "most pairs of strangers score as high"
    pairs = float(f"{1 / fmr:.2g}")
    return f"{'one' if is_trusted else 'fewer than one'} pair of strangers in {pairs:,.0f} scores as high"
