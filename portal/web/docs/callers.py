"""What the pages on authentication and clients show to copy: a token asked for, a call signed, a first payin. Tests run
what signs.
"""

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
CLIENTS = (
    ("Python", r'''from quittance import Quittance

desk = Quittance("KEY", "SERVER")
payin = desk.payins.create(external_id="order-1042", amount="1500.00", currency="RUB",
                           method="card", idempotency_key="order-1042-try-1")
print(payin["payment_url"])'''),
    ("JavaScript", r'''import { must, quittance } from "quittance";

const desk = quittance("KEY", "SERVER");
const payin = await must(desk.POST("/gateway/v1/payins", {
  params: { header: { "Idempotency-Key": "order-1042-try-1" } },
  body: { external_id: "order-1042", amount: "1500.00", currency: "RUB", method: "card" },
}));
console.log(payin.payment_url);'''),
    ("PHP", r'''$desk = new Quittance\Desk("KEY", "SERVER");
$payins = new Quittance\Api\PayinsApi($desk->http(), $desk->configuration());
$payin = $payins->createPayin("order-1042-try-1", new Quittance\Model\CreatePayin([
    "external_id" => "order-1042", "amount" => "1500.00", "currency" => "RUB", "method" => "card"]));
echo $payin->getPaymentUrl();'''))
"""(language, text), where KEY and SERVER stand for the reader's own."""


def clients(key: str, server: str) -> dict[str, str]:
    return {language: text.replace("KEY", key).replace("SERVER", server) for language, text in CLIENTS}
