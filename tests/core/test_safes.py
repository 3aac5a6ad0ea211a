"""Secrets from the environment, files, Vault and AWS: real servers; what fails names the secret and never its value."""
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import boto3
import hvac
import pytest

from portal.safes import SafeClosed
from portal.safes.vault import Vault, VaultAddress
from portal.settings import BadSettings, load
from tests import outside
from tests.core.test_settings import GOOD, environment
from tests.running import ROOT

assert environment
KEPT = {name: GOOD[name] for name in ("SECRET_KEY", "HUEY_KEY", "MASTER_KEYS", "FINGERPRINT_KEY", "PAYMENT_LINK_KEY")}
OUTSIDE = dict.fromkeys(KEPT)
CANARY = "canary-of-a-safe-88214"
POLICY = 'path "secret/data/desk" { capabilities = ["read"] }'


@pytest.fixture(scope="module")
def vault() -> Iterator[hvac.Client]:
    with outside.vault() as url:
        root = hvac.Client(url, token=outside.ROOT_TOKEN)
        root.sys.create_or_update_policy("desk", POLICY)
        root.sys.enable_auth_method("approle")
        root.auth.approle.create_or_update_approle("desk", token_policies=["desk"], token_ttl="60s")
        yield root


@pytest.fixture
def kept(vault: hvac.Client) -> None:
    vault.secrets.kv.v2.create_or_update_secret("desk", secret=KEPT)


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with outside.aws() as url:
        yield url


def role(vault: hvac.Client) -> dict[str, str]:
    return {"VAULT_ROLE_ID": vault.auth.approle.read_role_id("desk")["data"]["role_id"],
            "VAULT_SECRET_ID": vault.auth.approle.generate_secret_id("desk")["data"]["secret_id"]}


def refused(*never: str) -> str:
    with pytest.raises(BadSettings) as caught:
        load()
    said = str(caught.value)
    assert not [value for value in (*KEPT.values(), CANARY, *never) if value in said]
    return said


@pytest.mark.usefixtures("kept")
def test_a_token_opens_a_vault(environment, vault):
    environment(SECRETS_FROM="vault", VAULT_URL=vault.url, VAULT_TOKEN=outside.ROOT_TOKEN, VAULT_PATH="desk", **OUTSIDE)
    settings = load()
    assert settings.secret_key.get_secret_value() == KEPT["SECRET_KEY"]
    assert settings.origin("secret_key") == "vault secret/desk"
    assert settings.origin("database_url") == "environment"
    assert settings.origin("log_level") == "default"


@pytest.mark.usefixtures("kept")
def test_a_role_opens_it_and_its_token_is_given_back(environment, vault):
    environment(SECRETS_FROM="vault", VAULT_URL=vault.url, VAULT_PATH="desk", **OUTSIDE, **role(vault))
    before = set(vault.list("auth/token/accessors")["data"]["keys"])
    assert load().huey_key.get_secret_value() == KEPT["HUEY_KEY"]
    assert set(vault.list("auth/token/accessors")["data"]["keys"]) == before


@pytest.mark.usefixtures("kept")
def test_what_the_environment_says_counts(environment, vault):
    own = "of-the-environment-0123456789abcdef-0123"
    environment(SECRETS_FROM="vault", VAULT_URL=vault.url, VAULT_TOKEN=outside.ROOT_TOKEN, VAULT_PATH="desk",
                **OUTSIDE | {"SECRET_KEY": own})
    settings = load()
    assert settings.secret_key.get_secret_value() == own
    assert (settings.origin("secret_key"), settings.origin("huey_key")) == ("environment", "vault secret/desk")


def test_a_token_is_renewed_and_one_that_ended_is_told(vault):
    made = vault.auth.token.create(policies=["desk", "default"], ttl="90s", renewable=True)["auth"]["client_token"]
    safe = Vault(VaultAddress(vault.url, token=made, path="desk"))
    until = vault.auth.token.lookup(made)["data"]["expire_time"]
    assert safe.renew() == pytest.approx(45, abs=2)
    assert vault.auth.token.lookup(made)["data"]["expire_time"] > until
    vault.auth.token.revoke(made)
    with pytest.raises(SafeClosed, match="Forbidden") as caught:
        safe.renew()
    assert made not in str(caught.value)


def test_a_token_for_ever_and_a_role_want_no_renewing(vault):
    assert Vault(VaultAddress(vault.url, token=outside.ROOT_TOKEN)).renew() is None
    assert Vault(VaultAddress(vault.url, role_id="r", secret_id="s")).renew() is None


@pytest.mark.parametrize(("secret", "said"), [
    (KEPT | {"SECRET_KY": CANARY}, "SECRET_KY: no setting that may lie there"),
    (KEPT | {"VAULT_TOKEN": CANARY}, "VAULT_TOKEN: no setting that may lie there"),
    (KEPT | {"SECRET_KEY": CANARY}, "SECRET_KEY: is weak"),
    (KEPT | {"HUEY_KEY": {CANARY: CANARY}}, "HUEY_KEY: must be text"),
    ({name: value for name, value in KEPT.items() if name != "MASTER_KEYS"}, "MASTER_KEYS: Field required"),
])
def test_what_is_wrong_in_it_is_named_without_its_value(environment, vault, secret, said):
    vault.secrets.kv.v2.create_or_update_secret("desk", secret=secret)
    environment(SECRETS_FROM="vault", VAULT_URL=vault.url, VAULT_TOKEN=outside.ROOT_TOKEN, VAULT_PATH="desk", **OUTSIDE)
    assert said in refused()


@pytest.mark.parametrize(("changes", "said"), [
    ({"VAULT_TOKEN": CANARY}, "did not give it (Forbidden)"),
    ({"VAULT_ROLE_ID": CANARY, "VAULT_SECRET_ID": CANARY}, "did not give it (InvalidRequest)"),
    ({"VAULT_TOKEN": outside.ROOT_TOKEN, "VAULT_PATH": "nowhere"}, "did not give it (InvalidPath)"),
    ({"VAULT_TOKEN": CANARY, "VAULT_URL": "http://127.0.0.1:9"}, "did not give it (ConnectionError)"),
    ({}, "VAULT_ROLE_ID is missing: SECRETS_FROM is vault"),
    ({"VAULT_ROLE_ID": CANARY}, "VAULT_SECRET_ID is missing"),
])
def test_a_vault_that_does_not_open_stops_the_start(environment, vault, changes, said):
    environment(**{"SECRETS_FROM": "vault", "VAULT_URL": vault.url, "VAULT_PATH": "desk"} | changes, **OUTSIDE)
    assert said in refused(outside.ROOT_TOKEN)


def test_secrets_manager_gives_them(environment, aws, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.client("secretsmanager", region_name="eu-west-1", endpoint_url=aws)
    environment(SECRETS_FROM="aws", AWS_SECRET_NAME="desk", AWS_SECRET_REGION="eu-west-1", AWS_SECRET_ENDPOINT=aws,
                **OUTSIDE)
    assert "aws desk: not given (ResourceNotFoundException)" in refused()
    client.create_secret(Name="desk", SecretString=CANARY)
    assert "aws desk: is no JSON object" in refused()
    client.put_secret_value(SecretId="desk", SecretString=json.dumps(KEPT))
    settings = load()
    assert settings.master_keys.get_secret_value() == KEPT["MASTER_KEYS"]
    assert settings.origin("master_keys") == "aws desk"
    client.put_secret_value(SecretId="desk", SecretString=json.dumps(KEPT | {"HUEY_KEY": "a" * 40}))
    assert "HUEY_KEY: is weak" in refused("a" * 40)


def test_aws_that_is_away_stops_the_start(environment, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    environment(SECRETS_FROM="aws", AWS_SECRET_NAME="desk", AWS_SECRET_REGION="eu-west-1",
                AWS_SECRET_ENDPOINT="http://127.0.0.1:9", **OUTSIDE)
    assert "aws desk: not given (EndpointConnectionError)" in refused()


def test_files_of_a_folder(environment, tmp_path):
    for name, value in KEPT.items():
        (tmp_path / name.lower()).write_text(value + "\n")
    environment(SECRETS_FROM="files", SECRETS_FOLDER=str(tmp_path), **OUTSIDE)
    settings = load()
    assert settings.secret_key.get_secret_value() == KEPT["SECRET_KEY"]
    assert settings.origin("secret_key") == "files"
    environment(SECRETS_FROM="files", SECRETS_FOLDER=str(tmp_path / "nowhere"))
    assert "SECRETS_FOLDER is no folder" in refused()


def test_the_command_line_says_who_gave_what_and_no_value(tmp_path):
    """As an operator calls it."""
    (tmp_path / "metrics_token").write_text(CANARY)
    done = subprocess.run([sys.executable, "-m", "flask", "config", "show"], cwd=ROOT, capture_output=True, text=True,
                          check=True, env={**os.environ, "FLASK_APP": "wsgi.py", "SECRETS_FOLDER": str(tmp_path)})
    assert "METRICS_TOKEN=********  # files\n" in done.stdout
    assert "SECRET_KEY=********  # environment\n" in done.stdout
    assert "MAIL_FROM=Quittance <desk@localhost>  # default\n" in done.stdout
    assert CANARY not in done.stdout + done.stderr
