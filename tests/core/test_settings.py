"""Settings are judged as a whole at start: everything that is wrong is listed, and no value is shown."""
import pytest

from portal.settings import BadSettings, Settings, load

GOOD = {
    "APP_ENV": "production", "SECRET_KEY": "3kfj2kdf93kfmvn3094jfmvkd83jfmvkdlsie9w",
    "HUEY_KEY": "a8fj3kd93kfmvn3094jfmvkd83jfmvkdlsie9w",
    "MASTER_KEYS": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "FINGERPRINT_KEY": "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=",
    "PAYMENT_LINK_KEY": "cGF5LWxpbmstMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG0=",
    "DATABASE_URL": "postgresql://app:pw@db/quittance",
    "REDIS_URL": "redis://redis:6379/0", "PUBLIC_URL": "https://pay.example",
}


@pytest.fixture
def environment(monkeypatch):
    for field in Settings.model_fields:
        monkeypatch.delenv(field.upper(), raising=False)

    def put(**changes: str | None) -> None:
        for name, value in (GOOD | changes).items():
            if value is not None:
                monkeypatch.setenv(name, value)
    return put


def test_a_whole_configuration_starts(environment):
    environment()
    settings = load()
    assert settings.production
    assert settings.https
    assert settings.sqlalchemy_url == "postgresql+psycopg://app:pw@db/quittance"
    assert "pw" not in repr(settings)


@pytest.mark.parametrize(("changes", "said"), [
    ({"SECRET_KEY": None}, "SECRET_KEY"),
    ({"SECRET_KEY": "short"}, "SECRET_KEY: is weak"),
    ({"SECRET_KEY": "a" * 40}, "SECRET_KEY: is weak"),
    ({"MASTER_KEYS": "k1:abc"}, "MASTER_KEYS"),
    ({"DATABASE_URL": "sqlite:///x"}, "one dialect"),
    ({"REDIS_URL": "amqp://x"}, "REDIS_URL"),
    ({"PUBLIC_URL": "http://pay.example"}, "https in production"),
    ({"RATELIMIT_ENABLED": "false"}, "RATELIMIT_ENABLED"),
    ({"TIME_ZONE": "Mars/Phobos"}, "TIME_ZONE"),
    ({"CLAMD_ADDRESS": "clamd"}, "CLAMD_ADDRESS: must be the path of a socket, or host:port"),
    ({"BREACHED_PASSWORDS_FILE": "/nowhere/pwned.txt"}, "BREACHED_PASSWORDS_FILE: cannot be read: No such file"),
    ({"QUITTANCE_COLOUR": "blue"}, "QUITTANCE_COLOUR: unknown"),
])
def test_what_is_wrong_is_said(environment, changes, said):
    environment(**changes)
    with pytest.raises(BadSettings, match="configuration is not usable") as caught:
        load()
    assert said in str(caught.value)


def test_a_shops_key_in_the_same_shell_stops_no_desk(environment):
    """As the guide has it: `export QUITTANCE_KEY=…`, then `bin/flask webhooks listen`."""
    environment(QUITTANCE_KEY="qk_test_x", QUITTANCE_HOME="/srv/desk")
    assert load().production


def test_everything_wrong_is_said_at_once_and_no_secret_is_shown(environment):
    environment(SECRET_KEY="hunter2", REDIS_URL="ftp://x:topsecret@y", TIME_ZONE="nowhere")
    with pytest.raises(BadSettings) as caught:
        load()
    said = str(caught.value)
    assert said.count("\n") >= 3
    assert "hunter2" not in said
    assert "topsecret" not in said
