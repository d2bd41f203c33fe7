"""The operating system's account that PostgreSQL runs as, because PostgreSQL does not run as root."""

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
"""Used by root. Earlier releases used the same name, and their data folders belong to it."""

_ACL = "system.posix_acl_access"
_ACL_VERSION = struct.pack("<I", 2)
_ACL_ENTRY = struct.Struct("<HHI")  # tag, permissions, id; as in Linux's posix_acl_xattr.h
_USER_OBJ, _USER, _GROUP_OBJ, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_TRAVERSE = 0o1


@dataclass(frozen=True, slots=True)
class Account:
    uid: int
    gid: int

    @property
    def is_own(self) -> bool:
        return self.uid == os.geteuid()

    @property
    def popen_options(self) -> dict[str, Any]:
        """Arguments for `subprocess`, to run a program as this account."""
        return {} if self.is_own else {"user": self.uid, "group": self.gid, "extra_groups": []}


def for_data_folder(data: Path) -> Account:
    """The owner of the data folder, or its future owner if there is none yet. Raises Misconfigured."""
    owner = data.stat() if data.exists() else None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise Misconfigured(
                f"{data} belongs to {_name(owner.st_uid)}, and Gemel runs as {_name(os.geteuid())}: use the"
                " owner's account, or set GEMEL_HOME to another folder"
            )
        return Account(os.geteuid(), os.getegid())
    if owner is not None and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    return _find_or_create()


def give_to(path: Path, account: Account) -> None:
    """Makes the account the owner of a folder and its contents, as is needed after a restore by root."""
    if account.is_own:
        return
    for folder, folders, files in os.walk(path):
        for name in (".", *folders, *files):
            os.chown(os.path.join(folder, name), account.uid, account.gid, follow_symlinks=False)


def allow_traversal(folder: Path, account: Account) -> None:
    """Gives the account access to a folder below folders of root, without the right to list them."""
    if account.is_own or _can_enter(folder, account):
        return
    for parent in (*reversed(folder.parents), folder):
        if not _can_enter(parent, account):
            _allow_entry(parent, account)


def allow_execution(programs: Path, account: Account) -> None:
    """Lets the account run the programs of a package, which root may have installed with a strict umask."""
    if account.is_own or _can_run(programs, account):
        return
    allow_traversal(programs, account)
    installation = programs.parent
    for path in (installation, *installation.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def _find_or_create() -> Account:
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
                f"cannot create the account {NAME}, as which PostgreSQL runs because it does not run as root"
                f" ({why}): create it, run Gemel as an account other than root, or set GEMEL_DATABASE_URL"
            ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def _can_run(programs: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [programs / "postgres", "--version"], capture_output=True, cwd="/", **account.popen_options
        )
    except OSError:
        return False
    return done.returncode == 0


def _can_enter(folder: Path, account: Account) -> bool:
    """Asks the kernel, which considers modes and access control lists."""
    test = ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]
    return subprocess.run(test, capture_output=True, cwd="/", **account.popen_options).returncode == 0


def _allow_entry(folder: Path, account: Account) -> None:
    """By an access control list for this account; on a file system without such lists, for everybody."""
    try:
        os.setxattr(folder, _ACL, _with_user(folder, account.uid))
    except (AttributeError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOTSUP, errno.ENOSYS):
            raise
        folder.chmod(folder.stat().st_mode | _TRAVERSE)


def _with_user(folder: Path, uid: int) -> bytes:
    """The folder's access control list, with an entry that lets `uid` traverse it."""
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
    entries[_MASK, _NO_ID] = mask | _TRAVERSE
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _TRAVERSE
    return _ACL_VERSION + b"".join(
        _ACL_ENTRY.pack(tag, entries[tag, id_], id_) for tag, id_ in sorted(entries)
    )


def _name(uid: int) -> str:
    try:
        return f"the account {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"the account {uid}"
