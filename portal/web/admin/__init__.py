"""The staff's pages."""
from portal.web.admin.approvals import bp as approvals
from portal.web.admin.desk import bp as desk
from portal.web.admin.jobs import bp as jobs
from portal.web.admin.orders import bp as orders

blueprints = (desk, orders, approvals, jobs)
