"""Passwords: what is refused, what matches."""
import threading

import pytest

from portal.core.errors import Invalid
from portal.parties import passwords
from tests.waiting import dawdle

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
