"""What the page on authentication shows to copy: a token asked for, a call signed. Tests run what signs."""

TOKEN = '''import os, time

import requests

DESK = os.environ["QUITTANCE_URL"] + "/gateway/v1"
KEY = os.environ["QUITTANCE_KEY"]
token, good_until = "", 0.0

def access_token() -> str:
    """A fresh one a minute before the old one ends."""
    global token, good_until
    if time.monotonic() > good_until:
        answer = requests.post(f"{DESK}/token", auth=(KEY.split("_")[2], KEY), timeout=10,
                               data={"grant_type": "client_credentials"})
        answer.raise_for_status()
        token, good_until = answer.json()["access_token"], time.monotonic() + answer.json()["expires_in"] - 60
    return token'''
SIGNING = '''import hashlib, hmac, time

def signed(secret: str, method: str, path: str, body: bytes = b"", idempotency_key: str = "") -> dict[str, str]:
    """Headers to send beside `Authorization`; `path` with its query, as in /gateway/v1/payins?limit=5."""
    timestamp = f"{time.time():.3f}"
    text = "\\n".join(["v1", timestamp, method, path, idempotency_key, hashlib.sha256(body).hexdigest()])
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"Quittance-Timestamp": timestamp, "Quittance-Signature": f"v1={signature}"}
    return headers | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})'''
SHELL = '''BODY='{"external_id": "po-7", "amount": "1500.00"}'; AT=$(date +%s); TRY=po-7-try-1
HASH=$(printf %s "$BODY" | openssl dgst -sha256 -r | cut -d' ' -f1)
SIGNATURE=$(printf 'v1\\n%s\\nPOST\\n/gateway/v1/payouts\\n%s\\n%s' "$AT" "$TRY" "$HASH" |
  openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)
curl "$DESK/payouts" -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $TRY" \\
  -H "Quittance-Timestamp: $AT" -H "Quittance-Signature: v1=$SIGNATURE" \\
  -H "Content-Type: application/json" -d "$BODY"'''
SAMPLES = {"token_sample": TOKEN, "signing_sample": SIGNING, "signing_shell": SHELL}
