"""Step-up: an act marked with `@requires(…, step_up=True)` wants to know who sits there now.

The guard asks before the view is called: what was typed goes along in the page that asks, and on to the act when the
answer is right. An answer holds for this act alone (method and address), five minutes, and until it was done once.
With a second factor that is what is asked for, else the password; every wrong answer counts as a guess.
"""
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import Response, g, make_response, render_template, request, session

from portal.core import clock
from portal.core.db import reader, transaction
from portal.core.errors import Invalid, PortalError, TooMany, Unavailable
from portal.http_status import OF_KIND
from portal.parties import login_throttle, passkeys, second_factor, users
from portal.web import htmx
from portal.web.identity import signed_in
from portal.web.refused_forms import sentences

FOR = timedelta(minutes=5)
KEPT = "step_up"
ACTS_MAX = 5  # that stand at once in one session
ASKED = 428  # Precondition Required: nothing was done yet
PROOFS = ("proof_password", "proof_code", "proof_passkey")
NOT_CARRIED = frozenset({"csrf_token", *PROOFS})
WRONG = (users.WRONG_PASSWORD, second_factor.WRONG_CODE)


def ask() -> Response | None:
    """Before an act that is so marked: None when the proof stands or came with the form, else the page that asks."""
    act = _act(request.method, request.path)
    if _stands(act):
        g.step_up_act = act
        return None
    if not any(request.form.get(name) for name in _wanted()):
        return _page(None)
    try:
        _prove()
    except (Invalid, TooMany) as error:
        return _page(error)
    _note(act)
    g.step_up_act = act
    return None


def prove_for(path: str) -> Response | None:
    """For a page that is read, as a file is: the proof was sent apart, so that no address holds it."""
    try:
        _prove()
    except (Invalid, TooMany) as error:
        return _page(error, path)
    _note(_act("GET", path.partition("?")[0]))
    return None


def spend(response: Response) -> Response:
    """What was done is done: the next such act is asked about again. Pages that are read stay open five minutes."""
    act = g.get("step_up_act")
    if act is not None and request.method == "POST" and response.status_code < 400:
        session[KEPT] = {name: at for name, at in session.get(KEPT, {}).items() if name != act}
    return response


@contextmanager
def counted(guess: login_throttle.Guess | None = None) -> Iterator[None]:
    """A try at a secret is made in here: it stays counted when it was wrong. Raises TooManyAttempts before it."""
    guess = guess or login_throttle.Guess.within(signed_in().details["session"])
    count(guess)
    try:
        yield
    except Invalid as refused:
        if any(field.code in WRONG for field in refused.fields):
            raise
        forgive(guess)  # it was right, only the rest of the form was not
        raise
    except Unavailable:
        forgive(guess)  # it was not looked at
        raise
    forgive(guess)


def count(guess: login_throttle.Guess) -> None:
    """In a transaction of its own: the count stays when the try is refused. Raises TooManyAttempts."""
    refused = None
    with transaction(alone=True) as database:
        try:
            login_throttle.take(database, guess)
        except login_throttle.TooManyAttempts as error:
            refused = error
    if refused is not None:
        raise refused


def forgive(guess: login_throttle.Guess) -> None:
    with transaction(alone=True) as database:
        login_throttle.give_back(database, guess)


def check_code(typed: str, *, field: str) -> None:
    """A code, used up by this; no transaction waits while it is hashed. Raises Invalid, TooManyAttempts, Busy."""
    actor = signed_in()
    with counted(login_throttle.Guess.at_the_second_factor(actor.id)):
        with transaction(alone=True) as database:
            salt = second_factor.salt_for(database, actor, typed)
        digest = second_factor.digest_of(typed, salt)
        with transaction(alone=True) as database:
            second_factor.accept(database, actor, typed, digest, field=field)


def check_passkey(answer: str) -> None:
    """An answer of one of their own passkeys, used up by this. Raises Invalid, TooManyAttempts."""
    from portal.web.auth.passkeys import used_up

    actor = signed_in()
    with counted(login_throttle.Guess.at_the_second_factor(actor.id)):
        to = used_up("prove", answer)
        with copies_noted(), transaction(alone=True) as database:
            passkeys.prove(database, answer, to=to, whose=actor.id)


@contextmanager
def copies_noted() -> Iterator[None]:
    """A copied passkey is refused, which undoes all but this: the audit has it, and its owner is told."""
    from portal.web import mails

    try:
        yield
    except passkeys.CopiedPasskey as copied:
        with transaction(alone=True) as database:
            passkeys.note_copied(database, copied, address=request.remote_addr)
            mails.factor(database, "passkey_copied", copied.email, copied.locale)
        raise


def _prove() -> None:
    """Raises Invalid, TooManyAttempts."""
    actor = signed_in()
    if actor.details.get("factor") and request.form.get("proof_passkey"):
        check_passkey(request.form["proof_passkey"])
        return
    if actor.details.get("factor"):
        check_code(request.form.get("proof_code", ""), field="/proof_code")
        return
    with counted():
        users.check_own(reader(), actor, request.form.get("proof_password", ""), field="/proof_password")


def stands_for(path: str) -> bool:
    """Was it shown for this page?"""
    return _stands(_act("GET", path))


def has_passkeys() -> bool:
    return passkeys.are_offered() and bool(passkeys.of_user(reader(), signed_in().id))  # type: ignore[arg-type]


def _wanted() -> tuple[str, ...]:
    """What counts as an answer: with a second factor a password is none."""
    return ("proof_code", "proof_passkey") if signed_in().details.get("factor") else ("proof_password",)


def _stands(act: str) -> bool:
    at = session.get(KEPT, {}).get(act)
    return at is not None and clock.now() - datetime.fromisoformat(at) <= FOR


def _note(act: str) -> None:
    newest = [(name, at) for name, at in session.get(KEPT, {}).items() if name != act][-ACTS_MAX + 1:]
    session[KEPT] = dict([*newest, (act, clock.now().isoformat())])


def _act(method: str, path: str) -> str:
    return f"{'GET' if method == 'HEAD' else method} {path}"


def _page(error: PortalError | None, path: str | None = None) -> Response:
    """Of the form that was sent, or of the page that was asked for."""
    reading = path or (request.full_path.rstrip("?") if request.method in ("GET", "HEAD") else None)
    carried = [] if reading else [(name, value) for name, value in request.form.items(multi=True)
                                  if name not in NOT_CARRIED]
    status = ASKED if error is None else next(OF_KIND[kind] for kind in type(error).__mro__ if kind in OF_KIND)
    response = make_response(render_template(
        "auth/step_up.html", reading=reading, action=request.full_path.rstrip("?"), carried=carried, error=error,
        wrong=sentences(error) if error else {}, lost=any(file.filename for file in request.files.values()),
        factor=bool(signed_in().details.get("factor")), has_passkeys=has_passkeys()), status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if htmx.wants_fragment():
        response.headers |= {"HX-Retarget": "body", "HX-Reswap": "innerHTML"}
    return response
