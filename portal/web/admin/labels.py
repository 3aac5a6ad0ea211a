"""Words of the staff's pages for codes of the records: roles, templates, permissions, what approvals change."""
from portal.web.badges import N_

ROLES = {"merchant": N_("Merchant"), "trader": N_("Trader"), "support": N_("Support"), "admin": N_("Administration")}
TEMPLATES = {
    "super_admin": N_("Super administrator"), "admin": N_("Administrator"), "support_orders": N_("Support: orders"),
    "support_traders": N_("Support: traders"), "support_readonly": N_("Support: read only"),
    "merchant_owner": N_("Owner"), "merchant_finance": N_("Finance"), "merchant_developer": N_("Developer"),
    "merchant_viewer": N_("Viewer"), "trader": N_("Trader"),
}
NOUNS = {
    "merchant": N_("Merchant's pages"), "trader": N_("Trader's pages"), "admin": N_("Staff's pages"),
    "profile": N_("Own account"), "order": N_("Orders"), "requisite": N_("Requisites"), "shift": N_("Shifts"),
    "party": N_("Merchants and traders"), "user": N_("Users"),
    "application": N_("Applications to join"), "balance": N_("Balances"), "ledger": N_("Ledger"),
    "deposit": N_("Deposits"), "withdrawal": N_("Withdrawals"), "treasury": N_("Treasury"),
    "adjustment": N_("Adjustments and reversals"), "transfer": N_("Transfers between stores"),
    "result": N_("The desk's result"), "approval": N_("Approvals"), "webhook": N_("Webhooks"), "key": N_("API keys"),
    "risk": N_("Risk"), "reference": N_("Rates and reference data"), "desk": N_("The whole desk"),
    "job": N_("Jobs"), "audit": N_("Audit"), "privacy": N_("Personal data"), "payout": N_("Payouts"),
    "dispute": N_("Disputes"), "closing": N_("Daily close"),
}
VERBS = {
    "enter": N_("open"), "manage": N_("change"), "read": N_("see"), "create": N_("create"), "cancel": N_("cancel"),
    "mark_paid": N_("mark as paid"), "confirm": N_("confirm"), "decline": N_("decline"),
    "confirm_any": N_("confirm in the trader's place"), "cancel_any": N_("cancel in the store's place"),
    "request": N_("ask for"), "pause": N_("stop taking orders"), "decide": N_("decide"),
    "open": N_("open a dispute"), "sign": N_("sign"), "send": N_("send"),
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


def noun(name: str) -> str:
    """What a permission is about, to be translated; one that nobody worded yet is its code."""
    return NOUNS.get(name, name)


def verb(permission: str) -> str:
    """What a permission lets one do, to be translated."""
    code = permission.partition(":")[2]
    return VERBS.get(code, code.replace("_", " "))
