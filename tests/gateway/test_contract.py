"""What clients of yesterday relied on still holds today. A failure here is a breaking change: docs/gateway.md, "What
stays", says what to do instead.

What is new is recorded with WRITE_CONTRACT=1 bin/test -q -n 1 tests/gateway/test_contract.py.
"""
import base64
import copy
import json
import os
import re
from collections.abc import Callable
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage

from portal import ledger
from portal.gateway import openapi
from portal.requisites import robots
from tests import factories as f
from tests.gateway.conftest import Shop
from tests.gateway.contract.compatible import broken_answer, broken_document

FOLDER = Path(__file__).parent / "contract"
DOCUMENT = FOLDER / "openapi.json"
EXCHANGES = sorted(path for path in FOLDER.glob("*.json") if path != DOCUMENT)
WRITES = os.environ.get("WRITE_CONTRACT") == "1"
SPELLED = (  # secrets, times, a robot's number
    (r"whsec_[\w+/=-]+", f"whsec_{'A' * 43}="), (r"eyJ[\w-]+\.[\w-]+\.[\w-]+", "eyJ0.e30.c2lnbmVk"),
    (r"(?<=/pay/)[\w-]+", "a" * 58), (r"\*{6}\d{4}", "******0000"), (r"\b\d{16}(?=_)", "1" * 16),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "2026-11-22T10:11:12.345Z"))
WORDS = frozenset({"description", "summary", "title", "examples", "example"})


def bare(value: Any) -> Any:
    """Without what is for people to read."""
    if isinstance(value, dict):
        return {name: bare(one) for name, one in value.items()
                if name not in WORDS or (name in ("title", "description") and isinstance(one, dict))}
    return [bare(one) for one in value] if isinstance(value, list) else value


def today(app) -> Any:
    return json.loads(json.dumps(bare(openapi.document(app)) | {"servers": []}))


@pytest.fixture
def funded(shop: Shop, method: str) -> Shop:
    """Enough for what is recorded, in test mode, and robots that take it."""
    f.deposit_to(ledger.store_available(shop.store.id, "USDT", False), "1000.000000")
    with f.act() as session:
        f.set_fee(session, f.SYSTEM, f.SetFee(store_id=shop.store.id, direction="payout", fee_bps=250))
        robots.ensure(session, "USDT", methods=[method])
    f.forget()
    return shop.in_test_mode()


def play(shop: Shop, steps: list[dict[str, Any]], method: str) -> list[str]:
    """Each recorded request once more, in order; returns what of the answers would trouble its reader."""
    known = {"method": method, "client_id": shop.token.split("_")[2], "client_secret": shop.token}
    wrong: list[str] = []
    for number, step in enumerate(steps):
        verb, path = filled(step["call"], known).split(" ", 1)
        sender = shop.as_key(filled(step["key"], known)) if "key" in step else shop
        answer = sender._open(verb, path, **sent(step, known))
        got = answer.get_json()
        if WRITES:
            step["status"], step["answer"] = answer.status_code, got
        if answer.status_code != step["status"]:
            wrong.append(f"{number} {step['call']}: was {step['status']}, is {answer.status_code} {got}")
            break
        wrong += [f"{number} {step['call']}: {one}" for one in broken_answer(step["answer"], got)]
        wrong += [f"{number} {step['call']}: no {name}" for name in step.get("answer_headers", ())
                  if name not in answer.headers]
        known |= {name: str(got[field]) for name, field in step.get("keep", {}).items()}
    return wrong


def sent(step: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    """JSON, or a form with or without HTTP Basic authentication, or files."""
    headers: dict[str, str | None] = dict(step.get("headers", {}))
    if "files" in step:
        files = [FileStorage(BytesIO(base64.b64decode(one["base64"])), one["name"]) for one in step["files"]]
        return {"headers": headers, "data": {"file": files}, "content_type": "multipart/form-data"}
    if "form" in step:
        basic = base64.b64encode(filled(step["basic"], known).encode()).decode() if "basic" in step else None
        return {"headers": headers | {"Authorization": basic and f"Basic {basic}"},
                "data": {name: filled(value, known) for name, value in step["form"].items()}}
    body = filled(json.dumps(step["body"]), known).encode() if "body" in step else b""
    return {"headers": headers, "data": body, "content_type": "application/json"}


def filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(f"<{name}>", value)
    return text


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
def test_recorded_requests_are_answered_as_they_were(path: Path, funded: Shop, method: str) -> None:
    steps = json.loads(path.read_text())
    wrong = play(funded, steps, method)
    if WRITES:
        path.write_text(filled_back(json.dumps(steps, ensure_ascii=False, indent=1), method) + "\n")
    assert not wrong, "\n".join(wrong)


def filled_back(text: str, method: str) -> str:
    """As it would be written by any other run: what is another one each time is numbered or the same."""
    ids, numbers = dict[str, str](), count(1)

    def numbered(id: re.Match[str]) -> str:
        return ids.setdefault(id[0], f"01JD9W4M0Q8Z6T1V5R2X{next(numbers):06}")

    for spelled, same in SPELLED:
        text = re.sub(spelled, same, text)
    text = re.sub(r"(?<=_)[0-7][0-9A-HJKMNP-TV-Z]{25}\b", numbered, text)
    return text.replace(f'"{method}"', '"<method>"')


def test_the_document_takes_and_promises_what_it_did(app) -> None:
    if WRITES:
        DOCUMENT.write_text(json.dumps(today(app), indent=1, sort_keys=True) + "\n")
    recorded = json.loads(DOCUMENT.read_text())
    assert not list(broken_document(recorded, today(app)))


def test_what_is_new_is_recorded_too(app) -> None:
    """Else it could be broken tomorrow and nobody would know."""
    recorded, now = json.loads(DOCUMENT.read_text()), today(app)
    missing = list(broken_document(now, recorded))
    assert not missing, ["WRITE_CONTRACT=1 bin/test -q -n 1 tests/gateway/test_contract.py", *missing]


def _drop_call(document: Any) -> None:
    del document["paths"]["/gateway/v1/quote"]


def _new_required(document: Any) -> None:
    document["components"]["schemas"]["CreatePayin"]["required"].append("bank")


def _answer_without(document: Any) -> None:
    del document["components"]["schemas"]["Payin"]["properties"]["amount_to_pay"]


def _shorter(document: Any) -> None:
    document["components"]["schemas"]["CreatePayin"]["properties"]["external_id"]["maxLength"] = 10


def _fewer(document: Any) -> None:
    parameter = next(one for one in document["paths"]["/gateway/v1/payins"]["get"]["parameters"]
                     if one["name"] == "status")
    parameter["schema"]["enum"].remove("expired")


def _other_status(document: Any) -> None:
    next(one for one in document["x-error-codes"] if one["code"] == "external_id_taken")["status"] = 422


def _null(document: Any) -> None:
    document["components"]["schemas"]["Payin"]["properties"]["amount"] = {"anyOf": [{"type": "string"},
                                                                                   {"type": "null"}]}


@pytest.mark.parametrize("change", [_drop_call, _new_required, _answer_without, _shorter, _fewer, _other_status, _null])
def test_a_breaking_change_of_the_document_is_seen(app, change: Callable[[Any], None]) -> None:
    recorded, now = today(app), copy.deepcopy(today(app))
    change(now)
    assert list(broken_document(recorded, now))


def test_new_calls_fields_and_values_break_nothing(app) -> None:
    recorded, now = today(app), copy.deepcopy(today(app))
    now["paths"]["/gateway/v1/new"] = {"get": {"responses": {"200": {}}}}
    now["components"]["schemas"]["Payin"]["properties"]["new"] = {"type": "string"}
    now["components"]["schemas"]["CreatePayin"]["properties"]["new"] = {"type": "string"}
    now["x-error-codes"].append({"code": "new", "status": 409})
    assert not list(broken_document(recorded, now))


@pytest.mark.parametrize("got", [{}, {"a": None}, {"a": 1}, {"a": "x"}, {"a": "2026-11-22T10:11:12Z"}])
def test_a_breaking_change_of_an_answer_is_seen(got: dict[str, Any]) -> None:
    assert list(broken_answer({"a": "2026-11-22T10:11:12.345Z"}, got))


def test_a_word_that_programs_compare_stays() -> None:
    assert list(broken_answer({"status": "new"}, {"status": "created"}))
    assert not list(broken_answer({"detail": "old words", "n": None}, {"detail": "new words", "n": 1, "more": 2}))
