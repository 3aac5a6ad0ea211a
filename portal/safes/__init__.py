"""Where secrets lie beside the environment: a folder, HashiCorp Vault or OpenBao, AWS Secrets Manager (SECRETS_FROM).

A safe is read whole at start and again on SIGHUP (`portal.live_settings`). Its SDK is loaded where it is used.
"""
from collections.abc import Mapping
from typing import Any, Protocol


class SafeClosed(Exception):
    """A safe could not be read. The sentence names the safe and what it said, never a value."""


class Safe(Protocol):
    """Secrets by the names of their settings."""

    name: str

    def read(self) -> Mapping[str, str]:
        """All of them. Raises SafeClosed."""

    def renew(self) -> float | None:
        """Keep what opens the safe alive; in how many seconds again. None: never. Raises SafeClosed."""


OPENING = frozenset({
    "secrets_from", "secrets_folder", "vault_url", "vault_token", "vault_role_id", "vault_secret_id", "vault_mount",
    "vault_path", "vault_namespace", "vault_ca_file", "aws_secret_name", "aws_secret_region", "aws_secret_endpoint"})
"""Settings that lead to the safe and so cannot lie in it."""


def chosen(known: Mapping[str, Any]) -> Safe | None:
    """The safe that these settings (by name in small letters, unproved) lead to. Raises SafeClosed: one is missing."""
    kind = str(known.get("secrets_from", "environment")).lower()
    if kind == "vault":
        from portal.safes.vault import Vault, VaultAddress

        _insist(known, "vault_url")
        if not known.get("vault_token"):
            _insist(known, "vault_role_id", "vault_secret_id")
        return Vault(VaultAddress(**_given(known, "vault_")))
    if kind == "aws":
        from portal.safes.aws import SecretsManager

        _insist(known, "aws_secret_name")
        return SecretsManager(**_given(known, "aws_secret_"))
    return None


def _insist(known: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if not known.get(name):
            raise SafeClosed(f"{name.upper()} is missing: SECRETS_FROM is {known['secrets_from']}")


def _given(known: Mapping[str, Any], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): str(value) for name, value in known.items()
            if name in OPENING and name.startswith(prefix) and value}
