"""What we say when something went wrong: what happened, and what to do now."""
from typing import NamedTuple

from portal.web.badges import N_


class Apology(NamedTuple):
    title: str
    advice: str


APOLOGIES: dict[int, Apology] = {
    400: Apology(N_("This request did not make sense"),
                 N_("The page may have been open for too long. Go back, load it again and repeat what you did.")),
    403: Apology(N_("You may not open this"),
                 N_("Your account does not have the permission. Whoever manages your team can grant it.")),
    404: Apology(N_("There is nothing here"),
                 N_("The address may be mistyped, or the record is not yours to see. Check it, or go to the start.")),
    405: Apology(N_("This address cannot do that"), N_("Go back and use the buttons on the page.")),
    409: Apology(N_("Somebody was faster"),
                 N_("The record has changed since you opened it. Nothing of yours was saved. "
                    "Load the page again and decide anew.")),
    413: Apology(N_("This is too large"), N_("Send a smaller file: a photo or a PDF of up to 5 MB.")),
    422: Apology(N_("Something in the form is not right"), N_("Go back and correct it. Nothing was saved.")),
    429: Apology(N_("That was too many tries"), N_("Wait a minute and try once more.")),
    500: Apology(N_("We made a mistake"),
                 N_("It has been reported. Money is safe: what did not finish was undone as a whole. "
                    "Check the record before you repeat the action.")),
    503: Apology(N_("The desk cannot answer just now"),
                 N_("Nothing was lost. Try again in a few seconds.")),
}


def apology(status: int) -> Apology:
    return APOLOGIES.get(status, APOLOGIES[500 if status >= 500 else 400])
