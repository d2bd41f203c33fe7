"""What was tried, how often, and what got through."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.table import Table


@dataclass(slots=True)
class Attack:
    """One row."""

    kind: str
    name: str
    attempts: int = 0
    through: list[str] = field(default_factory=list)
    """What got through, in words."""
    remark: str = ""

    def tried(self, through: bool, what: str) -> None:
        """Counts an attempt. `what`: shown if it got through."""
        self.attempts += 1
        if through:
            self.through.append(what)


def rendered(attacks: Sequence[Attack]) -> Table:
    table = Table("Kind", "Attack", "Attempts", "Got through", "Remark")
    for attack in attacks:
        got = len(attack.through)
        table.add_row(
            attack.kind,
            attack.name,
            f"{attack.attempts:,}",
            str(got),
            attack.remark,
            style="red" if got else None,
        )
    table.caption = (
        f"{sum(attack.attempts for attack in attacks):,} attempts,"
        f" {sum(len(attack.through) for attack in attacks):,} got through"
    )
    return table


def markdown(attacks: Sequence[Attack]) -> str:
    lines = ["| kind | attack | attempts | got through | remark |", "|---|---|---|---|---|"]
    lines += [f"| {a.kind} | {a.name} | {a.attempts:,} | {len(a.through)} | {a.remark} |" for a in attacks]
    return "\n".join(lines) + "\n"
