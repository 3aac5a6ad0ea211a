"""The blocking Python client out of the asynchronous one: the same text without the waiting."""
import re
from pathlib import Path

HEAD = '"""Made of quittance/aio/{name} by bin/clients: change that one."""\n'
WORDS = (("AsyncQuittance", "Quittance"), ("AsyncIterator", "Iterator"), ("AsyncClient", "Client"),
         ("AsyncBaseTransport", "BaseTransport"),
         ("__aenter__", "__enter__"), ("__aexit__", "__exit__"), ("__aiter__", "__iter__"), ("aclose", "close"),
         ("quittance.aio", "quittance.blocking"), ("asyncio.sleep", "time.sleep"), ("import asyncio", "import time"),
         ("async def", "def"), ("async with", "with"), ("async for", "for"), ("await ", ""))


def modules(package: Path) -> dict[Path, str]:
    """Of each module of `aio`."""
    found = {}
    for path in sorted((package / "aio").glob("*.py")):
        found[Path("python/src/quittance/blocking") / path.name] = blocking(path.read_text(), path.name)
    return found


def blocking(text: str, name: str) -> str:
    """Its docstring gives way to one that says where it comes from."""
    text = re.sub(r'\A""".*?"""\n', lambda _: HEAD.format(name=name), text, flags=re.S)
    for before, after in WORDS:
        text = text.replace(before, after)
    return text
