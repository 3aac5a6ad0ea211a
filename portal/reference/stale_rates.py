"""A feed's rate that has grown too old is told to those who look after rates: once for each that was the last."""
from sqlalchemy.orm import Session

from portal import notices
from portal.reference import rate_board


def watch(session: Session) -> None:
    """Work of a recurring job, over what is remembered of the rates."""
    for line in rate_board.present(session):
        if not line.stale:
            return  # those come first
        notices.notify(session, "rates.stale", notices.STAFF, once=f"{line.pair}:{line.at:%Y%m%d%H%M%S}",
                       name=line.pair, pair=f"{line.base}-{line.quote}")
