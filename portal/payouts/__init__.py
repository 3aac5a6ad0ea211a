"""How people of a merchant ask for payouts: alone or with a second person, one by one or by file, to saved recipients.

What becomes of a payout once it is asked for is `orders.payouts`. Others use `service` (asked for, sent, let go),
`queries` (what was taken in), `cost` (before anything is sent) and `recipients`.
"""
