"""The queue of record: leases, fencing, each alone after an error, dead after the last try."""
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from portal.core import clock, jobs
from portal.core.db import db, transaction
from portal.core.errors import DatabaseUnavailable, LockTimeout
from portal.core.jobs import DoneJob, Job, Kind, RetryAt, enqueueing, lease_renewal, runner
from portal.core.pipeline import autocommit

LEASE_S = 30


@pytest.fixture
def kind(app):
    """A kind of this test alone: other tests' work is never in its way."""
    name = f"test_{uuid4().hex}"
    yield name
    jobs.KINDS.pop(name, None)


def register(name: str, work, **more) -> None:
    jobs.register(Kind(name, work, lease_s=LEASE_S, **more))


def promise(kind: str, *keys: str, **more) -> None:
    with transaction() as session:
        for key in keys:
            jobs.enqueue(session, kind, key=key, **more)


def waiting(kind: str) -> dict[str, Job]:
    db.session.expire_all()
    return {job.unique_key: job for job in db.session.scalars(select(Job).where(Job.kind == kind))}


def done(kind: str) -> list[str]:
    return sorted(db.session.scalars(select(DoneJob.unique_key).where(DoneJob.kind == kind)))


@pytest.fixture
def said(monkeypatch) -> list[str]:
    """What the runner says to whoever wakes workers."""
    heard: list[str] = []
    monkeypatch.setattr(enqueueing, "_note_poll", lambda kind, behind: heard.append("help" if behind else "look"))
    monkeypatch.setattr(enqueueing, "_reopen_wakeups", lambda kind: heard.append("listen"))
    monkeypatch.setattr(enqueueing, "_poke", lambda kind: heard.append("poke"))
    return heard


def test_what_is_promised_meanwhile_is_found_without_a_wake_up_and_looked_for_once_more_after_listening(kind, said):
    """Between the look that finds nothing and the listening somebody may have promised in vain."""
    listened = []

    def listen(name: str) -> None:
        said.append("listen")
        if not listened:
            listened.append(name)
            promise(kind, "b")
            said.remove("poke")

    enqueueing.poke_with(enqueueing._poke, reopen_wakeups=listen)
    register(kind, lambda session, batch: said.append("work"))
    promise(kind, "a")
    said.clear()
    jobs.run(kind)
    assert said == ["look", "work", "look", "listen", "look", "work", "look", "listen", "look"]


def test_a_full_batch_calls_for_help(kind, said):
    register(kind, lambda session, batch: said.append("work"), batch_max=2)
    promise(kind, "a", "b", "c")
    said.clear()
    jobs.run(kind)
    assert said == ["look", "help", "listen", "poke", "work", "look", "work", "look", "listen", "look"]


def test_who_has_no_time_left_asks_to_be_woken_for_the_rest(kind, said):
    register(kind, lambda session, batch: said.append("work"))
    promise(kind, "a")
    said.clear()
    jobs.run(kind, for_s=-1)
    assert said == ["look", "listen", "poke"]


def test_promised_work_is_done_once_and_remembered(kind):
    seen = []
    register(kind, lambda session, batch: seen.extend(job.unique_key for job in batch))
    promise(kind, "a", "b", "a")
    assert jobs.run(kind) == 2
    assert jobs.run(kind) == 0
    assert (seen, waiting(kind), done(kind)) == (["a", "b"], {}, ["a", "b"])


def test_a_promise_that_is_rolled_back_was_never_made(kind):
    register(kind, lambda session, batch: None)
    with pytest.raises(ZeroDivisionError), transaction() as session:
        jobs.enqueue(session, kind, key="a")
        raise ZeroDivisionError
    assert jobs.run(kind) == 0


def test_effects_and_done_are_one_transaction(kind):
    """Work that fails leaves neither its effect nor its row finished."""
    def work(session, batch):
        session.execute(text("INSERT INTO job_slots (kind, slot) VALUES (:kind, 1)"), {"kind": kind})
        raise ZeroDivisionError

    register(kind, work)
    promise(kind, "a")
    jobs.run(kind)
    assert db.session.scalar(text("SELECT count(*) FROM job_slots WHERE kind = :kind"), {"kind": kind}) == 0
    assert waiting(kind)["a"].attempts == 1
    assert "ZeroDivisionError" in waiting(kind)["a"].last_error


def test_one_that_fails_takes_no_other_down(kind):
    def work(session, batch):
        if any(job.unique_key == "bad" for job in batch):
            raise ZeroDivisionError

    register(kind, work)
    promise(kind, "a", "bad", "b")
    jobs.run(kind)
    assert done(kind) == ["a", "b"]
    assert waiting(kind)["bad"].attempts == 1


def test_after_the_last_try_it_is_dead_in_the_transaction_of_its_effect(kind):
    told = []
    register(kind, lambda session, batch: 1 / 0, attempts_max=2,
             failed=lambda session, job, error, dead: told.append(dead))
    promise(kind, "a")
    jobs.run(kind)
    with clock.moved(timedelta(minutes=6)):
        jobs.run(kind)
        assert waiting(kind)["a"].dead_at is not None
        assert told == [False, True]
        assert jobs.run(kind) == 0


def test_what_is_not_ready_comes_back_without_counting_a_try(kind):
    later = clock.now() + timedelta(seconds=20)
    register(kind, lambda session, batch: {job.id: RetryAt(later) for job in batch})
    promise(kind, "a")
    assert jobs.run(kind) == 0
    assert (waiting(kind)["a"].attempts, waiting(kind)["a"].run_at, waiting(kind)["a"].lease) == (0, later, None)


def test_a_lease_keeps_others_away_until_it_runs_out(kind):
    register(kind, lambda session, batch: None)
    promise(kind, "a")
    first = jobs.claim(kind, limit=5, lease_s=LEASE_S)
    assert len(first) == 1
    assert jobs.claim(kind, limit=5, lease_s=LEASE_S) == []
    with clock.moved(timedelta(seconds=LEASE_S + 1)):
        second = jobs.claim(kind, limit=5, lease_s=LEASE_S)
        assert [job.lost for job in second] == [1]
        with pytest.raises(jobs.LeaseLost), transaction() as session:
            jobs.finish(session, first)
        with transaction() as session:
            jobs.finish(session, second)
    assert done(kind) == ["a"]


def test_one_whose_worker_died_twice_is_claimed_alone(kind):
    batches = []
    register(kind, lambda session, batch: batches.append(sorted(job.unique_key for job in batch)))
    promise(kind, "poison")
    for minutes in (0, 1):
        with clock.moved(timedelta(minutes=minutes)):
            assert jobs.claim(kind, limit=5, lease_s=LEASE_S)
    with clock.moved(timedelta(minutes=2)):
        promise(kind, "a", "b")
        jobs.run(kind)
    assert batches == [["a", "b"], ["poison"]]


def test_one_that_kills_every_worker_is_dead_in_the_end(kind):
    register(kind, lambda session, batch: None)
    promise(kind, "poison")
    for minutes in range(15):
        with clock.moved(timedelta(minutes=minutes)):
            jobs.claim(kind, limit=5, lease_s=LEASE_S)
    assert waiting(kind)["poison"].dead_at is not None


def bury():
    buried = 1
    while buried:  # a hundred at a time, and others' strays may lie before ours
        with transaction() as session:
            buried = jobs.bury_unknown(session)


def test_an_unknown_kind_is_dead_not_dropped_once_no_release_came_for_it(app):
    """In a rolling upgrade the old dispatcher buried what a new web process had promised, before a new worker came."""
    stray = f"stray_{uuid4().hex}"
    promise(stray, "a")
    bury()
    with clock.moved(timedelta(minutes=29)):
        bury()
        assert waiting(stray)["a"].dead_at is None
    with clock.moved(timedelta(minutes=31)):
        bury()
    assert waiting(stray)["a"].last_error == "unknown kind"


def test_a_recurring_slot_becomes_one_job_however_many_dispatchers(kind):
    register(kind, lambda session, batch: None, every_s=3600)
    for _ in range(3):
        with transaction() as session:
            jobs.enqueue_recurring(session)
        jobs.run(kind)
    assert len(done(kind)) == 1
    with clock.moved(timedelta(hours=1)), transaction() as session:
        jobs.enqueue_recurring(session)
    assert len(waiting(kind)) == 1


def test_work_of_each_second_is_one_done_job_a_minute(kind):
    """The sealer left a row of done work each second: 86,000 a day."""
    seconds = []

    def work(session, batch):
        seconds.append(clock.now())
        again = clock.now() + timedelta(seconds=1)
        return {job.id: jobs.RetryAt(again) for job in batch if jobs.in_slot(job, again)}

    register(kind, work, every_s=60)
    begin = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)

    def at(second: float):
        return clock.moved(begin + timedelta(seconds=second) - clock.now())

    with at(0), transaction() as session:
        jobs.enqueue_recurring(session)
    for second in range(0, 64, 2):
        with at(second):
            jobs.run(kind)
    assert len(seconds) in (30, 31), "the last may come as the minute ends"
    assert len(done(kind)) == 1
    assert waiting(kind) == {}


def test_a_withdrawn_promise_is_gone(kind):
    promise(kind, "a")
    with transaction() as session:
        jobs.cancel(session, kind, "a")
    assert waiting(kind) == {}


def test_what_is_due_is_found_without_reading_what_is_not(kind):
    register(kind, lambda session, batch: None)
    promise(kind, "later", run_at=clock.now() + timedelta(hours=1))
    with transaction() as session:
        assert kind not in jobs.due_kinds(session)
    promise(kind, "now")
    with transaction() as session:
        assert kind in jobs.due_kinds(session)


def test_nobody_is_poked_for_a_promise_that_failed(kind, monkeypatch):
    poked = []
    monkeypatch.setattr("portal.core.jobs.enqueueing._poke", poked.append)
    with pytest.raises(ZeroDivisionError), transaction() as session:
        jobs.enqueue(session, kind, key="a")
        raise ZeroDivisionError
    assert poked == []
    promise(kind, "a", "b")
    assert poked == [kind]
    assert db.session.scalar(select(func.count()).where(Job.kind == kind)) == 2


def test_a_claim_whose_answer_was_lost_finds_what_it_got(kind, monkeypatch):
    """The worker's connection broke with the answer on its way: the job waited half a minute for its lease to end."""
    register(kind, lambda session, batch: None)
    promise(kind, "a", "b")
    claimed, whole = [], runner.claim

    def breaks_once(*asked, **named):
        found = whole(*asked, **named)
        claimed.append(len(found))
        if len(claimed) == 1:
            raise DatabaseUnavailable()
        return found

    monkeypatch.setattr(runner, "claim", breaks_once)
    assert jobs.run(kind) == 2
    assert claimed[:2] == [2, 2]
    assert done(kind) == ["a", "b"]


def test_a_claim_that_never_came_is_made_on_a_fresh_connection(kind, monkeypatch):
    register(kind, lambda session, batch: None)
    promise(kind, "a")
    whole, tries = runner.claim, []

    def refused_once(*asked, **named):
        tries.append(named.get("again", False))
        if len(tries) == 1:
            raise DatabaseUnavailable()
        return whole(*asked, **named)

    monkeypatch.setattr(runner, "claim", refused_once)
    assert jobs.run(kind) == 1
    assert tries[:2] == [False, True]


def test_a_lease_in_hand_is_renewed_and_one_that_was_lost_is_not(kind, monkeypatch):
    """Leases are short, work may be long: it is taken from nobody who is still at it."""
    until = []

    def leased_until():
        ((moment,),) = autocommit(db.engine, "SELECT leased_until FROM jobs WHERE kind = %(kind)s", {"kind": kind})
        return moment

    def work(session, batch):
        monkeypatch.setattr(lease_renewal, "RENEWED_AFTER", 0)
        until.extend([leased_until(), jobs.renew(), leased_until()])

    register(kind, work)
    promise(kind, "a")
    assert jobs.run(kind) == 1
    before, renewed, after = until
    assert (renewed, after > before) == (1, True)
    assert jobs.renew() == 0, "what is done is not held any more"


def test_one_lease_that_cannot_be_renewed_does_not_stop_the_others_and_is_tried_again(kind, monkeypatch):
    """A lock on one batch's rows let the leases of all other work run out."""
    monkeypatch.setattr(lease_renewal, "RENEWED_AFTER", 0)
    asked, broken, other = [], uuid4(), uuid4()

    def fails_once(engine, statement, parameters):
        asked.append(parameters["lease"])
        if asked == [broken]:
            raise DBAPIError(statement, None, psycopg.errors.LockNotAvailable())
        return [(1,)]

    monkeypatch.setattr(lease_renewal, "autocommit", fails_once)
    with lease_renewal.in_hand(broken, [1], lease_s=8), lease_renewal.in_hand(other, [2], lease_s=8):
        before = lease_renewal._held[broken].renewed_at
        with pytest.raises(LockTimeout):
            jobs.renew()
        assert asked == [broken, other]
        assert lease_renewal._held[broken].renewed_at == before, "not renewed: due again at once"
        assert jobs.renew() == 2
        assert lease_renewal._held[broken].renewed_at > before


def test_when_the_database_goes_away_from_a_batch_that_fell_apart_all_of_it_is_given_back(kind):
    """Those whose turn had not come waited for their lease to run out."""
    def work(session, batch):
        if len(batch) > 1:
            raise ZeroDivisionError
        if batch[0].unique_key == "b":
            raise DatabaseUnavailable()

    register(kind, work)
    promise(kind, "a", "b", "c")
    with pytest.raises(DatabaseUnavailable):
        jobs.run(kind)
    assert done(kind) == ["a"]
    assert {key: (job.lease, job.attempts) for key, job in waiting(kind).items()} == {"b": (None, 0), "c": (None, 0)}
