"""`gemel detect`.

The engine is imported inside the command: `--help` should not wait until its libraries are imported.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.output import console, describe_quality, escape_text, out, print_result, quantity
from indexer.cli.recognition.attributes import sentences
from indexer.cli.recognition.files import INTERRUPTED, LISTED, Run, collect
from indexer.cli.recognition.options import Attributes, parse_attributes
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.usecases.answers.detect import DetectAnswer


def detect(
    images: Annotated[
        list[Path], typer.Argument(exists=True, help="Photographs, and folders with photographs.")
    ],
    max_faces: Annotated[
        int | None,
        typer.Option(min=1, help="Most faces of each photograph, the largest first.", show_default="all"),
    ] = None,
    attributes: Attributes = "",
    json: Json = None,
) -> None:
    """Find the faces in photographs, and estimate their attributes. Needs no database.

    An estimate from a picture is not a fact about a person. One photograph that fails does not stop the
    others: the exit status is then 1.

    Example: `gemel detect party.jpg --attributes liveness,pose`
    """
    from indexer.request_timings import Stopwatch
    from indexer.usecases.answers.detect import DetectAnswer
    from indexer.usecases.bootstrap import open_attributes, open_pipeline
    from indexer.usecases.identify_files import photographs

    requested = parse_attributes(attributes)
    files, skipped = photographs(images)
    settings = Settings()
    with open_pipeline(settings) as pipeline:
        reader = open_attributes(settings, pipeline.load)
        reader.check(requested)

        def detect_one(data: bytes) -> DetectAnswer:
            watch = Stopwatch()
            photograph = pipeline.detect(data, watch, max_faces=max_faces)
            estimates = reader.read(photograph, requested, watch)
            return DetectAnswer.of(photograph, estimates, watch.timings_ms())

        alone = len(images) == 1 and not images[0].is_dir()
        run = collect(files, detect_one, parallel=settings.threads, alone=alone, doing="Detecting")
    run.skipped = len(skipped)
    print_result(run.rows(), json, lambda: _print(run))
    if run.interrupted:
        raise SystemExit(INTERRUPTED)
    if run.failed:
        raise SystemExit(1)


def _print(run: "Run[DetectAnswer]") -> None:
    for one in run.done[:LISTED]:
        name = escape_text(one.photograph.shown)
        if one.answer is None:
            out.print(f"{name}: [red]{escape_text(one.message)}[/]", highlight=False, soft_wrap=True)
            continue
        _print_faces(name, one.answer)
    if len(run.done) > LISTED:
        more = quantity(len(run.done) - LISTED, "photograph")
        out.print(f"... and {more} more; `--json FILE.json` lists all", highlight=False)
    if run.interrupted:
        left = quantity(len(run.files) - len(run.done), "photograph")
        console.print(f"[yellow]Interrupted[/] with {left} left.")


def _print_faces(name: str, answer: "DetectAnswer") -> None:
    found = quantity(answer.faces_found, "face") if answer.faces_found else "no face"
    size = f"{answer.width_px} x {answer.height_px} pixels"
    out.print(f"[bold]{name}[/]: {found}, {size}", highlight=False, soft_wrap=True)
    for number, face in enumerate(answer.faces, start=1):
        box, quality = face.box, face.quality
        described = describe_quality(quality.score, quality.expected_miss_rate)
        out.print(
            f"  {number}. at ({box.x:.0f}, {box.y:.0f}), {box.width:.0f} x {box.height:.0f} pixels; quality"
            f" {described}",
            highlight=False,
            soft_wrap=True,
        )
        for sentence in sentences(face.attributes):
            out.print(f"     {sentence}", highlight=False, soft_wrap=True)
