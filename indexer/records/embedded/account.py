"""The operating system's account that PostgreSQL runs as. It refuses to run as root."""

import errno
import os
import pwd
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.errors import Misconfigured

NAME = "pgserver"
"""For root. Releases before had this account too, and their data folders belong to it."""

_ACL = "system.posix_acl_access"
_ACL_VERSION = struct.pack("<I", 2)
_ACL_ENTRY = struct.Struct("<HHI")  # tag, permissions, id; as in Linux's posix_acl_xattr.h
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_ENTER = 0o1


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int

    @property
    def is_own(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def of_process(self) -> dict[str, Any]:
        """For `subprocess`, to run a program as this account."""
        return {} if self.is_own else {"user": self.uid, "group": self.gid, "extra_groups": []}


def for_data(data: Path) -> Account:
    """The one to whom the data folder belongs, or shall belong. Raises Misconfigured."""
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise Misconfigured(
                f"{data} belongs to {_name(owner.st_uid)}, and this is {_name(os.geteuid())}: use that"
                " account, or set GEMEL_HOME to a folder of your own"
            )
        return Account(os.geteuid(), os.getegid())
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    return _made()


def own(path: Path, account: Account) -> None:
    """Makes the account the owner of a folder and of all in it, as is needed after a restore by root."""
    if account.is_own:
        return
    for folder, folders, files in os.walk(path):
        for name in (".", *folders, *files):
            os.chown(os.path.join(folder, name), account.uid, account.gid, follow_symlinks=False)


def let_in(folder: Path, account: Account) -> None:
    """Lets the account through to a folder, where root's own keep it out. Nobody gets to list anything."""
    if account.is_own or _may_enter(folder, account):
        return
    for parent in (*reversed(folder.parents), folder):
        if not _may_enter(parent, account):
            _let_through(parent, account)


def let_run(programs: Path, account: Account) -> None:
    """Lets the account run what a package installed, also where root's umask kept it to root."""
    if account.is_own or _runs(programs, account):
        return
    let_in(programs, account)
    installation = programs.parent
    for path in (installation, *installation.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def _made() -> Account:
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home"]
        try:
            subprocess.run(
                [*command, "--shell", "/usr/sbin/nologin", NAME], check=True, capture_output=True, text=True
            )
            entry = pwd.getpwnam(NAME)
        except (OSError, subprocess.CalledProcessError, KeyError) as error:
            why = (getattr(error, "stderr", None) or str(error)).strip()
            raise Misconfigured(
                f"PostgreSQL does not run as root, and an account {NAME} for it could not be created ({why}):"
                f" create one, run Gemel as another account than root, or set GEMEL_DATABASE_URL"
            ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def _runs(programs: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, cwd="/", **account.of_process
        )
    except OSError:
        return False
    return done.returncode == 0


def _may_enter(folder: Path, account: Account) -> bool:
    """The kernel knows: modes, access control lists and all."""
    test = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    return subprocess.run(test, capture_output=True, cwd="/", **account.of_process).returncode == 0


def _let_through(folder: Path, account: Account) -> None:
    """By an access control list, for this account alone; where there are none, for others too."""
    try:
        os.setxattr(folder, _ACL, _with_user(folder, account.uid))
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOTSUP, errno.ENOSYS):
            raise
        folder.chmod(folder.stat().st_mode | _ENTER)


def _with_user(folder: Path, uid: int) -> bytes:
    """The folder's access control list, with leave for `uid` to go through it."""
    try:
        present = os.getxattr(folder, _ACL)[len(_ACL_VERSION) :]
        entries = {(tag, id_): mode for tag, mode, id_ in _ACL_ENTRY.iter_unpack(present)}
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = folder.stat().st_mode
        entries = {
            (_USER_OBJ, _NO_ID): mode >> 6 & 7,
            (_GROUP_OBJ, _NO_ID): mode >> 3 & 7,
            (_OTHER, _NO_ID): mode & 7,
        }
    mask = entries.get((_MASK, _NO_ID), entries[_GROUP_OBJ, _NO_ID])
    entries[_MASK, _NO_ID] = mask | _ENTER
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _ENTER
    return _ACL_VERSION + b"".join(
        _ACL_ENTRY.pack(tag, entries[tag, id_], id_) for tag, id_ in sorted(entries)
    )


def _name(uid: int) -> str:
    try:
        return f"the account {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the account {uid}"
