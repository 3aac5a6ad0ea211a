"""Which HTTP status each kind of our errors has: one dict for pages and gateway."""
from portal.core.errors import Conflict, Denied, Invalid, NotFound, PortalError, Rejected, TooMany, Unavailable

OF_KIND: dict[type[PortalError], int] = {
    Invalid: 422, Denied: 403, NotFound: 404, Conflict: 409, Rejected: 409, TooMany: 429,
    Unavailable: 503,
}
