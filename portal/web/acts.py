"""What was done, as the audit tells it to people: `requisite.number_shown` → Saw the number of a requisite in full."""
from portal.web.badges import N_

ACTS = {
    # Orders and their money.
    "order.noted": N_("Wrote a note on an order"), "order.number_shown": N_("Saw the number of an order in full"),
    "orders.exported": N_("Took orders as a file"),
    "statement.exported": N_("Took a statement as a file"), "deposit.asked": N_("Asked for a deposit"),
    "deposit.approved": N_("Approved a deposit"), "deposit.rejected": N_("Rejected a deposit"),
    # Requisites.
    "requisite.added": N_("Added a requisite"), "requisite.asked": N_("Offered a requisite"),
    "requisite.approved": N_("Approved a requisite"), "requisite.rejected": N_("Rejected a requisite"),
    "requisite.active": N_("Set a requisite going"), "requisite.paused": N_("Switched a requisite off"),
    "requisite.blocked": N_("Blocked a requisite"), "requisite.archived": N_("Archived a requisite"),
    "requisite.limits_set": N_("Set the limits of a requisite"),
    "requisite.number_shown": N_("Saw the number of a requisite in full"),
    "requisite_limits.asked": N_("Asked for wider limits of a requisite"),
    "requisite_limits.approved": N_("Approved wider limits of a requisite"),
    "requisite_limits.rejected": N_("Rejected wider limits of a requisite"),
    # Merchants, stores, traders and what is agreed with them.
    "merchant.created": N_("Added a merchant"), "merchant.moved": N_("Changed where a merchant stands"),
    "merchant_onboarding.asked": N_("Asked to set a merchant going"),
    "merchant_onboarding.approved": N_("Set a merchant going"),
    "merchant_onboarding.rejected": N_("Refused to set a merchant going"),
    "store.created": N_("Added a store"), "store.moved": N_("Changed where a store stands"),
    "store.set_up": N_("Set a store up"), "store.terms_set": N_("Set the limits of a store"),
    "store_terms.asked": N_("Asked for other limits of a store"),
    "store_terms.approved": N_("Approved other limits of a store"),
    "store_terms.rejected": N_("Rejected other limits of a store"),
    "trader.created": N_("Added a trader"), "trader.moved": N_("Changed where a trader stands"),
    "trader_onboarding.asked": N_("Asked to set a trader going"),
    "trader_onboarding.approved": N_("Set a trader going"),
    "trader_onboarding.rejected": N_("Refused to set a trader going"),
    "shift.begun": N_("Began a shift"), "shift.ended": N_("Ended a shift"),
    "fee.set": N_("Set a fee"), "fee.asked": N_("Asked for another fee"), "fee.approved": N_("Approved a fee"),
    "fee.rejected": N_("Rejected a fee"), "reward.set": N_("Set a reward"),
    "reward.asked": N_("Asked for another reward"), "reward.approved": N_("Approved a reward"),
    "reward.rejected": N_("Rejected a reward"),
    "trader.set_up": N_("Set what matching asks of a trader"),
    "trader_limit.asked": N_("Asked for more open orders of a trader"),
    "trader_limit.approved": N_("Approved more open orders of a trader"),
    "trader_limit.rejected": N_("Refused more open orders of a trader"),
    "store.reward_above_fee_set": N_("Allowed or forbade rewards above the fee"),
    "reward_above_fee.asked": N_("Asked to allow rewards above the fee"),
    "reward_above_fee.approved": N_("Approved rewards above the fee"),
    "reward_above_fee.rejected": N_("Refused rewards above the fee"),
    "holder.limits_set": N_("Set the limits of a person"),
    "holder_limits.asked": N_("Asked for wider limits of a person"),
    "holder_limits.approved": N_("Approved wider limits of a person"),
    "holder_limits.rejected": N_("Refused wider limits of a person"),
    # People.
    "user.named": N_("Changed a user's name"), "user.email_set": N_("Changed a user's e-mail"),
    "user_email.asked": N_("Asked for another e-mail of a user"),
    "user_email.approved": N_("Approved another e-mail of a user"),
    "user_email.rejected": N_("Refused another e-mail of a user"),
    "user.created": N_("Added a user"), "user.disabled": N_("Disabled a user"), "user.enabled": N_("Enabled a user"),
    "user.password_changed": N_("Chose a new password"), "user.password_given": N_("Gave out a password"),
    "user.permissions_set": N_("Set what a user may do"), "user.preferences_set": N_("Set preferences"),
    "user.sessions_ended": N_("Ended a user's sessions"), "user.signed_in": N_("Signed in"),
    "session.ended": N_("Ended a session"), "session.others_ended": N_("Ended all other sessions"),
    "permissions.asked": N_("Asked for other permissions"), "permissions.approved": N_("Approved permissions"),
    "permissions.rejected": N_("Rejected permissions"),
    # Keys and webhooks.
    "key.created": N_("Made an API key"), "key.renamed": N_("Renamed an API key"),
    "key.revoked": N_("Revoked an API key"), "webhook_delivery.resent": N_("Sent a webhook once more"),
    "webhook_endpoint.changed": N_("Changed a webhook endpoint"),
    "webhook_endpoint.created": N_("Added a webhook endpoint"),
    "webhook_endpoint.deleted": N_("Deleted a webhook endpoint"),
    "webhook_endpoint.disabled": N_("Switched a webhook endpoint off"),
    "webhook_endpoint.pinged": N_("Tried a webhook endpoint"),
    "webhook_endpoint.secret_rotated": N_("Changed the secret of a webhook endpoint"),
    # The machinery.
    "job.dropped": N_("Dropped dead work"), "job.retried": N_("Had dead work done again"), "rate.set": N_("Set a rate"),
    "simulator.switched": N_("Switched the simulator"), "currency.switched": N_("Switched a currency"),
    "method.switched": N_("Switched a method"), "bank.switched": N_("Switched a bank"),
    "method.added": N_("Added a method"), "bank.added": N_("Added a bank"), "currency.added": N_("Added a currency"),
}


def act_words(code: str) -> str:
    """To be translated; an act that nobody worded yet is its code."""
    return ACTS.get(code, code)
