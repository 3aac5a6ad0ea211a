"""Mail: written in the transaction that needs it, sent after it by a job, by SMTP. What a mail says lies sealed, and is
forgotten as soon as it is sent. Without a server nothing leaves: a desk in development shows its mails at `/dev/mail`.

`post` writes one, `is_on` says whether anybody will read it.
"""
from portal.mail.posting import KIND, Server, configure, is_on, latest, post, sweep
from portal.mail.sending import drain

__all__ = ["KIND", "Server", "configure", "drain", "is_on", "latest", "post", "sweep"]
