"""Run by a virtual environment that has django-hordak, see others.py: how many posts a second it makes.

`python hordak_posts.py SECONDS`, where to post in PGHOST, PGUSER, PGPASSWORD, PGDATABASE. In process, in turn:
`entry`: what a payin's settlement posts, four legs over a trader's and a store's accounts and the fees, as hordak's
documentation makes a transaction of legs; `two`: a transfer of two legs between two accounts, the least there is.
Answers a JSON object of both, for SECONDS each.
"""
import json
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.conf import settings

STORES = TRADERS = 50  # as the desk's side has


def main() -> None:
    settings.configure(
        SECRET_KEY="-", DEFAULT_CURRENCY="USD", CURRENCIES=["USD"], HORDAK_INTERNAL_CURRENCY="USD", USE_TZ=True,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "hordak"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        DATABASES={"default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "HOST": os.environ["PGHOST"],
            "USER": os.environ["PGUSER"], "PASSWORD": os.environ["PGPASSWORD"], "CONN_MAX_AGE": None}})
    django.setup()
    from django.core.management import call_command
    from hordak.models import Account

    call_command("migrate", verbosity=0)
    root = Account.objects.create(name="Everybody", type="LI", code="2", currencies=["USD"])
    stores, available, held, (fees,) = (
        [Account.objects.create(name=f"{what} {n}", parent=root, code=f"{first}{n:03}", currencies=["USD"])
         for n in range(count)]
        for first, (what, count) in enumerate(
            [("Store", STORES), ("Available", TRADERS), ("Held", TRADERS), ("Fees", 1)]))
    traders = list(zip(held, available, strict=True))
    posts: dict[str, Callable[[], None]] = {
        "entry": lambda: _entry(*random.choice(traders), random.choice(stores), fees),
        "two": lambda: _two(*random.sample(stores, 2))}
    for post in posts.values():
        _posted(post, seconds=1)
    print(json.dumps({name: _posted(post, seconds=float(sys.argv[1])) for name, post in posts.items()}))


def _posted(post: Callable[[], None], *, seconds: float) -> float:
    begun, posts = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        post()
        posts += 1
    return posts / (time.perf_counter() - begun)


def _entry(held: Any, available: Any, store: Any, fees: Any) -> None:
    """The collateral pays the store, the trader's reward and the desk's fee: the fee is 2.5 %, the reward 1 %."""
    from django.db import transaction as database
    from hordak.models import Leg, Transaction
    from moneyed import Money

    with database.atomic():
        made = Transaction.objects.create(description="payin_settle")
        Leg.objects.create(transaction=made, account=held, debit=Money("12.00", "USD"))
        Leg.objects.create(transaction=made, account=store, credit=Money("11.70", "USD"))
        Leg.objects.create(transaction=made, account=available, credit=Money("0.12", "USD"))
        Leg.objects.create(transaction=made, account=fees, credit=Money("0.18", "USD"))


def _two(giver: Any, taker: Any) -> None:
    from moneyed import Money

    giver.transfer_to(taker, Money("12.34", "USD"))


if __name__ == "__main__":
    main()
