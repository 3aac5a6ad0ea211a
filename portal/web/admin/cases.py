"""Who is on what: mine and everybody's, and the line on what waits that says so and takes it."""
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for

from portal import approvals
from portal.applications import Application
from portal.applications import service as applications
from portal.core import ids
from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader, transaction
from portal.core.errors import NotFound
from portal.core.jobs import Job
from portal.help import queries as help_queries
from portal.help.models import HelpThread
from portal.orders import queries
from portal.orders.models import Order
from portal.parties import cases
from portal.parties.cases import Case
from portal.web.htmx import wants_fragment
from portal.web.identity import signed_in
from portal.web.render import redisplay, show

bp = Blueprint("admin_cases", __name__, url_prefix="/admin/cases")
JOB, DIGITS = "job_", 19  # of its number: a bigint has no more
LINE, INDEX = "admin/cases/_line.html", "admin/cases/index.html"


class Subject(NamedTuple):
    """What a case is about: `kind` as cases know it, its public id, its page, whether it still waits."""

    kind: str
    id: UUID
    public_id: str
    url: str
    waits: bool


@bp.get("")
@requires(Permission.ADMIN_PORTAL)
def index() -> Response:
    return show(INDEX, error=None, wrong={}, values={}, **_list())


@bp.get("/<subject_id>")
@requires(Permission.ADMIN_PORTAL)
def one(subject_id: str) -> Response:
    """The line for a page that is open; a browser that follows the address goes to the matter itself."""
    subject = subject_of(subject_id)
    if not wants_fragment():
        return redirect(subject.url, 303)  # type: ignore[return-value]
    return show(LINE, **line(subject))


@bp.post("/<subject_id>")
@requires(Permission.ADMIN_PORTAL)
def take(subject_id: str) -> Response:
    """A colleague was faster: 409 with who it is."""
    subject = subject_of(subject_id)
    with redisplay(INDEX, _list), transaction() as session:
        cases.take(session, signed_in(), bind(cases.TakeCase, request.form, subject_kind=subject.kind,
                                              subject_id=subject.id))
    return redirect(subject.url, 303)  # type: ignore[return-value]


@bp.post("/<subject_id>/release")
@requires(Permission.ADMIN_PORTAL)
def release(subject_id: str) -> Response:
    subject = subject_of(subject_id)
    with redisplay(INDEX, _list), transaction() as session:
        cases.release(session, signed_in(), bind(cases.EndCase, request.form, subject_kind=subject.kind,
                                                 subject_id=subject.id))
    return redirect(subject.url, 303)  # type: ignore[return-value]


def subject_of(public_id: str) -> Subject:
    """Of what this person may see. Raises NotFound."""
    session, actor = reader(), signed_in()
    if public_id.startswith("apr_"):
        return of_approval(approvals.find(session, actor, public_id))
    if public_id.startswith("apl_"):
        return of_application(applications.find(session, actor, public_id))
    if public_id.startswith("hlp_"):
        return of_help(help_queries.find(session, actor, public_id))
    if public_id.startswith(JOB):
        return of_job(_job(public_id.removeprefix(JOB)))
    return of_order(queries.find(session, actor, public_id))


def of_approval(approval: approvals.Approval) -> Subject:
    return Subject("approval", approval.id, approval.public_id,
                   url_for("admin_approvals.one", approval_id=approval.public_id), approval.state == "pending")


def of_application(application: Application) -> Subject:
    return Subject("application", application.id, application.public_id,
                   url_for("admin_applications.one", application_id=application.public_id), application.waits)


def of_help(thread: HelpThread) -> Subject:
    return Subject("help", thread.id, thread.public_id, url_for("admin_help.one", thread_id=thread.public_id),
                   not thread.closed)


def of_order(order: Order) -> Subject:
    return Subject("order", order.id, order.public_id, url_for("admin_orders.one", order_id=order.public_id),
                   not order.ended)


def of_job(job: Job) -> Subject:
    """Where it lies dead: its row on the page of the jobs."""
    return Subject("job", cases.id_of_job(job.id), f"{JOB}{job.id}",
                   url_for("admin_jobs.index", state="dead", kind=job.kind, _anchor=f"job-{job.id}"),
                   job.dead_at is not None)


def line(subject: Subject) -> dict[str, Any]:
    """What the line of one matter shows."""
    case = cases.of(reader(), subject.kind, [subject.id]).get(subject.id)  # type: ignore[arg-type]
    return {"subject": subject, "case": case, "colleagues": _colleagues(subject.kind, [case])}


def lines_of_jobs(jobs: Iterable[Job]) -> dict[str, Any]:
    """The same for a list of dead work: `subjects` and `on` by job, and to whom one's own can be handed."""
    subjects = {job.id: of_job(job) for job in jobs}
    on = cases.of(reader(), "job", [subject.id for subject in subjects.values()])
    return {"subjects": subjects, "on": on, "colleagues": _colleagues("job", on.values())}


def _colleagues(kind: str, shown: Iterable[Case | None]) -> list[tuple[UUID, str]]:
    """Only for one's own there is a choice of whom to hand it to."""
    actor = signed_in()
    if not any(case is not None and case.taken_by == actor.id for case in shown):
        return []
    return [(one.id, one.name) for one in cases.colleagues(reader(), actor, kind)]


def _list() -> dict[str, Any]:
    mine = request.args.get("whose", "mine") == "mine"
    found = []
    for case in cases.open_cases(reader(), signed_in(), mine=mine):
        try:
            subject = subject_of(_public_id(case))
        except NotFound:
            continue
        if subject.waits:
            found.append((case, subject))
    return {"found": found, "mine": mine}


def _public_id(case: Case) -> str:
    if case.subject_kind == "job":
        return f"{JOB}{case.subject_id.int}"
    prefixes = {"order": "pin", "application": "apl", "help": "hlp"}
    return ids.public(prefixes.get(case.subject_kind, "apr"), case.subject_id)


def _job(number: str) -> Job:
    """Raises NotFound, also for what this person may not see."""
    fits = number.isascii() and number.isdecimal() and len(number) < DIGITS
    job = reader().get(Job, int(number)) if fits and signed_in().may(Permission.JOB_READ) else None
    if job is None:
        raise NotFound()
    return job
