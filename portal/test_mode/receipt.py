"""What a robot shows for a payout: a page that says that no money was sent."""
from hashlib import sha256
from uuid import uuid4

from sqlalchemy.orm import Session

from portal import files
from portal.core.access import Actor
from portal.orders.models import Order

SAYS = "TEST MODE. No money was sent."


def drawn(session: Session, robot: Actor, order: Order) -> str:
    """A draft of the robot's; its public id. The desk wrote it: it need not be judged as strangers' files are.

    Raises StorageAway.
    """
    content = page(SAYS, f"{order.public_id}   {order.amount_to_pay.text} {order.currency}")
    stored = files.Stored("test-receipt.pdf", sha256(content).digest(),
                          files.Inspected(content, "application/pdf", None), uuid4().hex)
    files.storage().put(stored.key, content)
    return files.keep(session, robot, stored).public_id


def page(*lines: str) -> bytes:
    """A PDF of one page."""
    text = " ".join(f"({line}) Tj 0 -24 Td" for line in lines)
    stream = f"BT /F1 14 Tf 40 160 Td {text} ET"
    parts = ("<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
             "<</Type/Page/Parent 2 0 R/MediaBox[0 0 420 220]/Contents 4 0 R"
             "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
             f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    written, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(written))
        written += f"{number} 0 obj{part}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return (f"{written}xref\n0 5\n0000000000 65535 f \n{table}trailer<</Size 5/Root 1 0 R>>\n"
            f"startxref\n{len(written)}\n%%EOF\n").encode("ascii")
