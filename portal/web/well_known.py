"""`/.well-known/jwks.json`: the public keys that access tokens are signed with, for whoever verifies one himself."""
from flask import Blueprint, Response, jsonify

from portal.parties import access_tokens

bp = Blueprint("well_known", __name__, url_prefix="/.well-known")
KEPT_S = 3600  # a key is shown a day before it signs


@bp.get("/jwks.json")
def jwks() -> Response:
    answer = jsonify(access_tokens.jwks())
    answer.content_type = "application/jwk-set+json"
    answer.headers["Cache-Control"] = f"public, max-age={KEPT_S}"
    return answer
