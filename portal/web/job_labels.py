"""Every kind of work in words: for the page of the jobs, the desk, and who is told that work has died.

Here and nowhere else; `named` makes the word from the code, this is where it is found to be translated.
"""
from portal.core.crypto import CannotOpen
from portal.web.badges import N_

WORK = {
    "amount_unanswered": N_("Amount unanswered"),
    "answer_recovery": N_("Answer recovery"),
    "call_operator": N_("Call operator"),
    "change_token_keys": N_("Change token keys"),
    "compute_results": N_("Compute results"),
    "confirm_payout": N_("Confirm payout"),
    "count_demand": N_("Count demand"),
    "deliver_webhook": N_("Deliver webhook"),
    "dispute_deadline": N_("Dispute deadline"),
    "dispute_unconfirmed": N_("Dispute unconfirmed"),
    "end_desk_pause": N_("End desk pause"),
    "ensure_robots": N_("Ensure robots"),
    "expire_approvals": N_("Expire approvals"),
    "expire_order": N_("Expire order"),
    "expire_payout_import": N_("Expire payout import"),
    "expire_permissions": N_("Expire permissions"),
    "fetch_rates": N_("Fetch rates"),
    "flag_unconfirmed": N_("Flag unconfirmed"),
    "forget_idempotency_keys": N_("Forget idempotency keys"),
    "forget_notices": N_("Forget notices"),
    "forget_payout_files": N_("Forget payout files"),
    "forget_replays": N_("Forget replays"),
    "forget_small_moves": N_("Forget small moves"),
    "hear_telegram": N_("Hear telegram"),
    "keep_days": N_("Keep days"),
    "listen_to_telegram": N_("Listen to telegram"),
    "make_partitions": N_("Make partitions"),
    "make_payouts": N_("Make payouts"),
    "match_order": N_("Match order"),
    "plan_bank_windows": N_("Plan bank windows"),
    "plan_rate_fetches": N_("Plan rate fetches"),
    "play_test_order": N_("Play test order"),
    "prove_audit": N_("Prove audit"),
    "prove_ledger": N_("Prove ledger"),
    "prove_whole_ledger": N_("Prove whole ledger"),
    "purge_personal_data": N_("Purge personal data"),
    "rebuild_lanes": N_("Rebuild lanes"),
    "release_reserves": N_("Release reserves"),
    "replay_risk_rule": N_("Replay risk rule"),
    "replay_webhooks": N_("Replay webhooks"),
    "requisite_hours": N_("Requisite hours"),
    "seal_audit": N_("Seal audit"),
    "send_due_notices": N_("Send due notices"),
    "send_mail": N_("Send mail"),
    "send_notices": N_("Send notices"),
    "send_push": N_("Send push"),
    "send_telegram": N_("Send telegram"),
    "settle_order": N_("Settle order"),
    "simulate": N_("Simulate"),
    "sweep_files": N_("Sweep files"),
    "sweep_kept_amounts": N_("Sweep kept amounts"),
    "sweep_mails": N_("Sweep mails"),
    "sweep_risk_counters": N_("Sweep risk counters"),
    "sweep_sessions": N_("Sweep sessions"),
    "tell_people": N_("Tell people"),
    "watch_banks": N_("Watch banks"),
    "watch_coverage": N_("Watch coverage"),
    "watch_for_notices": N_("Watch for notices"),
    "watch_keys_and_balances": N_("Watch keys and balances"),
    "watch_seals": N_("Watch seals"),
}

FAULTS = {CannotOpen.__name__: N_("Something sealed does not open: a key is missing from MASTER_KEYS, or its row is"
                                  " broken. The handbook tells the operator under “name_not_opened” what to do; until"
                                  " then nothing that needs it can be done.")}
"""Faults that somebody can mend, by the name that a job keeps of them."""


def fault_words(last_error: str | None) -> str:
    """What is to be done about it, to be translated; nothing where only developers know."""
    return FAULTS.get((last_error or "").partition("(")[0], "")
