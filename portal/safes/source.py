"""What pydantic asks for settings, last of all: the safe. It sees what the others found, and notes who gave what."""
from contextvars import ContextVar
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from portal import safes

SAID = {"InitSettingsSource": "code", "EnvSettingsSource": "environment", "DotEnvSettingsSource": ".env",
        "SecretsSettingsSource": "files"}


class Reading:
    """Of one reading of the settings: who gave each, by name, and the safe that was opened."""

    def __init__(self) -> None:
        self.origins: dict[str, str] = {}
        self.safe: safes.Safe | None = None


reading: ContextVar[Reading | None] = ContextVar("reading", default=None)


class SafeSource(PydanticBaseSettingsSource):
    """Beneath the environment, `.env` and files: what those say counts."""

    def __init__(self, settings: type[BaseSettings]) -> None:
        super().__init__(settings)

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("read whole, by __call__")

    def __call__(self) -> dict[str, Any]:
        """Raises SafeClosed: also for a name that is no setting, or one that opens the safe."""
        notes = reading.get() or Reading()
        for source, found in self.settings_sources_data.items():
            for name in found:
                notes.origins.setdefault(name, SAID.get(source, source))
        safe = notes.safe = safes.chosen(self.current_state)
        if safe is None:
            return {}
        given = {name.lower(): value for name, value in safe.read().items() if value}
        if wrong := sorted(given.keys() - (self.settings_cls.model_fields.keys() - safes.OPENING)):
            raise safes.SafeClosed(f"{safe.name}: {', '.join(wrong).upper()}: no setting that may lie there")
        for name in given:
            notes.origins.setdefault(name, safe.name)
        return given
