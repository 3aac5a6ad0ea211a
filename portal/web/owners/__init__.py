"""Pages that a trader and a merchant have alike: one set of views, at the doors of both."""
from portal.web.owners.deposits import AREA as DEPOSITS
from portal.web.owners.disputes import AREA as DISPUTES
from portal.web.owners.withdrawals import AREA as WITHDRAWALS

trader = (DEPOSITS.trader, WITHDRAWALS.trader, DISPUTES.trader)
merchant = (DEPOSITS.merchant, WITHDRAWALS.merchant, DISPUTES.merchant)
