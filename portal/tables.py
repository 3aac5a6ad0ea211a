"""Every table of the desk, imported once so that metadata is whole: for migrations, the app and the house tests."""
from portal.applications import models as applications
from portal.approvals import admissions
from portal.approvals import models as approvals
from portal.calls import models as calls
from portal.core import archived_months, audit, jobs, seals
from portal.disputes import models as disputes
from portal.files import models as files
from portal.gateway import models as gateway
from portal.help import models as help_threads
from portal.imports import models as imports
from portal.ledger import claims, findings
from portal.ledger import models as ledger
from portal.ledger import proofs as ledger_proofs
from portal.mail import models as mail
from portal.notices import announcements
from portal.notices import models as notices
from portal.orders import corrections, reserves
from portal.orders import models as orders
from portal.orders import reservation_models as places
from portal.orders.coverage import models as coverage
from portal.parties import cases, factor_models, form_keys, mail_links, recovery_asks, shift_log, token_keys
from portal.parties import models as parties
from portal.payouts import models as payouts
from portal.privacy import models as privacy
from portal.reference import feed_models as rate_feeds
from portal.reference import models as reference
from portal.reference import pauses as desk_pauses
from portal.reference import windows as bank_windows
from portal.requisites import models as requisites
from portal.risk import models as risk
from portal.tariffs import models as tariffs
from portal.test_mode import models as test_mode
from portal.treasury import book_models as books
from portal.treasury import closing_models as closed_days
from portal.treasury import models as treasury
from portal.treasury import result_models as results
from portal.webhooks import models as webhooks

__all__ = ["admissions", "announcements", "applications", "approvals", "archived_months", "audit", "bank_windows",
           "books", "calls", "cases", "claims", "closed_days",
           "corrections", "coverage", "desk_pauses", "disputes", "factor_models", "files", "findings", "form_keys",
           "gateway", "help_threads",
           "imports", "jobs", "ledger", "ledger_proofs", "mail", "mail_links", "notices", "orders", "parties",
           "payouts", "places", "privacy", "rate_feeds", "recovery_asks", "reference",
           "requisites", "reserves", "results", "risk", "seals", "shift_log", "tariffs",
           "test_mode", "token_keys", "treasury", "webhooks"]
