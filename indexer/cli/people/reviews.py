"""`gemel reviews list|same|different|reopen`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer
from rich.table import Column, Table

from indexer.cli.commands import Commands, Gallery, Json
from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result
from indexer.cli.people.regroup import Take, fields_of
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.records.tables import Identity, Review
    from indexer.usecases.people.review import Decision

app = Commands("Decide whether two people of a gallery who look alike are the same.")

Id = Annotated[UUID, typer.Argument(metavar="ID", help="The review's id.")]


@app.command("list")
def list_page(
    gallery: Gallery,
    state: Annotated[str, typer.Option(help="open, same, different, or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, help="Largest number of reviews to list.")] = 100,
    after: Annotated[UUID | None, typer.Option(help="Begin after the review with this id.")] = None,
    json: Json = None,
) -> None:
    """List the reviews of a gallery, the oldest first.

    Example: `gemel reviews list --gallery staff`
    """
    from indexer.records import galleries
    from indexer.records.enrolled import identities
    from indexer.records.people import reviews
    from indexer.records.people.reviews import ReviewState

    if state not in (*ReviewState, "all"):
        raise typer.BadParameter("--state is one of open, same, different, all.")
    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        found = galleries.get(session, gallery)
        page = reviews.page(
            session,
            found.id,
            state=None if state == "all" else ReviewState(state),
            after=after,
            limit=limit + 1,
        )
        more, page = len(page) > limit, page[:limit]
        ids = {one for row in page for one in (row.identity_id, row.other_id)}
        people = {one.id: one for one in identities.by_ids(session, found.id, ids)}
    rows = [_as_json(row, people) for row in page]
    last = page[-1].id if more else None
    print_result(
        {"reviews": rows, "next": last}, json, lambda: _print_page(rows, last, f"No review of {gallery}.")
    )


@app.command()
def same(
    review: Id,
    gallery: Gallery,
    keep: Annotated[
        UUID | None, typer.Option(help="Id of the person who remains; by default the one created first.")
    ] = None,
    take: Take = "",
    json: Json = None,
) -> None:
    """Decide that both are the same person: merge them.

    Example: `gemel reviews same 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --gallery staff`
    """
    from indexer.usecases.people import review as use_case

    fields = fields_of(take)
    with open_index_store(Settings()) as index_store:
        decided = use_case.same(index_store.database, gallery, review, keep=keep, take=fields)
    _print_decision(decided, "Merged the two people", json)


@app.command()
def different(review: Id, gallery: Gallery, json: Json = None) -> None:
    """Decide that they are different people: no command reports them as duplicates again.

    Example: `gemel reviews different 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --gallery staff`
    """
    from indexer.usecases.people import review as use_case

    with open_index_store(Settings()) as index_store:
        decided = use_case.different(index_store.database, gallery, review)
    _print_decision(
        decided, "Recorded as different people: they will not be reported as duplicates again", json
    )


@app.command()
def reopen(review: Id, gallery: Gallery, json: Json = None) -> None:
    """Undo the decision of a review.

    Example: `gemel reviews reopen 019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f --gallery staff`
    """
    from indexer.usecases.people import review as use_case

    with open_index_store(Settings()) as index_store:
        decided = use_case.reopen(index_store.database, gallery, review)
    _print_decision(decided, "Undid the decision: the review is open", json)


def _as_json(review: "Review", people: "dict[UUID, Identity]") -> dict[str, Any]:
    def person(identity_id: UUID) -> dict[str, Any]:
        identity = people.get(identity_id)
        return {
            "id": identity_id,
            "external_id": identity and identity.external_id,
            "name": identity and identity.name,
            "merged": identity is None,
        }

    return {
        "id": review.id,
        "kind": review.kind,
        "state": review.state,
        "identity": person(review.identity_id),
        "other": person(review.other_id),
        "score": review.score,
        "threshold": review.threshold,
        "created_at": review.created_at,
        "decided_at": review.decided_at,
        "decided_by": review.decided_by,
        "change_id": review.change_id,
    }


def _print_page(rows: Sequence[dict[str, Any]], last: UUID | None, empty: str) -> None:
    if not rows:
        out.print(escape_text(empty), highlight=False)
        return
    table = Table(
        Column("Review", no_wrap=True),
        Column("Person", overflow="fold"),
        Column("Other", overflow="fold"),
        Column("Score", justify="right"),
        "State",
    )
    for row in rows:
        table.add_row(
            str(row["id"]),
            _shown(row["identity"]),
            _shown(row["other"]),
            f"{row['score']:.3f}",
            row["state"],
        )
    out.print(table)
    if last is not None:
        more = f"There are more reviews: continue with `--after {last}`, or raise `--limit`."
        console.print(more, highlight=False, soft_wrap=True)


def _shown(person: dict[str, Any]) -> str:
    return escape_text(
        person["name"] or person["external_id"] or ("merged" if person["merged"] else person["id"])
    )


def _print_decision(decided: "Decision", said: str, json: Json) -> None:
    review = decided.review
    result = {
        "id": review.id,
        "state": review.state,
        "identity_id": review.identity_id,
        "other_id": review.other_id,
        "change_id": decided.change and decided.change.id,
    }
    print_result(result, json, lambda: out.print(f"{said}.", highlight=False, soft_wrap=True))
