"""Words for what an application says in codes."""
from collections.abc import Callable

from portal.web.badges import N_

VOLUME_WORDS = {"under_10k": N_("Up to 10,000 USDT"), "to_100k": N_("10,000 to 100,000 USDT"),
                "to_1m": N_("100,000 to 1,000,000 USDT"), "over_1m": N_("More than 1,000,000 USDT")}
KIND_WORDS = {"merchant": N_("Merchant"), "trader": N_("Trader")}
DECISIONS = {"accept": N_("Accept"), "refuse": N_("Refuse")}
CHANGES_OF_JOINING = {"kind": N_("As"), "contact": N_("Person to talk to"), "phone": N_("Phone"),
                      "decision": N_("Decision"), "country": N_("Country"), "told": N_("What the applicant reads")}
CODES_OF_JOINING: dict[str, Callable[[str], str]] = {"kind": lambda code: KIND_WORDS.get(code, code),
                                                     "decision": lambda code: DECISIONS.get(code, code)}
"""Of what two people decide about an application."""
