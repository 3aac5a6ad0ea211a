"""What a secret looks like, for whoever hides it: the log, the log of calls, Sentry."""
import re

NAMED = (r"passw|secret|token|cookie|authorization|signature|api_?key|seed|csrf|assertion|credential|private"
         r"|payment_url")
"""In the name of a field whose value nobody may read."""
SPELLED = r"(?:whsec_|qsign_)[0-9A-Za-z+/=_-]+|(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"
"""Secrets of webhooks and of signing, and access tokens, wherever they stand. API keys show their beginning in logs.
A token begins a word: tried at each place of a long word it would take time by the square of it."""
BEGINNINGS = ("whsec_", "qsign_", "eyJ", "qk_")
"""One of them stands in whatever SPELLED and KEY find: most texts hold none, and need no look at each place."""
KEY = r"qk_(?:live|test)_[0-9A-Za-z_]+"
NAME = re.compile(NAMED, re.I)
