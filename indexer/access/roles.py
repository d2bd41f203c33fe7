"""Permissions, and the roles that hold them. `service/permissions.py` says what each route needs."""

from collections.abc import Iterable
from enum import StrEnum


class Permission(StrEnum):
    KEYS = "keys"
    """Create, rotate and revoke keys."""
    AUDIT = "audit"
    """Read the audit record."""
    EXPORT = "export"
    """Export and import whole galleries, with crops and embeddings."""
    OPERATE = "operate"
    """Create, set and delete galleries; rebuild indexes; change models."""
    ENROL = "enrol"
    """Enrol, change and delete people and faces."""
    IDENTIFY = "identify"
    """Find out who a face belongs to."""
    VERIFY = "verify"
    """Compare a face with a person, or two faces."""
    READ = "read"
    """Read galleries, people, faces and the state of the service."""


class Role(StrEnum):
    ADMIN = "admin"
    OPERATOR = "operator"
    ENROL = "enrol"
    IDENTIFY = "identify"
    VERIFY = "verify"
    READ = "read"


EVERYTHING = frozenset(Permission)

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: EVERYTHING,
    Role.OPERATOR: frozenset({Permission.OPERATE, Permission.READ}),
    Role.ENROL: frozenset({Permission.ENROL, Permission.READ}),
    Role.IDENTIFY: frozenset({Permission.IDENTIFY, Permission.VERIFY}),
    Role.VERIFY: frozenset({Permission.VERIFY}),
    Role.READ: frozenset({Permission.READ}),
}


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    return frozenset().union(*(PERMISSIONS[role] for role in roles))
