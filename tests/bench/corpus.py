"""Messages for the benchmarks: plausible, and the same for the same number."""

import random

WORDS = (
    "customs tariff import export declaration manifest vessel container broker duty excise bond transit "
    "warehouse origin certificate permit inspection release quota embargo levy clearance harbour consignee "
    "shipper invoice valuation ruling appeal audit officer bureau circular notice annex schedule hearing"
).split()

# Texts that small messages share: making a million of them must not cost more than taking them in.
SMALL_TEXTS = 64


def message(seed: int) -> bytes:
    """A multipart message of 2 to 20 KiB. Every fourth begins a thread that the next three answer."""
    r = random.Random(seed)
    subject = " ".join(r.choice(WORDS) for _ in range(r.randint(3, 9)))
    sender, to = r.choice(WORDS), r.choice(WORDS)
    day = 1 + seed % 28
    body = "\r\n".join(" ".join(r.choice(WORDS) for _ in range(11)) for _ in range(r.randint(10, 60)))
    html = "<html><body><p>" + body.replace("\r\n", "</p>\r\n<p>") + "</p></body></html>"
    before = f"<m{max(0, seed - 1)}@bench.test>"
    answers = f"In-Reply-To: {before}\r\nReferences: {before}\r\n" if seed % 4 else ""
    text = (
        f"Received: from mx.bench.test by mail.bench.test; {day} Jun 2026 08:00:00 +0000\r\n"
        f'From: "{sender.title()} Desk" <{sender}@bench.test>\r\nTo: <{to}@bench.test>\r\nCc: <all@bench.test>\r\n'
        f"Subject: {subject}\r\nDate: {day} Jun 2026 08:{seed % 60:02d}:00 +0000\r\nMessage-ID: <m{seed}@bench.test>\r\n{answers}"
        'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b0undary"\r\n\r\n'
        f"--b0undary\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
        f"--b0undary\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b0undary--\r\n"
    )
    return text.encode()


def _small_text(number: int) -> bytes:
    r = random.Random(number)
    lines = (" ".join(r.choice(WORDS) for _ in range(10)) for _ in range(r.randint(8, 24)))
    return "\r\n".join(lines).encode() + b"\r\n"


_TEXTS = [_small_text(number) for number in range(SMALL_TEXTS)]


def small(number: int) -> bytes:
    """A plain message of 1 to 2 KiB that costs next to nothing to make: a header of its own over a text that others share."""
    header = (
        f"From: <{WORDS[number % len(WORDS)]}@bench.test>\r\nTo: <{WORDS[number // 7 % len(WORDS)]}@bench.test>\r\n"
        f"Subject: {WORDS[number // 3 % len(WORDS)]} {number}\r\nDate: {1 + number % 28} Jun 2026 08:{number % 60:02d}:00 +0000\r\n"
        f"Message-ID: <s{number}@bench.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return header.encode() + _TEXTS[number % SMALL_TEXTS]
