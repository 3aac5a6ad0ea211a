"""The staff's pages."""
from portal.web.admin import (
    access_reviews,
    adjustments,
    claims,
    reversals,
    store_payouts,
    store_reserve,
    treasury_sending,
)
from portal.web.admin.aliases import bp as aliases
from portal.web.admin.announcements import bp as announcements
from portal.web.admin.applications import bp as applications
from portal.web.admin.approval_sets import bp as approval_sets
from portal.web.admin.approvals import bp as approvals
from portal.web.admin.audit import bp as audit
from portal.web.admin.bank_windows import bp as bank_windows
from portal.web.admin.calculator import bp as calculator
from portal.web.admin.caps import bp as caps
from portal.web.admin.cases import bp as cases
from portal.web.admin.closing import bp as closing
from portal.web.admin.coverage import bp as coverage
from portal.web.admin.desk import bp as desk
from portal.web.admin.disputes import bp as disputes
from portal.web.admin.first_hour import bp as first_hour
from portal.web.admin.help import bp as help_threads
from portal.web.admin.history import bp as history
from portal.web.admin.holders import bp as holders
from portal.web.admin.imports import bp as imports
from portal.web.admin.jobs import bp as jobs
from portal.web.admin.ledger import bp as ledger
from portal.web.admin.merchants import bp as merchants
from portal.web.admin.notices import bp as notices
from portal.web.admin.order_amounts import bp as order_amounts
from portal.web.admin.orders import bp as orders
from portal.web.admin.pause import bp as pause
from portal.web.admin.privacy import bp as privacy
from portal.web.admin.proof import bp as proof
from portal.web.admin.rate_feeds import bp as rate_feeds
from portal.web.admin.rates import bp as rates
from portal.web.admin.reference import bp as reference
from portal.web.admin.replies import bp as replies
from portal.web.admin.requisites import bp as requisites
from portal.web.admin.result import bp as result
from portal.web.admin.risk_lists import bp as risk_lists
from portal.web.admin.risk_reviews import bp as risk_reviews
from portal.web.admin.risk_rules import bp as risk_rules
from portal.web.admin.search import bp as search
from portal.web.admin.shift_log import bp as shift_log
from portal.web.admin.stores import bp as stores
from portal.web.admin.traders import bp as traders
from portal.web.admin.treasury import bp as treasury
from portal.web.admin.users import bp as users
from portal.web.admin.what_if import bp as what_if

assert access_reviews
assert treasury_sending
assert adjustments
assert claims
assert reversals  # and on the ledger's
assert store_payouts  # they put their pages on the blueprint
assert store_reserve

blueprints = (desk, cases, disputes, first_hour, imports, pause, search, orders, order_amounts, approvals,
              applications, approval_sets, jobs, history, ledger, rates, rate_feeds, audit, notices, merchants,
              stores, traders, requisites, coverage, caps, bank_windows, help_threads, replies, announcements,
              shift_log, holders, users, reference, treasury, result, calculator, closing, privacy, proof,
              risk_rules, risk_lists, risk_reviews, what_if, aliases)
