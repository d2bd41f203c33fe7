"""The token of a Ray cluster: who has it may run code on every node, and so the file is private.

Imports no Ray: `authenticate` has to run before Ray is imported, which reads the variables once.
"""

import os
import secrets
import stat
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from indexer.errors import Misconfigured
from indexer.files import private_folder, reason
from indexer.settings import Settings

MODE = "RAY_AUTH_MODE"
TOKEN = "RAY_AUTH_TOKEN"  # noqa: S105 - a name
PATH = "RAY_AUTH_TOKEN_PATH"
_BYTES = 32


def token_file(settings: Settings) -> Path:
    """Where this machine keeps the token, unless Ray's own variables name another."""
    return settings.home.expanduser().absolute() / "ray" / "token"


def authenticate(settings: Settings, environment: MutableMapping[str, str] = os.environ) -> str:
    """Set Ray's variables so that this process, and those it starts, use the cluster's token.

    What the operator has set in Ray's variables stays: another file or secret, or `RAY_AUTH_MODE=disabled`.
    Returns where the token comes from, for a message. Raises Misconfigured without a usable token.
    """
    mode = environment.setdefault(MODE, "token").lower()
    if mode != "token":
        return f"no token: {MODE} is {mode!r}"
    if environment.get(TOKEN):
        return TOKEN
    path = Path(environment.setdefault(PATH, str(token_file(settings))))
    _check(path)
    return str(path)


def create(settings: Settings, environment: Mapping[str, str]) -> None:
    """Make the token if there is none. Two processes that start at once get the same. Raises OSError."""
    if environment.get(TOKEN) or environment.get(PATH):
        return  # the operator has made it
    path = token_file(settings)
    private_folder(path.parent)
    aside = path.with_name(f"token.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(aside, path)
    finally:
        aside.unlink()


def _check(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        empty = not path.read_text().strip()
    except FileNotFoundError:
        raise Misconfigured(
            f"there is no token of the Ray cluster in {path}: copy the file from the head's machine, or set"
            f" {PATH} to it"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"cannot read the token of the Ray cluster in {path}: {reason(error)}") from error
    if empty:
        raise Misconfigured(f"the token of the Ray cluster in {path} is empty")
    if stat.S_IMODE(mode) & 0o077 and _is_ours(path):
        raise Misconfigured(f"other accounts can read the token of the Ray cluster: run `chmod 600 {path}`")


def _is_ours(path: Path) -> bool:
    """Not a secret that Docker or Kubernetes has mounted, whose mode is not ours to set."""
    return path.stat().st_uid == os.getuid() and os.access(path, os.W_OK)
