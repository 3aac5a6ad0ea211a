"""The spans themselves, by OpenTelemetry's SDK. Imported only where traces are on."""
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from typing import Any
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from portal.core import tracing
from portal.core.jobs.leases import Claimed

log = structlog.get_logger("traces")
SENT_WITHIN_S = 3.0  # a collector that is away holds up no process that stops for longer
SENT_EVERY_MS = 1000
WAITING_MAX = 2048  # spans; more are forgotten, and nobody waits
_propagator = TraceContextTextMapPropagator()


class Spans:
    """Of one process, sent by a thread of its own."""

    def __init__(self, url: str, *, share: float, key: bytes, process: str) -> None:
        drawn = _Drawn(share, key)
        # a caller's flag neither makes us keep more than the share that the operator wants nor hides his own calls
        provider = TracerProvider(
            sampler=ParentBased(drawn, remote_parent_sampled=drawn, remote_parent_not_sampled=drawn),
            resource=Resource.create({"service.name": f"quittance-{process}", "service.namespace": "quittance"}))
        provider.add_span_processor(BatchSpanProcessor(
            _Told(OTLPSpanExporter(endpoint=url, timeout=SENT_WITHIN_S)), max_queue_size=WAITING_MAX,
            max_export_batch_size=WAITING_MAX, schedule_delay_millis=SENT_EVERY_MS))  # at a stop all in one try
        self._tracer = provider.get_tracer("quittance")

    def current(self) -> str | None:
        """The present span as a `traceparent`."""
        return _written(trace.get_current_span())

    @contextmanager
    def request(self, method: str, given: str | None) -> Iterator[Span]:
        """A request, in the trace that its caller named."""
        with self._tracer.start_as_current_span(
                method, context=_read(given), kind=SpanKind.SERVER, attributes={"http.request.method": method},
                record_exception=False) as span:
            yield span

    def answered(self, method: str, route: str, status: int, request_id: str | None) -> str | None:
        span = trace.get_current_span()
        if not span.is_recording():
            return None
        span.update_name(f"{method} {route}")
        span.set_attributes({"http.route": route, "http.response.status_code": status,
                             "quittance.request_id": request_id or ""})
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        return trace.format_trace_id(span.get_span_context().trace_id)

    @contextmanager
    def working(self, kind: str, jobs: Sequence[Claimed]) -> Iterator[dict[UUID, str]]:
        """Each of the batch in its own trace, all for as long as the batch took."""
        with ExitStack() as stack:
            spans = {job.reference: self._work(stack, kind, job, alone=len(jobs) == 1, of=len(jobs))
                     for job in jobs if tracing.context(job.request_id) is not None}
            yield {reference: f"{tracing.origin(job.request_id) or ''}{tracing.BETWEEN}{_written(span)}"
                   for job in jobs if (reference := job.reference) and (span := spans.get(reference))}

    def _work(self, stack: ExitStack, kind: str, job: Claimed, *, alone: bool, of: int) -> Span:
        span = self._tracer.start_span(
            kind, context=_read(tracing.context(job.request_id)), kind=SpanKind.CONSUMER,
            attributes={"quittance.job": job.id, "quittance.kind": kind, "quittance.batch": of,
                        "quittance.reference": str(job.reference), "quittance.attempt": job.attempts + 1,
                        "quittance.request_id": tracing.origin(job.request_id) or ""})
        stack.enter_context(trace.use_span(span, end_on_exit=True, record_exception=False) if alone else _ended(span))
        return span

    @contextmanager
    def calling(self, name: str, kept: str | None) -> Iterator[dict[str, str]]:
        with self._tracer.start_as_current_span(
                name, context=_read(tracing.context(kept)), kind=SpanKind.CLIENT, record_exception=False,
                attributes={"quittance.request_id": tracing.origin(kept) or ""}) as span:
            yield {tracing.HEADER: _written(span) or ""}

    def called(self, status: int | None, error: str | None) -> None:
        span = trace.get_current_span()
        if status is not None:
            span.set_attribute("http.response.status_code", status)
        if error is not None or status is None or status >= 400:
            span.set_status(Status(StatusCode.ERROR, error or str(status)))


class _Drawn(Sampler):
    """A share of all traces, the same ones in every process: by a hash that a caller who chooses ids cannot aim at."""

    def __init__(self, share: float, key: bytes) -> None:
        self._below, self._key = int(share * 2**64), blake2b(key, person=b"traces").digest()

    def should_sample(self, parent_context: Context | None, trace_id: int, name: str, kind: Any = None,
                      attributes: Any = None, links: Any = None, trace_state: Any = None) -> SamplingResult:
        hashed = blake2b(trace_id.to_bytes(16, "big"), key=self._key, digest_size=8).digest()
        if int.from_bytes(hashed, "big") < self._below:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes)
        return SamplingResult(Decision.DROP)

    def get_description(self) -> str:
        return "a share, drawn by the desk"


class _Told(SpanExporter):
    """The exporter, whose failure is one line of our log until it takes spans again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter, self._away = exporter, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        away = result is not SpanExportResult.SUCCESS
        if away != self._away:
            self._away = away
            log.warning("traces_not_taken" if away else "traces_are_taken", spans=len(spans))
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


@contextmanager
def _ended(span: Span) -> Iterator[None]:
    """Ended with the block, and marked where that failed; not the present span."""
    try:
        yield
    except BaseException:
        span.set_status(Status(StatusCode.ERROR))
        raise
    finally:
        span.end()


def _read(given: str | None) -> Context:
    """A context of which nothing but this is known: none that a thread happens to have."""
    return _propagator.extract({tracing.HEADER: given} if given else {}, context=Context())


def _written(span: Span) -> str | None:
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context=trace.set_span_in_context(span, Context()))
    return carrier.get(tracing.HEADER)
