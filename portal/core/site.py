"""Where people and their programs find this desk. Told once by `create_app`: a process is one desk."""

_url = ""


def use(public_url: str) -> None:
    """The settings' PUBLIC_URL."""
    global _url
    _url = public_url.rstrip("/")


def url() -> str:
    """Without a slash at its end."""
    return _url
