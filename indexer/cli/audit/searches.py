"""`gemel audit explain|replay|dispute|forget`: a search, by the `audit_id` of its answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from indexer.cli.audit.commands import app
from indexer.cli.commands import Json, html_file
from indexer.cli.database import open_index_store
from indexer.cli.output import escape_text, out, print_result, quantity, write_atomically
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.audit.searches.explanation import Explanation
    from indexer.audit.searches.replayed import Replay

AuditId = Annotated[
    UUID, typer.Argument(metavar="AUDIT_ID", help="`audit_id` of the answer: the id of its event.")
]


@app.command()
def explain(
    audit_id: AuditId,
    html: Annotated[
        Path | None,
        html_file("Write a page with the kept crops side by side."),
    ] = None,
    json: Json = None,
) -> None:
    """Explain why the answer of a search was what it was.

    Example: `gemel audit explain 019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11`
    """
    from indexer.audit.searches import explanation, page

    with open_index_store(Settings()) as index_store:
        explained = explanation.explain(index_store.database, audit_id)
        if html is not None:
            write_atomically(html, page.render(index_store.database, explained), private=True)
    print_result(explained.model_dump(mode="json"), json, lambda: _print_explanation(explained))


@app.command()
def replay(audit_id: AuditId, json: Json = None) -> None:
    """Repeat an identification with the crops that were kept, against the gallery as it is now.

    Example: `gemel audit replay 019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11`
    """
    from indexer.audit.searches import replay as replays
    from indexer.records.database import schema
    from indexer.usecases.bootstrap import open_engine

    settings = Settings()
    with open_engine(settings) as engine:
        schema.prepare(settings, engine.database)
        repeated = replays.replay(engine, audit_id)
    print_result(repeated.model_dump(mode="json"), json, lambda: _print_replay(repeated))


@app.command()
def dispute(
    audit_id: AuditId,
    identity: Annotated[
        UUID, typer.Argument(metavar="PERSON_ID", help="The person whom the face does not show.")
    ],
    face: Annotated[int, typer.Option(min=1, help="Number of the face in the answer, from 1.")] = 1,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Withdraw the dispute.")] = False,
    json: Json = None,
) -> None:
    """Say that a face is not the person whom it resembled. Later answers and calibrations report it.

    Example: `gemel audit dispute AUDIT_ID PERSON_ID`
    """
    from indexer.audit.searches import dispute as disputing

    with open_index_store(Settings()) as index_store:
        if withdraw:
            found = disputing.find(index_store.database, audit_id, face - 1, identity)
            disputing.withdraw(index_store.database, audit_id, found.id)
        else:
            found = disputing.dispute(index_store.database, audit_id, face - 1, identity)
    result = {"id": found.id, "audit_id": audit_id, "face": face - 1, "identity_id": identity}
    said = "is no longer disputed" if withdraw else "is disputed"
    sentence = f"The match of face {face} with {identity}, at a score of {found.score:.3f}, {said}."
    print_result(
        result | {"withdrawn": withdraw}, json, lambda: out.print(sentence, highlight=False, soft_wrap=True)
    )


@app.command()
def forget(audit_id: AuditId, json: Json = None) -> None:
    """Delete the crops that were kept of an identification. Its event stays: it holds figures and ids.

    Example: `gemel audit forget 019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11`
    """
    from indexer.audit.searches import dispute as disputing

    with open_index_store(Settings()) as index_store:
        count = disputing.forget(index_store.database, audit_id)
    sentence = f"Deleted {quantity(count, 'kept crop')}."
    print_result({"deleted": count}, json, lambda: out.print(sentence, highlight=False))


def _print_explanation(explained: "Explanation") -> None:
    _print(f"{explained.at:%Y-%m-%d %H:%M:%S} UTC; caller: {explained.caller}; model: {explained.model}")
    for sentence in explained.sentences:
        _print(sentence)
    for number, face in enumerate(explained.faces, 1):
        if not face.sentences and not face.warnings:
            continue
        out.print()
        if len(explained.faces) > 1:
            _print(f"Face {number}")
        for sentence in face.sentences:
            _print(sentence)
        for warning in face.warnings:
            out.print(f"[yellow]Warning:[/] {escape_text(warning)}", highlight=False, soft_wrap=True)


def _print_replay(repeated: "Replay") -> None:
    for sentence in repeated.sentences:
        _print(sentence)
    for face in repeated.faces:
        if len(repeated.faces) > 1:
            _print(f"Face {face.face + 1}")
        for sentence in face.sentences:
            _print(sentence)


def _print(sentence: str) -> None:
    out.print(escape_text(sentence), highlight=False, soft_wrap=True)
