"""Every table of the desk, imported once so that metadata is whole: for migrations, the app and the house tests."""
from portal.approvals import admissions
from portal.approvals import models as approvals
from portal.core import audit, jobs
from portal.files import models as files
from portal.gateway import models as gateway
from portal.imports import models as imports
from portal.ledger import models as ledger
from portal.ledger import proofs as ledger_proofs
from portal.orders import models as orders
from portal.orders import reservation_models as places
from portal.parties import cases, form_keys
from portal.parties import models as parties
from portal.reference import models as reference
from portal.reference import pauses as desk_pauses
from portal.requisites import models as requisites
from portal.tariffs import models as tariffs
from portal.webhooks import models as webhooks

__all__ = ["admissions", "approvals", "audit", "cases", "desk_pauses", "files", "form_keys", "gateway", "imports",
           "jobs", "ledger", "ledger_proofs", "orders", "parties", "places", "reference", "requisites", "tariffs",
           "webhooks"]
