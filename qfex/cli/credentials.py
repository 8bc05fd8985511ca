"""Search for credentials: environment variables, a private file, or the exchange's own command line tool.

The command line itself is not searched, because every process of the machine can read it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import yaml

from ..credentials import Credentials, HmacCredentials, JwtCredentials, credentials_from_env
from ..errors import ConfigurationError
from ..rebalance.targets import load_toml

_OTHERS = 0o077  # the permission bits of group and others, which must all be off
_HOW = (
    "no credentials found: set QFEX_PUBLIC_KEY and QFEX_SECRET_KEY (or QFEX_JWT), "
    "or write public_key and secret_key to {} with mode 0600"
)


@attrs.frozen
class Found:
    """Credentials and their source."""

    credentials: Credentials
    source: str
    account_id: str | None = None


def find_credentials(environment_name: str, file: Path | None = None) -> Found:
    """Find credentials in a given file or in the usual places.

    Parameters
    ----------
    environment_name : str
        ``"sim"``, ``"uat"`` or ``"prod"``. Credentials of another environment are not used.
    file : Path, optional
        The file that the user named. If given, no other place is searched.

    Raises
    ------
    ConfigurationError
        If there are no credentials, or if other users can read the file.
    """
    if file is not None:
        return _from_file(file, environment_name)
    if any(os.environ.get(name) for name in ("QFEX_PUBLIC_KEY", "QFEX_SECRET_KEY", "QFEX_JWT")):
        return Found(credentials_from_env(), "environment variables", _account_from_env())
    if own_file().exists():
        return _from_file(own_file(), environment_name)
    if exchange_file().exists():
        return _from_exchange_file(exchange_file(), environment_name)
    raise ConfigurationError(_HOW.format(own_file()))


def own_file() -> Path:
    """Return the path of this program's credentials file."""
    return _config_home() / "qfex-sync" / "credentials.toml"


def exchange_file() -> Path:
    """Return the path of the configuration of the exchange's command line tool."""
    return _config_home() / "qfex" / "config.yaml"


def _config_home() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _account_from_env() -> str | None:
    return os.environ.get("QFEX_ACCOUNT_ID") or None


def require_private(path: Path) -> None:
    """Refuse a file of secrets that other users can read or write, or that belongs to another user.

    Raises
    ------
    ConfigurationError
        With advice on how to fix it.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None
    if os.name != "posix":
        return
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise ConfigurationError(f"{path} has mode {mode:04o} and others may read it: chmod 600 {path}")
    if status.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(f"{path} belongs to another user; credentials in it are not trusted")


def _from_file(path: Path, environment_name: str) -> Found:
    """Read this program's own file, which has top-level keys or a table for each environment."""
    require_private(path)
    content = load_toml(path)
    members = content.get(environment_name, content)
    return _found(members if isinstance(members, dict) else content, str(path), "account_id", ("jwt",))


def _from_exchange_file(path: Path, environment_name: str) -> Found:
    require_private(path)
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):  # their text may contain a secret
        raise ConfigurationError(f"{path} is not valid YAML") from None
    members = content if isinstance(content, dict) else {}
    theirs = str(members.get("env") or "prod").lower()
    if theirs != environment_name:
        raise ConfigurationError(f"{path} has credentials for {theirs}: use them with --env {theirs}")
    return _found(members, str(path), "selected_subaccount", ("access_token", "jwt"))


def _found(members: Mapping[str, Any], source: str, account: str, tokens: tuple[str, ...]) -> Found:
    """Return the credentials in a file. Keys take precedence over a token, because they do not expire."""
    account_id = _account_from_env() or _text(members, account)
    public_key, secret_key = _text(members, "public_key"), _text(members, "secret_key")
    if public_key and secret_key:
        return Found(HmacCredentials(public_key, secret_key), source, account_id)
    token = next(filter(None, (_text(members, name) for name in tokens)), None)
    if token:
        return Found(JwtCredentials(token), source, account_id)
    raise ConfigurationError(f"{source} has neither public_key and secret_key nor a token")


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    return str(value).strip() or None if value is not None else None
