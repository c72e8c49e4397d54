"""A second opinion on a report: the message is read by Python's own library, the report held against what the RFCs say of it by hand.

    second.py tls|dmarc SUBMITTER DOMAIN < message

Prints the report as JSON. Standard library only.
"""

import email
import email.policy
import gzip
import json
import re
import sys
import xml.etree.ElementTree as tree

NAMESPACE = "{urn:ietf:params:xml:ns:dmarc-2.0}"
TYPES = {
    "starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure",
    "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid",
}


def need(condition, what):
    if not condition:
        sys.exit(f"wrong: {what}")


def message(kind, submitter, domain):
    mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)
    need(not mail.defects, mail.defects)
    subject = re.fullmatch(r"Report Domain: (\S+) Submitter: (\S+) Report-ID: <(\S+@\S+)>", mail["Subject"])
    need(subject and subject[1] == domain and subject[2] == submitter, mail["Subject"])
    need(mail["Message-ID"] == f"<{subject[3]}>", mail["Message-ID"])
    need(mail["Auto-Submitted"] == "auto-generated", mail["Auto-Submitted"])
    if kind == "tls":
        need(mail.get_content_type() == "multipart/report" and mail.get_param("report-type") == "tlsrpt", mail["Content-Type"])
        need(mail["TLS-Report-Domain"] == domain and mail["TLS-Report-Submitter"] == submitter, "TLS-Report fields")
        need(mail["TLS-Required"] == "No", "TLS-Required")
    text, report = mail.iter_parts()
    need(text.get_content_type() == "text/plain", text.get_content_type())
    need(report.get_content_type() == ("application/tlsrpt+gzip" if kind == "tls" else "application/gzip"), report.get_content_type())
    extension = "json" if kind == "tls" else "xml"
    name = re.fullmatch(r"([^!]+)!([^!]+)!(\d+)!(\d+)(![A-Za-z0-9]+)?\." + extension + r"\.gz", report.get_filename())
    need(name and name[1] == submitter and name[2] == domain and int(name[3]) < int(name[4]), report.get_filename())
    return subject[3], (int(name[3]), int(name[4])), gzip.decompress(report.get_payload(decode=True))


def tls(identity, octets, domain):
    report = json.loads(octets)
    need(set(report) == {"organization-name", "date-range", "contact-info", "report-id", "policies"}, report.keys())
    need(report["report-id"] == identity, report["report-id"])
    for name in ("start-datetime", "end-datetime"):
        need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", report["date-range"][name]), report["date-range"])
    need(report["policies"], "no policy")
    for result in report["policies"]:
        policy, summary = result["policy"], result["summary"]
        need(policy["policy-type"] in {"sts", "tlsa", "no-policy-found"} and policy["policy-domain"] == domain, policy)
        failures = result.get("failure-details", [])
        need(all(one["result-type"] in TYPES for one in failures), failures)
        need(sum(one["failed-session-count"] for one in failures) == summary["total-failure-session-count"], summary)
    return report


def dmarc(identity, span, octets, domain):
    root = tree.fromstring(octets)
    need(root.tag == NAMESPACE + "feedback", root.tag)
    order = [child.tag.removeprefix(NAMESPACE) for child in root]
    need(order[:3] == ["version", "report_metadata", "policy_published"] and set(order[3:]) == {"record"}, order)

    def told(element):
        children = [(child.tag.removeprefix(NAMESPACE), told(child)) for child in element]
        if not children:
            return element.text or ""
        return {name: [value for other, value in children if other == name] for name, _ in children}

    report = told(root)
    metadata, published = report["report_metadata"][0], report["policy_published"][0]
    need(metadata["report_id"] == [identity], metadata)
    dates = metadata["date_range"][0]
    need((int(dates["begin"][0]), int(dates["end"][0])) == span, dates)
    need(published["domain"] == [domain] and published["p"][0] in {"none", "quarantine", "reject"}, published)
    for record in report["record"]:
        evaluated = record["row"][0]["policy_evaluated"][0]
        need(int(record["row"][0]["count"][0]) > 0, record)
        need(evaluated["disposition"][0] in {"none", "pass", "quarantine", "reject"}, evaluated)
        need({evaluated["dkim"][0], evaluated["spf"][0]} <= {"pass", "fail"}, evaluated)
        need(record["auth_results"][0]["spf"][0]["scope"] == ["mfrom"], record)
    return report


def main():
    kind, submitter, domain = sys.argv[1:]
    identity, span, octets = message(kind, submitter, domain)
    print(json.dumps(tls(identity, octets, domain) if kind == "tls" else dmarc(identity, span, octets, domain)))


main()
