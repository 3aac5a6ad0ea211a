"""Traces: from a store's call by way of jobs to its webhook, through real processes to a collector; off by default."""
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from portal.core import request_log, tracing
from portal.core.db import transaction
from portal.core.tracing.spans import _Drawn
from portal.webhooks import service
from portal.webhooks.commands import CreateEndpoint
from tests import factories
from tests.running import ROOT, Desk, free_port, running_desk, wait_for
from tests.tasks.caller import Caller, caller_of
from tests.tasks.record import Record, all_matched, cast_of_four
from tests.webhooks.receiver import Receiver, listening

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"
STOPPED_WITHIN_S = 8.0


@pytest.fixture
def record(fresh_database: str, url_of) -> Record:
    return Record(url_of(fresh_database, "owner"))


@pytest.fixture
def collector() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture
def shop() -> Iterator[Receiver]:
    """A store's own server."""
    with listening() as receiver:
        yield receiver


def spans(collector: Receiver) -> dict[str, Span]:
    """All that were sent so far, by name: each of an order's steps is one."""
    found = {}
    for one in tuple(collector.received):
        assert one.headers["content-type"] == "application/x-protobuf"
        sent = ExportTraceServiceRequest.FromString(one.body)
        for resource in sent.resource_spans:
            process = {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"]
            found |= {(process, span.name, span.span_id.hex()): span
                      for scope in resource.scope_spans for span in scope.spans}
    return {f"{process}: {name} {number}": span for number, ((process, name, _), span) in enumerate(found.items())}


def named(collector: Receiver, name: str) -> list[Span]:
    return [span for told, span in spans(collector).items() if told.rpartition(" ")[0] == name]


def facts(span: Span) -> dict[str, object]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.mark.parametrize("road", ["true", pytest.param("false", marks=pytest.mark.slow)], ids=["loop", "flask"])
def test_one_trace_from_the_call_to_the_webhook(fresh_app: Flask, fresh_database: str, record: Record,
                                               collector: Receiver, shop: Receiver, tmp_path: Path, road: str) -> None:
    cast = cast_of_four()
    _endpoint(cast, shop)
    log = tmp_path / "desk.log"
    with running_desk(fresh_database, log, settings={"TRACES_URL": collector.url, "FAST_CREATE": road}) as desk:
        answer = _called(caller_of(desk, cast), "first", GIVEN)
        wait_for(lambda: len(shop.received) == 2, "new and assigned were told")
        wait_for(lambda: (len(named(collector, "quittance-worker: deliver_webhook")) == 2
                          and named(collector, "quittance-web: POST /gateway/v1/payins")), "all spans were sent")
        (request,) = named(collector, "quittance-web: POST /gateway/v1/payins")
        (match,) = named(collector, "quittance-worker: match_order")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert request.kind == Span.SPAN_KIND_SERVER
    assert facts(request)["http.response.status_code"] == 201
    assert facts(request)["quittance.request_id"] == answer["request-id"]
    assert (match.trace_id, match.parent_span_id, match.kind) == (
        request.trace_id, request.span_id, Span.SPAN_KIND_CONSUMER)
    calls = named(collector, "quittance-worker: deliver_webhook")
    assert {(span.trace_id.hex(), span.kind) for span in calls} == {(TRACE, Span.SPAN_KIND_CLIENT)}
    assert {span.parent_span_id for span in calls} == {request.span_id, match.span_id}, "new; assigned"
    assert {one.headers["traceparent"] for one in shop.received} == {
        f"00-{TRACE}-{span.span_id.hex()}-01" for span in calls}
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"request"' in line]
    assert TRACE in [line.get("trace_id") for line in lines if line["route"] == "/gateway/v1/payins"]
    assert record.one("SELECT request_id FROM order_events WHERE type = 'payin.new'") == answer["request-id"]


@pytest.mark.slow
def test_a_share_of_none_keeps_none_and_a_page_never_joins_a_strangers_trace(
        fresh_app: Flask, fresh_database: str, record: Record, collector: Receiver, shop: Receiver, tmp_path: Path,
) -> None:
    cast = cast_of_four()
    _endpoint(cast, shop)
    settings = {"TRACES_URL": collector.url, "TRACES_SHARE": "0"}
    with running_desk(fresh_database, tmp_path / "desk.log", settings=settings) as desk:
        _called(caller_of(desk, cast), "first", GIVEN)
        wait_for(lambda: len(shop.received) == 2, "new and assigned were told")
        desk.stop()  # which sends what is left
        assert not spans(collector)
        assert {one.headers["traceparent"][3:35] for one in shop.received} == {TRACE}, "others may keep theirs"
        assert {one.headers["traceparent"][-2:] for one in shop.received} == {"00"}
    desk.environment["TRACES_SHARE"] = "1"
    desk.processes.clear()
    desk.start("web")
    _page(desk, "/login", GIVEN)
    _page(desk, "/livez", GIVEN)
    desk.stop()
    (page,) = spans(collector).values()
    assert page.name == "GET /login"
    assert page.trace_id.hex() != TRACE


def test_a_share_cannot_be_aimed_at() -> None:
    """By ids whose low half says "keep me", as samplers of other programs read it."""
    chosen = [number << 64 | 1 for number in range(1, 2001)]
    kept = {key: [id for id in chosen if _Drawn(.05, key).should_sample(None, id, "").decision.is_sampled()]
            for key in (b"one", b"another")}
    assert all(40 < len(ids) < 180 for ids in kept.values())
    assert kept[b"one"] != kept[b"another"]
    assert kept[b"one"] == [id for id in chosen if _Drawn(.05, b"one").should_sample(
        None, id, "").decision.is_sampled()], "in each process the same"
    assert all(_Drawn(1, b"one").should_sample(None, id, "").decision.is_sampled() for id in chosen)


@pytest.mark.slow
def test_a_collector_that_is_away_holds_nobody_up(fresh_app: Flask, fresh_database: str, record: Record,
                                                  tmp_path: Path) -> None:
    """It takes connections and never answers."""
    cast, log = cast_of_four(), tmp_path / "desk.log"
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        with running_desk(fresh_database, log, settings={"TRACES_URL": url}) as desk:
            caller = caller_of(desk, cast)
            for number in range(10):
                assert caller.payin(number).status == 201
            all_matched(record, 10)
            wait_for(lambda: "traces_not_taken" in log.read_text(), "it is told")
            took = desk.terminate("web")
    assert took < STOPPED_WITHIN_S
    assert log.read_text().count("traces_not_taken") <= 2, "once a process"


def test_nothing_of_it_is_imported_where_it_is_off(fresh_app: Flask, fresh_database: str, tmp_path: Path) -> None:
    """But what redis imports by itself where it is installed, as it is for tests."""
    desk = Desk(fresh_database, tmp_path / "desk.log")
    for module in ("asgi", "tasks.app; tasks.app.make_application()"):
        done = subprocess.run(
            [sys.executable, "-c", f"import sys, {module}\nprint([name for name in sys.modules if name.startswith("
             "('opentelemetry.sdk.trace', 'opentelemetry.exporter', 'portal.core.tracing.'))])"],
            cwd=ROOT, env=desk.environment, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_of_a_batch_each_order_goes_on_under_its_own_request(fresh_app: Flask, record: Record) -> None:
    cast = cast_of_four()
    _endpoint(cast, None)
    asked = []
    for number in range(3):
        asked.append(request_log.begin())
        factories.create_payin(cast, f"{100 + number}.00")
    request_log.begin()
    assert factories.work_off() == 3, "in one batch"
    for type in ("payin.new", "payin.assigned"):
        assert record.one("""
            SELECT array_agg(j.request_id ORDER BY j.request_id)
              FROM jobs j JOIN webhook_deliveries d ON d.id = j.reference
             WHERE d.type = %s""", type) == sorted(asked), type
    assert record.one("SELECT array_agg(request_id ORDER BY request_id) FROM jobs WHERE kind = 'expire_order'"
                      ) == sorted(asked)


def test_a_row_that_was_written_with_traces_on_is_read_with_traces_off() -> None:
    assert tracing.kept("req_1") == "req_1"
    assert tracing.origin(f"req_1 {GIVEN}") == "req_1"
    assert tracing.context(f"req_1 {GIVEN}") == GIVEN
    assert (tracing.origin(None), tracing.context(None), tracing.context("req_1")) == (None, None, None)
    assert tracing.origin(f" {GIVEN}") is None


def _endpoint(cast: factories.Cast, shop: Receiver | None) -> None:
    url = shop.url if shop else f"http://127.0.0.1:{free_port()}/hook"
    with transaction() as session:
        service.create_endpoint(session, cast.key, CreateEndpoint(url=url, events=["*"]))


def _called(caller: Caller, number: str, given: str) -> dict[str, str]:
    answer = caller.call("POST", "/gateway/v1/payins", {
        "external_id": number, "amount": "1500.00", "currency": "RUB", "method": caller.method}, key=number,
        more={"traceparent": given})
    assert answer.status == 201, answer.body
    return answer.headers


def _page(desk: Desk, path: str, given: str) -> None:
    from urllib.request import Request, urlopen

    with urlopen(Request(desk.url + path, headers={"traceparent": given}), timeout=10) as answer:
        assert answer.status == 200
