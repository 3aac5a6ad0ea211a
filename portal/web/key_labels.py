"""What was done to keys and webhooks, in words: a part of `audit_labels`."""
from portal.web.badges import N_

KEYS_AND_WEBHOOKS = {
    "key.created": N_("Made an API key"), "key.renamed": N_("Renamed an API key"),
    "key.scopes_set": N_("Set what an API key may"),
    "webhook_endpoint.replayed": N_("Had a webhook address told everything once more"),
    "key.revoked": N_("Revoked an API key"), "key.rolled": N_("Rolled an API key"),
    "key.signing_secret_made": N_("Made a signing secret"),
    "key.signing_required": N_("Had every call of a key signed"),
    "key.signing_optional": N_("Let a key call without signatures"),
    "store.signed_payouts_set": N_("Set whether payouts are signed"),
    "token_key.rotated": N_("Changed the key of access tokens"),
    "token_key.withdrawn": N_("Withdrew the keys of access tokens"),
    "webhook_delivery.resent": N_("Sent a webhook once more"),
    "webhook_endpoint.changed": N_("Changed a webhook endpoint"),
    "webhook_endpoint.created": N_("Added a webhook endpoint"),
    "webhook_endpoint.deleted": N_("Deleted a webhook endpoint"),
    "webhook_endpoint.disabled": N_("Switched a webhook endpoint off"),
    "webhook_endpoint.pinged": N_("Tried a webhook endpoint"),
    "webhook_endpoint.secret_rotated": N_("Changed the secret of a webhook endpoint"),
}
"""By action."""
