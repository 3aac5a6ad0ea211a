"""Threads of help as staff see them: who waits, one with its order and templates, an answer, the end."""
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from portal.core.access import Permission, requires
from portal.core.commands import bind
from portal.core.db import reader
from portal.help import queries, replies, service
from portal.help.commands import AnswerHelp, CloseHelp
from portal.web.admin.acts import act
from portal.web.admin.cases import line, of_help
from portal.web.form_keys import once
from portal.web.identity import signed_in
from portal.web.render import show

bp = Blueprint("admin_help", __name__, url_prefix="/admin/help")
ONE = "admin/help/one.html"


@bp.get("")
@requires(Permission.DISPUTE_OPEN)
def index() -> Response:
    session, actor = reader(), signed_in()
    over = request.args.get("view") == "closed"
    page = queries.closed(session, actor, cursor=request.args.get("after")) if over else None
    return show("admin/help/index.html", over=over, page=page,
                rows=page.rows if page is not None else queries.running(session, actor))


@bp.get("/<thread_id>")
@requires(Permission.DISPUTE_OPEN)
def one(thread_id: str) -> Response:
    """`?reply=` fills the answer with a template, in the asker's language or in `?in=`."""
    shown = _one(thread_id)
    language = request.args.get("in") or shown["thread"].locale
    text = replies.words(reader(), signed_in(), request.args.get("reply"), language)
    return show(ONE, error=None, wrong={}, values={"text": text} if text else {}, **shown)


@bp.post("/<thread_id>/answers")
@requires(Permission.DISPUTE_OPEN)
@once
def answer(thread_id: str) -> Response:
    with act(ONE, _one, thread_id) as session:
        service.answer(session, signed_in(), bind(AnswerHelp, request.form, thread_id=thread_id))
    return redirect(url_for(".one", thread_id=thread_id), 303)  # type: ignore[return-value]


@bp.post("/<thread_id>/end")
@requires(Permission.DISPUTE_OPEN)
@once
def close(thread_id: str) -> Response:
    with act(ONE, _one, thread_id) as session:
        service.close(session, signed_in(), bind(CloseHelp, request.form, thread_id=thread_id))
    return redirect(url_for(".index"), 303)  # type: ignore[return-value]


def _one(thread_id: str) -> dict[str, Any]:
    session, actor = reader(), signed_in()
    thread = queries.find(session, actor, thread_id)
    return {"thread": thread, "order": thread.order, "said": queries.said(session, [thread]),
            "others": [one for one in queries.of_order(session, actor, thread.order_id) if one.id != thread.id],
            "replies": replies.all_of(session, actor, use="help", active=True), **line(of_help(thread))}
