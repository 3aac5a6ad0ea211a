"""What only the gateway refuses: who calls, how the body is written, how a key of idempotency is used."""
from portal.core.errors import Conflict, Denied, Invalid, NotFound, PortalError, Unavailable


class Unauthorized(PortalError):
    """Send a valid API key: `Authorization: Bearer qk_…`."""

    code = "unauthorized"
    challenge = "Bearer"  # of WWW-Authenticate


class SignatureMissing(Unauthorized):
    """Sign this call with the key's signing secret: `Quittance-Timestamp` and `Quittance-Signature`, both once."""

    code = "signature_missing"


class SignatureInvalid(Unauthorized):
    """The signature is not of this call and this key's signing secret."""

    code = "signature_invalid"


class TimestampOutOfRange(Unauthorized):
    """`Quittance-Timestamp` is Unix time in seconds, no more than 300 from ours; see `server_time`."""

    code = "timestamp_out_of_range"


class SignatureReplayed(Unauthorized):
    """This signature was used already. Sign every try anew, with the time of that try."""

    code = "signature_replayed"


class AddressNotAllowed(Denied):
    """This key may not be used from this address."""

    code = "ip_not_allowed"


class ScopeMissing(Denied):
    """The key lacks the scope that this call needs."""

    code = "scope_missing"


class BadRequest(PortalError):
    """This request cannot be understood."""

    code = "malformed_request"


class MalformedJson(BadRequest):
    """The body is not JSON as RFC 8259 has it: UTF-8, no duplicate names, no NaN, 32 levels at most."""

    code = "malformed_json"


class KeyRequired(BadRequest):
    """Send an `Idempotency-Key`: this call moves money."""

    code = "idempotency_key_required"


class KeyUnusable(BadRequest):
    """An `Idempotency-Key` is 1 to 255 visible ASCII characters."""

    code = "idempotency_key_invalid"


class KeyReused(Invalid):
    """This `Idempotency-Key` was used with another body."""

    code = "idempotency_key_reused"


class KeyInProgress(Conflict):
    """The first request with this `Idempotency-Key` is still running. Try again in a moment."""

    code = "idempotency_in_progress"
    retryable = True
    retry_after_s = 1


class TokenRequestInvalid(BadRequest):
    """Ask with `grant_type=client_credentials` and one pair of client id and secret, each value once."""

    code = "token_request_invalid"


class GrantTypeUnsupported(BadRequest):
    """The only grant here is `client_credentials`."""

    code = "unsupported_grant_type"


class ScopeInvalid(BadRequest):
    """A token has no more scopes than its key: names of these, with a space between."""

    code = "invalid_scope"


class ClientInvalid(Unauthorized):
    """The client id is the key's id, as in `qk_live_<id>_…`, the client secret the whole key; it may have ended."""

    code = "invalid_client"
    challenge = "Basic"


class NoSuchCall(NotFound):
    """There is no such call; see /gateway/v1/openapi.json."""

    code = "no_such_call"


class MethodNotAllowed(PortalError):
    """This address does not take this method; see the `Allow` header."""

    code = "method_not_allowed"


class BodyTooLarge(PortalError):
    """The body is too large."""

    code = "body_too_large"


class BodyTooSlow(PortalError):
    """The body did not arrive in time."""

    code = "body_too_slow"
    retryable = True


class NotJson(PortalError):
    """Send the body as `Content-Type: application/json`."""

    code = "unsupported_media_type"


class NotForm(PortalError):
    """Send the body as `application/x-www-form-urlencoded`, or as `application/json`."""

    code = "not_a_form"


class NotMultipart(PortalError):
    """Send the files as `Content-Type: multipart/form-data`, each in a part named `file`."""

    code = "not_multipart"


class NotPlain(PortalError):
    """Send the body in UTF-8 and without a Content-Encoding."""

    code = "unsupported_encoding"


class HeadTooSlow(PortalError):
    """The head of the request did not arrive in time."""

    code = "head_too_slow"
    retryable = True


class HeadTooLarge(PortalError):
    """What surrounds the body of the request is too large."""

    code = "head_too_large"


class NoRoom(Unavailable):
    """There are too many connections just now. Try again in a moment."""

    code = "no_room"


class TooManyRequests(PortalError):
    """Too many requests with this key or from this address. Slow down."""

    code = "rate_limited"
    retryable = True
    retry_after_s = 1


class TooManyWaits(TooManyRequests):
    """Too many calls of this key or of its merchant wait already. Let some of them end."""

    code = "too_many_waits"


class Overloaded(Unavailable):
    """The desk has more to do than it can just now. Try again in a moment."""

    code = "overloaded"
    retry_after_s = 2


class NotAcceptable(PortalError):
    """Every answer is JSON: accept `application/json`."""

    code = "not_acceptable"


class Bug(PortalError):
    """Something went wrong on our side. Tell us the request id."""

    code = "internal"
    retryable = True
