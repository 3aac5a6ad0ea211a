"""Run by a virtual environment that has django-hordak, see others.py: how many simple posts a second it makes.

`python hordak_posts.py SECONDS`, where to post in PGHOST, PGUSER, PGPASSWORD, PGDATABASE. A post is a transaction of
two legs between two of fifty accounts, in process: the least that a settlement could be.
"""
import os
import random
import sys
import time
from typing import Any

import django
from django.conf import settings

ACCOUNTS = 50


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
    accounts = [Account.objects.create(name=f"A{n}", parent=root, code=f"{n:03}", currencies=["USD"])
                for n in range(ACCOUNTS)]
    _posted(accounts, seconds=1)
    print(_posted(accounts, seconds=float(sys.argv[1])))


def _posted(accounts: list[Any], *, seconds: float) -> float:
    from moneyed import Money

    begun, posts = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        giver, taker = random.sample(accounts, 2)
        giver.transfer_to(taker, Money("12.34", "USD"))
        posts += 1
    return posts / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
