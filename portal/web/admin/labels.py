"""Words of the staff's pages for codes of the records: roles, templates, what approvals change."""
from portal.web.badges import N_

ROLES = {"merchant": N_("Merchant"), "trader": N_("Trader"), "support": N_("Support"), "admin": N_("Administration")}
TEMPLATES = {
    "super_admin": N_("Super administrator"), "admin": N_("Administrator"), "support_orders": N_("Support: orders"),
    "support_traders": N_("Support: traders"), "support_readonly": N_("Support: read only"),
    "merchant_owner": N_("Owner"), "merchant_finance": N_("Finance"), "merchant_developer": N_("Developer"),
    "merchant_viewer": N_("Viewer"), "trader": N_("Trader"),
}
OF_APPROVALS = (
    N_("Requisite"), N_("New requisite"), N_("Wider limits of a requisite"), N_("Deposit"),
    N_("Adjustment"), N_("Reversal of an entry"), N_("Reserve and delay of a store"), N_("Set a merchant going"),
    N_("Cancellation of a paid order"), N_("Application to join"),
    N_("Set a trader going"), N_("Permissions"), N_("Fee of a store"), N_("Reward of a trader"),
    N_("Limits of a store"), N_("More open orders of a trader"), N_("Rewards above the fee"), N_("E-mail of a person"),
    N_("Wider limits of a person"), N_("Wider caps of what is open or in dispute"),
    N_("Risk rule switched off"), N_("Entry of a risk list"),
    N_("Erasure of a customer"),
    N_("Reward may exceed fee"), N_("Currency"), N_("Given"), N_("Taken"),
    N_("Email"), N_("Direction"), N_("Fee"), N_("Reward"),
    N_("Fee fixed"), N_("Reward fixed"), N_("Settlement currency"), N_("Methods"), N_("From"), N_("To"),
)
