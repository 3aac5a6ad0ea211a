"""The public documentation: guides, and the reference that is drawn from the OpenAPI document."""
from portal.web.docs.pages import bp

blueprints = (bp,)
