"""Words for permissions: `withdrawal:decide` is about withdrawals, and lets one decide."""
from portal.web.badges import N_

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


def noun(name: str) -> str:
    """What a permission is about, to be translated; one that nobody worded yet is its code."""
    return NOUNS.get(name, name)


def verb(permission: str) -> str:
    """What a permission lets one do, to be translated."""
    code = permission.partition(":")[2]
    return VERBS.get(code, code.replace("_", " "))
