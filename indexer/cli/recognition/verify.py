"""`gemel verify`.

The engine is imported inside the command: `--help` should not wait until its libraries are imported.
"""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.box import METAVAR, check_box, place_of
from indexer.cli.commands import Json, check_writable
from indexer.cli.output import (
    describe_quality,
    escape_text,
    fail,
    out,
    print_result,
    quantity,
    write_atomically,
)
from indexer.cli.recognition.attributes import print_attributes
from indexer.cli.recognition.options import Attributes, Threshold, parse_attributes
from indexer.errors import InvalidInput, NoFaceFound, SeveralFaces
from indexer.settings import Settings
from indexer.types import OnSeveralFaces

_COLOURS = (
    "cover what is red, and the score falls most; yellow, green, blue: less and less; parts in their own"
    " colours hardly matter"
)


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
        typer.Option(
            metavar=METAVAR,
            callback=check_box,
            help="Where the face is in the first photograph, as `--box` of `identify`.",
        ),
    ] = None,
    box_b: Annotated[
        str | None,
        typer.Option(metavar=METAVAR, callback=check_box, help="Where the face is in the second photograph."),
    ] = None,
    attributes: Attributes = "",
    explain: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jpg",
            dir_okay=False,
            callback=check_writable,
            help="Write a picture of both faces that shows which parts of them made the score.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Compare two photographs: do they show the same person? Needs no database.

    Example: `gemel verify passport.jpg selfie.jpg`
    """
    from indexer.calibration.active import of_card
    from indexer.usecases.answers.verify import VerifyAnswer
    from indexer.usecases.bootstrap import open_attributes, open_pipeline
    from indexer.usecases.verify import verify_pair
    from indexer.vision.occlusion import beside

    settings = Settings()
    requested = parse_attributes(attributes)
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
                reader=open_attributes(settings, pipeline.load),
                attributes=requested,
                explain=explain is not None,
            )
        except InvalidInput as error:
            fail(_about(paths[str(error.details["field"])], error), code=error.code)
    if explain is not None:
        write_atomically(explain, beside([each.jpeg for each in verification.maps]), private=True)
    answer = VerifyAnswer.of(verification)
    verdict = "[green]same person[/]" if answer.matched else "[red]different people[/]"
    sentence = (
        f"{verdict}: score {answer.score:.4f}, threshold {answer.threshold:.4f}"
        f" (estimated FMR {answer.estimated_fmr:.2g}); model {answer.model}"
    )

    def show() -> None:
        out.print(sentence, soft_wrap=True)
        out.print(_share_of_strangers(answer.score_fmr, answer.score_fmr_trusted), soft_wrap=True)
        if explain is not None:
            out.print(f"{escape_text(explain)}: {_COLOURS}", highlight=False, soft_wrap=True)
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
        print_attributes(
            (path.name, face.attributes) for path, face in zip(paths.values(), answer.faces, strict=True)
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


def _share_of_strangers(fmr: float, is_trusted: bool) -> str:
    """`fmr`: of the score; if it is not trusted, the share is lower."""
    if fmr >= 0.5:
        return "most pairs of strangers score as high"
    pairs = float(f"{1 / fmr:.2g}")
    return f"{'one' if is_trusted else 'fewer than one'} pair of strangers in {pairs:,.0f} scores as high"
