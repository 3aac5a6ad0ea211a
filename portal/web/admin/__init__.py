"""The staff's pages."""
from portal.web.admin.approvals import bp as approvals
from portal.web.admin.audit import bp as audit
from portal.web.admin.cases import bp as cases
from portal.web.admin.desk import bp as desk
from portal.web.admin.first_hour import bp as first_hour
from portal.web.admin.holders import bp as holders
from portal.web.admin.imports import bp as imports
from portal.web.admin.jobs import bp as jobs
from portal.web.admin.ledger import bp as ledger
from portal.web.admin.merchants import bp as merchants
from portal.web.admin.orders import bp as orders
from portal.web.admin.pause import bp as pause
from portal.web.admin.rates import bp as rates
from portal.web.admin.reference import bp as reference
from portal.web.admin.requisites import bp as requisites
from portal.web.admin.search import bp as search
from portal.web.admin.stores import bp as stores
from portal.web.admin.traders import bp as traders
from portal.web.admin.users import bp as users

blueprints = (desk, cases, first_hour, imports, pause, search, orders, approvals, jobs, ledger, rates, audit, merchants,
              stores, traders, requisites, holders, users, reference)
