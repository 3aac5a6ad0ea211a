"""The staff's pages."""
from portal.web.admin.approvals import bp as approvals
from portal.web.admin.audit import bp as audit
from portal.web.admin.desk import bp as desk
from portal.web.admin.jobs import bp as jobs
from portal.web.admin.ledger import bp as ledger
from portal.web.admin.orders import bp as orders
from portal.web.admin.rates import bp as rates
from portal.web.admin.search import bp as search

blueprints = (desk, search, orders, approvals, jobs, ledger, rates, audit)
