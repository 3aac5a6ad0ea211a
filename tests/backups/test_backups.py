"""A desk is backed up while it works and restored elsewhere, to a moment too; what is no backup is taken for none."""
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backups import sealing
from backups.desk import Desk
from backups.restoring import clear_away
from backups.store import STAMP, Manifest, Rule, Store
from launcher.say import Trouble
from launcher.servers import running
from tests.backups.desks import FILE, PERSON, add_person, backup, bin_flask, demo_desk, fresh_key

#: the launcher leaves Valkey running behind it, and its process object with it
pytestmark = pytest.mark.filterwarnings("ignore:subprocess:ResourceWarning",
                                        "ignore::pytest.PytestUnraisableExceptionWarning")
KEY = bytes(range(32))
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
#: the first was left at 0/4800000, where the standby was promoted; its old leader wrote on
FORKED = ("000000010000000000000003", "000000010000000000000004", "000000010000000000000005",
          "000000010000000000000006.partial", "000000020000000000000004", "000000020000000000000005.partial",
          "00000002.history")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with demo_desk(tmp_path_factory.mktemp("backups") / "var") as made:
        yield made


def people(desk: Desk) -> list[str]:
    return desk.owner_sql("SELECT split_part(email::text, '@', 1) AS name FROM users "
                          "WHERE split_part(email::text, '@', 1) IN ('earlier', 'later', 'dumper') ORDER BY 1;").split()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_made_changed_and_restored_to_the_second_between_two_people(desk: Desk, tmp_path: Path) -> None:
    home = desk.home.folder
    assert "base" in backup(home, "make")
    between = add_person(home, "earlier")
    add_person(home, "later")
    backup(home, "ship")

    said = backup(home, "restore", "--into", str(tmp_path / "then"), "--until", between.isoformat())
    assert "ledger verify: " in said
    assert said.count(" 0 differences") == 2
    assert (tmp_path / "then" / "files" / FILE[:2] / FILE).read_bytes() == b"%PDF-1.7 a receipt"
    then = Desk.at(tmp_path / "then", PERSON)
    with closing(then.home), running(then.servers):
        assert people(then) == ["earlier"]
        assert add_person(then.home.folder, "another"), "the restored desk works"
        assert "base" in backup(then.home.folder, "make"), "and is backed up again, its log a chain of its own"
    assert people(desk) == ["earlier", "later"], "the desk itself was left alone"
    clear_away(tmp_path / "then")

    assert "files opened" in backup(home, "check")
    assert "\tholds, checked" in backup(home, "list")
    assert not list(home.glob(".check-*")), "a trial leaves nothing"
    refused = bin_flask(home, "backup", "restore", "--into", str(tmp_path / "x"), BACKUP_KEY="A" * 43 + "=")
    assert refused.returncode == 1
    assert "does not open" in refused.stderr
    refused = bin_flask(home, "backup", "restore", "--into", str(home / "files"))
    assert "is not empty" in refused.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_of_somebody_elses_is_dumped_and_its_seals_go_on(desk: Desk, tmp_path: Path) -> None:
    """The desk's server stands in for it: all that is known of it are two URLs."""
    named = {name: desk.environment[name] for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "FILES_FOLDER")}
    desk.owner_sql("DO $$ BEGIN FOR i IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$;")
    assert add_person(desk.home.folder, "dumper")
    made = backup(tmp_path / "elsewhere", "make", **named)
    assert "\tdump\t" in made
    assert "one moment" in made
    said = backup(tmp_path / "elsewhere", "restore", "--into", str(tmp_path / "then"), **named)
    assert said.count(" 0 differences") == 2
    then = Desk.at(tmp_path / "then", PERSON)
    with closing(then.home), running(then.servers):
        assert "dumper" in people(then)
        assert then.owner_sql("SELECT max(transaction_id) < pg_snapshot_xmax(pg_current_snapshot())::text::bigint "
                              "FROM audit_rows;") == "t", "what is done from now on is sealed after what was"
    clear_away(tmp_path / "then")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_yesterdays_backup_opens_with_todays_keys(desk: Desk, tmp_path: Path) -> None:
    """Both keys were changed since, and everything was made anew; the old ones are kept as long as the backup is."""
    home = desk.home.folder
    old = {name: str(desk.environment[name]) for name in ("MASTER_KEYS", "FINGERPRINT_KEY")}
    assert bin_flask(home, "crypto", "check", **old).stdout == "everything opens\n"
    backup(home, "make")
    new = {"MASTER_KEYS": f"k9:{fresh_key()}", "FINGERPRINT_KEY": fresh_key()}
    today = {name: f"{new[name]},{old[name]}" for name in new}
    for command in ("rotate", "reprint"):
        assert bin_flask(home, "crypto", command, **today).returncode == 0
    assert bin_flask(home, "crypto", "check", **new).stdout == "everything opens\n", "the old ones are needed no more"

    backup(home, "restore", "--into", str(tmp_path / "then"), **today)
    then = Desk.at(tmp_path / "then", PERSON)
    with closing(then.home), running(then.servers):
        opened = bin_flask(then.home.folder, "crypto", "check", **today)
        assert (opened.returncode, opened.stdout) == (0, "everything opens\n"), opened.stdout + opened.stderr
        assert "0 differences" in bin_flask(then.home.folder, "ledger", "verify", **today).stdout
        shut = bin_flask(then.home.folder, "crypto", "check", **new)
        assert shut.returncode == 1, "and so it can fail"
        assert "traders.data_key" in shut.stdout
        for command in ("rotate", "reprint"):
            assert bin_flask(then.home.folder, "crypto", command, **today).returncode == 0
        assert bin_flask(then.home.folder, "crypto", "check", **new).stdout == "everything opens\n"
    clear_away(tmp_path / "then")
    for command in ("rotate", "reprint"):  # as those after this one know the desk
        back = {name: f"{old[name]},{new[name]}" for name in new}
        assert bin_flask(home, "crypto", command, **back).returncode == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_backup_of_books_that_differ_does_not_pass(desk: Desk) -> None:
    """The last that uses this desk: sums of balances only grow, so its books stay as they are made here."""
    assert desk.servers.postgres
    spoil = ("UPDATE balances SET credits_minor = credits_minor + 1 "
             "WHERE account_id = (SELECT min(account_id) FROM balances);")
    desk.servers.postgres.sql(spoil, password=desk.servers.keys["postgres_password"], database="quittance")
    made = bin_flask(desk.home.folder, "backup", "make", "--check")
    assert made.returncode == 1
    assert "differs" in made.stderr
    assert "DIFFERS" in backup(desk.home.folder, "list").splitlines()[-1]


def test_what_was_changed_cut_short_or_put_elsewhere_does_not_open(tmp_path: Path) -> None:
    clear = os.urandom(3 * sealing.PIECE_BYTES + 17)
    sealing.seal([clear[:5], clear[5:]], tmp_path / "one", KEY, name="one")
    assert b"".join(sealing.opened(tmp_path / "one", KEY, name="one")) == clear
    sealed = (tmp_path / "one").read_bytes()
    piece = sealing.PIECE_BYTES + sealing.TAG_BYTES
    start = len(sealing.MAGIC) + sealing.SALT_BYTES
    swapped = sealed[:start] + sealed[start + piece:start + 2 * piece] + sealed[start:start + piece] + sealed[
        start + 2 * piece:]
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for wrong in (sealed[:-1], sealed[:start + piece], sealed[:start + 2 * piece], changed, swapped, b"something else"):
        (tmp_path / "two").write_bytes(wrong)
        with pytest.raises(Trouble):
            list(sealing.opened(tmp_path / "two", KEY, name="one"))
    for name, key in (("another", KEY), ("one", bytes(32))):
        with pytest.raises(Trouble):
            list(sealing.opened(tmp_path / "one", key, name=name))


def test_the_rule_keeps_days_then_weeks_then_months() -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    moments = [now - timedelta(hours=6 * number) for number in range(4 * 400)]
    kept = sorted(Rule(days=2, weeks=3, months=4).kept(moments, now), reverse=True)
    assert kept[:8] == moments[:8], "all of two days"
    assert [at.strftime(STAMP)[:8] for at in kept[8:]] == ["20261122", "20261115", "20261031", "20260930", "20260831"]
    assert Rule(0, 0, 0).kept(moments, now) == {now}, "the newest always stays"


def kept_log(folder: Path, names: tuple[str, ...], history: str) -> Store:
    """One segment a minute, from a minute past noon on."""
    store = Store(folder, KEY)
    for minute, name in enumerate(names, 1):
        sealing.seal([history.encode()], folder / "wal" / "chain" / name, KEY, name=f"wal/chain/{name}")
        os.utime(folder / "wal" / "chain" / name, ((NOON + timedelta(minutes=minute)).timestamp(),) * 2)
    return store


def copied(first_segment: str, whole_at: str) -> Manifest:
    return Manifest(id=NOON.strftime(STAMP), kind="base", took_s=1.0, bytes=1, key="", chain="chain",
                    first_segment=first_segment, server="18", owner="o", production=False, files="folder",
                    whole_at=whole_at)


@pytest.mark.parametrize(("first_segment", "whole_at", "target", "minutes"), [
    (FORKED[0], "0/3000128", "2", 6), (FORKED[1], "0/4700000", "2", 6), (FORKED[1], "0/4800000", "2", 6),
    (FORKED[1], "0/4800001", "current", 4), (FORKED[2], "0/5000128", "current", 4),
    (FORKED[4], "0/4900000", "current", 6), ("000000010000000000000002", "0/2000128", "2", 0)])
def test_a_promotion_is_followed_by_copies_that_were_whole_before_it(
        tmp_path: Path, first_segment: str, whole_at: str, target: str, minutes: int) -> None:
    """It was said of every backup that it leads as far as the newest segment of any timeline."""
    store = kept_log(tmp_path, FORKED, "1\t0/4800000\tno recovery target specified\n\n")
    made = copied(first_segment, whole_at)
    assert store.way(made).target == target
    assert store.reaches(made) == NOON + timedelta(minutes=minutes)


def test_of_two_promotions_the_second_says_what_the_first_was(tmp_path: Path) -> None:
    """Nobody received while the second timeline was the newest: its own history is not kept."""
    names = (*FORKED[:5], "000000020000000000000005", "000000030000000000000006", "00000003.history")
    store = kept_log(tmp_path, names, "1\t0/4800000\tpromoted\n2\t0/6000000\tpromoted\n")
    made = copied(FORKED[0], "0/3000128")
    assert (store.way(made).target, store.reaches(made)) == ("3", NOON + timedelta(minutes=7))
    (tmp_path / "wal" / "chain" / "000000020000000000000005").unlink()
    assert store.reaches(made) == NOON + timedelta(minutes=5), "the first one's segment does not stand in for it"
    assert store.way(copied(FORKED[2], "0/5000128")).target == "current"
