"""Codes of the records as people read them, before they are translated."""


def named(code: object) -> str:
    """A code as people read it, to be translated: `day_max_minor` → Day max."""
    return str(code).removesuffix("_minor").removesuffix("_bps").replace("_", " ").capitalize()
