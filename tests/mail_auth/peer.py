"""Another implementation of DKIM, ARC and Authentication-Results (dkimpy, authres): signs for the tests, and verifies what Octroi signed.

    peer.py verify RECORDS.json < message      every DKIM signature must verify; prints `N signatures verified`
    peer.py sign DOMAIN < message              prints JSON: {"records": {name: text}, "messages": {how: message in base64}}
    peer.py arc RECORDS.json < message         how the ARC chain stands (pass, fail, none) and how many sets it has
    peer.py results HOST < message             the topmost Authentication-Results of HOST, as JSON: [[method, result, {property: value}]]
"""

import base64
import json
import sys

import authres
import dkim
from dkim.util import parse_tag_value
from nacl.signing import SigningKey


def main():
    message = sys.stdin.buffer.read()
    what, argument = sys.argv[1:3]
    if what == "verify":
        verify(message, json.load(open(argument)))
    elif what == "sign":
        sign(message, argument.encode())
    elif what == "arc":
        arc(message, json.load(open(argument)))
    elif what == "results":
        results(message, argument)


def verify(message, records):
    def lookup(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode()

    signatures = [value for name, value in dkim.rfc822_parse(message)[0] if name.lower() == b"dkim-signature"]
    assert signatures, "it is not signed"
    algorithms = set()
    for index, signature in enumerate(signatures):
        assert dkim.DKIM(message).verify(idx=index, dnsfunc=lookup), signature
        tags = parse_tag_value(signature)
        algorithms.add(tags[b"a"])
        # One From more than there are: none can be added.
        assert [name.strip().lower() for name in tags[b"h"].split(b":")].count(b"from") == 2, signature
    assert algorithms == {b"rsa-sha256", b"ed25519-sha256"}, algorithms
    print(f"{len(signatures)} signatures verified")


def sign(message, domain):
    rsa, rsa_public = rsa_key()
    ed25519 = SigningKey.generate()
    records = {
        f"rsa._domainkey.{domain.decode()}": f"v=DKIM1; k=rsa; p={rsa_public}",
        f"ed._domainkey.{domain.decode()}": "v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(ed25519.verify_key)).decode(),
    }
    messages = {}
    for header in (b"relaxed", b"simple"):
        for body in (b"relaxed", b"simple"):
            field = dkim.sign(message, b"rsa", domain, rsa, canonicalize=(header, body))
            messages[f"rsa {header.decode()}/{body.decode()}"] = field + message
    field = dkim.sign(message, b"ed", domain, base64.b64encode(bytes(ed25519)), signature_algorithm=b"ed25519-sha256")
    messages["ed25519"] = field + message
    signed = messages["rsa relaxed/relaxed"]
    judged = b"Authentication-Results: lists.example; spf=pass smtp.mailfrom=a@%s; dkim=pass header.d=%s; dmarc=pass header.from=%s\r\n" % (
        domain, domain, domain)
    judged += signed
    seal = dkim.arc_sign(judged, b"rsa", domain, rsa, b"lists.example")
    messages["arc"] = b"".join(seal) + judged
    # What a mailing list does to it.
    messages["arc of a list"] = list_mail(message, domain, rsa)
    print(json.dumps({"records": records, "messages": {how: base64.b64encode(text).decode() for how, text in messages.items()}}))


def list_mail(message, domain, rsa):
    judged = (b"Authentication-Results: lists.example; dkim=pass header.d=strict.example; dmarc=pass header.from=strict.example\r\n"
              + message.replace(b"@" + domain, b"@strict.example").replace(b"Subject: ", b"Subject: [list] "))
    return b"".join(dkim.arc_sign(judged, b"rsa", domain, rsa, b"lists.example")) + judged


def rsa_key():
    import subprocess

    pem = subprocess.run(["openssl", "genrsa", "-traditional", "2048"], check=True, capture_output=True).stdout
    public = subprocess.run(["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem, check=True, capture_output=True).stdout
    return pem, base64.b64encode(public).decode()


def arc(message, records):
    def lookup(name, timeout=5):
        return records.get(name.decode().rstrip("."), "").encode()

    validity, sets, reason = dkim.arc_verify(message, dnsfunc=lookup)
    print((validity or b"none").decode(), len(sets), reason)


def results(message, host):
    for name, value in dkim.rfc822_parse(message)[0]:
        if name.lower() == b"authentication-results":
            field = authres.AuthenticationResultsHeader.parse("Authentication-Results: " + " ".join(value.decode().split()))
            if field.authserv_id == host:
                found = [[r.method, r.result, {f"{p.type}.{p.name}": p.value for p in r.properties}] for r in field.results]
                print(json.dumps(found))
                return
    raise AssertionError("no results of " + host)


main()
