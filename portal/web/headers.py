"""Headers on every answer."""
from flask import Flask, Response, g, request

CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
       " connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none';"
       " frame-ancestors 'none'")
OFF = ("accelerometer", "camera", "display-capture", "fullscreen", "geolocation", "gyroscope", "magnetometer",
       "microphone", "midi", "payment", "usb", "xr-spatial-tracking")
PERMISSIONS = ", ".join([f"{name}=()" for name in OFF] + ["clipboard-write=(self)", "autoplay=(self)"])
YEAR_S = 365 * 24 * 3600
IMMUTABLE = f"public, max-age={YEAR_S}, immutable"


def of_the_gateway(*, https: bool) -> dict[str, str]:
    """What every answer to a program carries; nothing of it depends on the call."""
    always = {"Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
              "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
              "Permissions-Policy": PERMISSIONS, "Cache-Control": "no-store"}
    return always | ({"Strict-Transport-Security": f"max-age={YEAR_S}; includeSubDomains"} if https else {})


def register(app: Flask, *, https: bool) -> None:
    """`https`: the desk is reached over it, so browsers are told to stay there."""

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        headers.pop("Date", None)  # the server's; Werkzeug has a second one where the answer may be a 304
        headers["Content-Security-Policy"] = headers.get("Content-Security-Policy", CSP)
        headers["X-Content-Type-Options"] = "nosniff"
        on_checkout = request.blueprint == "checkout"
        headers["Referrer-Policy"] = "no-referrer" if on_checkout else "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = PERMISSIONS
        if https:
            headers["Strict-Transport-Security"] = f"max-age={YEAR_S}; includeSubDomains"
        if request.endpoint == "static" and response.status_code in (200, 304):
            headers["Cache-Control"] = IMMUTABLE if "/vendor/" in request.path else "public, max-age=300"
        elif "Cache-Control" not in headers or not headers["Cache-Control"].strip():
            headers["Cache-Control"] = "no-store"
        if "request_id" in g:
            headers["Request-Id"] = g.request_id
        return response
