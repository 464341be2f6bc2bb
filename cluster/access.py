"""Who may use a cluster: the token that whatever we start demands, and that our commands send.

An open job port runs anybody's code (ShadowRay, CVE-2023-48022), and Ray's own ports listen on every interface of a
machine. Ray demands a token by itself only of clusters that `ray.init` starts; this module has it always demanded.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import stat
from collections.abc import MutableMapping
from pathlib import Path

from metaart.errors import UserError

MODE, PATH, VALUE = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_TOKEN"
MAKE = "python -m cluster.start token"


def token_path() -> Path:
    """Where the token lies: the environment's RAY_AUTH_TOKEN_PATH, or else where Ray looks for it."""
    return Path(os.environ.get(PATH) or Path.home() / ".ray" / "auth_token").expanduser()


def make_token(path: Path) -> bool:
    """Write a new token of 256 random bits that only its owner may read; False, and nothing done, where one is.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise UserError(
            expected="a folder to write a token into", got=f"{path.parent}: {error.strerror}", fix=f"Set {PATH}=FILE."
        ) from error
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return True


def check_token(path: Path, *, tighten: bool = False) -> None:
    """Raise `UserError` where there is no token, an empty one, or one that others may read.

    Args:
        path: of the token.
        tighten: take the right to read it from the others instead; the tokens that Ray makes itself have mode 644.
    """
    if not path.is_file():
        raise UserError(expected="a token", got=f"no {path}", fix=f"Make one with `{MAKE}`, or copy the cluster's.")
    if not path.read_text(encoding="utf-8", errors="replace").strip():
        raise UserError(expected="a token", got=f"an empty {path}", fix=f"Delete it and make one with `{MAKE}`.")
    if not (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        return
    try:
        if not tighten:
            raise PermissionError
        path.chmod(0o600)
    except OSError as error:
        raise UserError(
            expected="a token that only its owner may read",
            got=f"{path} of mode {mode:o}",
            fix=f"chmod 600 {path}; if others may have read it, delete it and make another with `{MAKE}`.",
        ) from error


def send_token(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have Ray, imported later in this process or in one with this environment, send and demand the token.

    Raises:
        UserError: there is none.
    """
    if not environment.get(VALUE):
        check_token(token_path(), tighten=True)
        environment[PATH] = str(token_path().resolve())
    environment[MODE] = "token"


def send_token_if_any() -> None:
    """As `send_token`, but where there is no token and nobody asked for one, go on without.

    Raises:
        UserError: the environment asks for a token and there is none.
    """
    there = bool(os.environ.get(VALUE)) or token_path().is_file()
    if os.environ.get(MODE, "").lower() == "token" or (MODE not in os.environ and there):
        send_token()


def refused(got: str) -> UserError:
    """What is said where a cluster does not take the token, or the lack of one."""
    return UserError(expected="the token of this cluster", got=got, fix=f"Copy the head's token and set {PATH}=FILE.")


def is_loopback(host: str) -> bool:
    """Whether only programs on this machine reach an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
