"""Passwords: what is refused, what matches."""
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha1
from pathlib import Path

import pytest

from portal.core import breached
from portal.core.errors import Invalid
from portal.parties import passwords
from tests.waiting import dawdle

ENDS = ("00000" + "1" * 35, "FFFFF" + "E" * 35)  # a whole list has such
GOOD = "a sentence that nobody guesses"


@pytest.mark.parametrize(("password", "code"), [
    ("fourteen chars", "password_too_short"),
    ("x" * 200, "password_too_long"),
    ("a" * 20, "password_known"),
    ("Somebody@Example.test", "password_known"),
])
def test_weak_ones_are_refused(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        passwords.check(password, about=("somebody@example.test",))
    assert [field.code for field in refused.value.fields] == [code]


def test_what_everybody_tries_first_is_refused_even_with_a_second_factor() -> None:
    known = next(word for word in sorted(passwords.known()) if len(word) >= 8 and len(set(word)) > 4)
    with pytest.raises(Invalid):
        passwords.check(known.upper(), second_factor=True)
    passwords.check("kzq81!xp", second_factor=True)


@pytest.fixture
def leaked(tmp_path: Path) -> Iterator[Callable[[Iterable[str]], None]]:
    """A list as the downloader writes it, of these passwords and of a few thousand others, is the desk's."""
    def write(words: Iterable[str]) -> None:
        digests = {*ENDS, *(sha1(word.encode()).hexdigest().upper() for word in [*words, *map(str, range(3000))])}
        (tmp_path / "pwned.txt").write_text("".join(f"{one}:{len(one)}\r\n" for one in sorted(digests)), newline="")
        assert breached.wrong_with(str(tmp_path / "pwned.txt")) is None
        breached.use(str(tmp_path / "pwned.txt"))

    yield write
    breached.use(None)


def test_what_leaked_somewhere_is_refused_where_a_list_is_named(leaked: Callable[[Iterable[str]], None]) -> None:
    """Each line of the list is found, the first and the last too, and nothing else."""
    passwords.check(GOOD)
    leaked([GOOD, "café with many letters"])
    for text in (GOOD, "cafe\N{COMBINING ACUTE ACCENT} with many letters"):
        with pytest.raises(Invalid) as refused:
            passwords.check(text)
        assert [field.code for field in refused.value.fields] == ["password_known"]
    passwords.check(GOOD + ".")
    assert all(breached.has(str(number)) for number in range(3000))
    assert not any(breached.has(str(number)) for number in range(3000, 6000))


LINES = sorted({*ENDS, *(sha1(str(number).encode()).hexdigest().upper() for number in range(3000))})


def listed(lines: Iterable[str]) -> bytes:
    return "".join(f"{one}:3\r\n" for one in lines).encode()


@pytest.mark.parametrize(("content", "wrong"), [
    (None, "cannot be read: No such file or directory"),
    (b"", "must hold SHA-1"), (b"password\n", "must hold SHA-1"), (b"0" * 40, "only a part"),
    (b"0" * 39 + b"x:1\n", "must hold SHA-1"),
    (listed(LINES[:2000]), "only a part"),  # the download broke off
    (listed(LINES[:2000])[:-60], "must hold SHA-1|only a part"),
    (listed(LINES[1:]), "only a part"),
    (listed([LINES[0], *sorted(LINES[1:-1], key=lambda one: one[::-1]), LINES[-1]]), "must be sorted"),
    (listed([LINES[0], *(one.lower() for one in LINES[1500:]), *LINES[1:1500], LINES[-1]]), "must be sorted"),
    (listed(LINES).replace(b"\r\n", b"   \r\n"), "must hold SHA-1"),
])
def test_what_is_no_such_list_is_not_taken_for_one(tmp_path: Path, content: bytes | None, wrong: str) -> None:
    """Nothing would be found in it, and everything could be chosen."""
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    assert re.search(wrong, breached.wrong_with(str(tmp_path / "list")) or "")


@pytest.mark.parametrize("password", ["quittance-quittance-1", "Quittance2026!!", "anna.petrova-anna"])
def test_words_of_this_place_are_not_most_of_one(password: str) -> None:
    """The product's name and one's own stand on every page; beside a sentence they do no harm."""
    with pytest.raises(Invalid) as refused:
        passwords.check(password, about=("anna.petrova@example.test", "Anna Petrova"))
    assert [field.code for field in refused.value.fields] == ["password_known"]
    passwords.check(f"{password} and a green bicycle", about=("anna.petrova@example.test", "Anna Petrova"))


def test_only_the_exact_password_matches() -> None:
    made = passwords.hashed(GOOD)
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(made, GOOD)
    assert not passwords.matches(made, GOOD.upper())
    assert not passwords.matches(made, GOOD + " ")
    assert not passwords.matches(None, GOOD)
    assert not passwords.matches("not a hash", GOOD)


def test_the_same_letters_typed_in_another_way_match() -> None:
    assert passwords.matches(passwords.hashed("café with many letters"), "café with many letters")


def test_a_hash_of_earlier_parameters_is_dated() -> None:
    from argon2 import PasswordHasher

    assert passwords.is_dated(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD))
    assert not passwords.is_dated(passwords.hashed(GOOD))


def test_four_hashes_at_once_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted where the hashing happens: each takes 19 MiB."""
    now, most, lock = 0, 0, threading.Lock()

    class Slow:
        def hash(self, password: str) -> str:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            dawdle(0.05)
            with lock:
                now -= 1
            return password

    monkeypatch.setattr(passwords, "_hasher", Slow())
    threads = [threading.Thread(target=passwords.hashed, args=(GOOD,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == passwords.AT_ONCE_MAX
