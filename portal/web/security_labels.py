"""Words for what concerns accounts and personal data: acts of the audit, kinds of work and of records."""
from portal.web.badges import N_

ACTS_OF_SECURITY = {
    "legal_hold.put": N_("Put a legal hold on something"), "legal_hold.lifted": N_("Lifted a legal hold"),
    "customer.exported": N_("Took what is known of a customer as a file"), "customer.erased": N_("Erased a customer"),
    "customer_erasure.asked": N_("Asked to erase a customer"),
    "customer_erasure.approved": N_("Agreed to erase a customer"),
    "customer_erasure.rejected": N_("Refused to erase a customer"),
    "history.archived": N_("Wrote a month of history into its file"),
    "history.detached": N_("Took an archived month out of the database"),
    "history.attached": N_("Brought an archived month back"),
    "personal_data.purged": N_("Forgot personal data whose time was over"),
    "user.break_glass_set": N_("Put an account behind glass, or took it out"),
    "user.break_glass_used": N_("Came in by the account behind glass"),
    "user.access_reviewed": N_("Looked whether somebody's rights are needed"),
    "user.permissions_expired": N_("Rights given for a time were over"),
    "user.passkey_copied": N_("Was refused by a passkey that looks copied"),
}
WORDS_OF_SECURITY = (
    N_("Legal hold"), N_("Person"), N_("Dispute"), N_("Customer"), N_("Orders"))
CHANGES_OF_SECURITY = {"for_days": N_("For days")}
