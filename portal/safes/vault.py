"""HashiCorp Vault or OpenBao: one secret of a KV v2 engine, opened with a token or as an AppRole.

An AppRole's token lives for one reading and is given back. A token that was handed to us is renewed at half its time.
"""
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from portal.safes import SafeClosed

TIMEOUT_S = 10
RENEW_EARLIEST_S = 5.0


@dataclass(frozen=True)
class VaultAddress:
    """`token`, or `role_id` and `secret_id`. `ca_file`: who vouches for the server where no public authority does."""

    url: str
    token: str | None = field(default=None, repr=False)
    role_id: str | None = field(default=None, repr=False)
    secret_id: str | None = field(default=None, repr=False)
    mount: str = "secret"
    path: str = "quittance"
    namespace: str | None = None
    ca_file: str | None = None


class Vault:
    """As `safes.Safe`."""

    def __init__(self, address: VaultAddress) -> None:
        self._at = address
        self.name = f"vault {address.mount}/{address.path}"

    def read(self) -> Mapping[str, str]:
        with self._opened() as client:
            found = client.secrets.kv.v2.read_secret_version(
                path=self._at.path, mount_point=self._at.mount, raise_on_deleted_version=True)["data"]["data"]
        wrong = sorted(name for name, value in found.items() if not isinstance(value, str))
        if wrong:
            raise SafeClosed(f"{self.name}: {', '.join(wrong)}: must be text")
        return dict(found)

    def renew(self) -> float | None:
        if not self._at.token:
            return None
        with self._opened() as client:
            about = client.auth.token.lookup_self()["data"]
            if not about["ttl"] or not about["renewable"]:
                return None  # for ever, or to be replaced by hand before it ends
            lease = client.auth.token.renew_self()["auth"]["lease_duration"]
        return max(float(lease) / 2, RENEW_EARLIEST_S)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """A client that may read. Raises SafeClosed with the kind of the error: a message of hvac's may quote more."""
        import hvac  # type: ignore[import-untyped]
        from requests import RequestException

        client = hvac.Client(url=self._at.url, token=self._at.token, namespace=self._at.namespace,
                             verify=self._at.ca_file or True, timeout=TIMEOUT_S, allow_redirects=False)
        try:
            if not self._at.token:
                client.auth.approle.login(role_id=self._at.role_id, secret_id=self._at.secret_id)
            yield client
        except (hvac.exceptions.VaultError, RequestException, KeyError, TypeError) as error:
            raise SafeClosed(f"{self.name}: {self._at.url} did not give it ({type(error).__name__})") from None
        finally:
            if not self._at.token and client.token:
                with suppress(hvac.exceptions.VaultError, RequestException):
                    client.auth.token.revoke_self()
