"""The person named on a requisite, as pages show it."""
from flask_babel import gettext

from portal.parties.models import Holder
from portal.requisites import numbers


def shown(holder: Holder) -> str:
    """In full; or that the name does not open, so that one such row ends no page."""
    return numbers.shown_name(holder) or gettext("Name not opened")
