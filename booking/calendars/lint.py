"""What our feeds may contain, checked before anything is stored: one bad line costs clients the feed.

Everything is an allow-list: what is not named here is a finding, however valid it is elsewhere.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from booking.calendars.contentlines import Component, Finding, assemble, read
from booking.calendars.vtimezone import vtimezone
from booking.calendars.window import MAX_BYTES, MAX_EVENTS

__all__ = ["Finding", "LintError", "lint", "lint_event"]

MAX_SUMMARY = 200
MAX_DESCRIPTION = 1_500
MAX_CATEGORIES = 3

_TEXT = r"(?:[^\\;,]|\\[\\;,n])+"
_UTC = r"[0-9]{8}T[0-9]{6}Z"
_PAGE = r"https?://[!-~]+"
_HOUR = "PT1H"


@dataclass(frozen=True)
class Rule:
    """How a property's value must look, and which parameters it must or may carry."""

    value: str
    parameters: tuple[str, ...] = ("",)
    required: bool = True


CALENDAR_RULES = {
    "VERSION": Rule(r"2\.0"),
    "PRODID": Rule(_TEXT),
    "CALSCALE": Rule("GREGORIAN"),
    "NAME": Rule(_TEXT),
    "X-WR-CALNAME": Rule(_TEXT),
    "DESCRIPTION": Rule(_TEXT, required=False),
    "X-WR-CALDESC": Rule(_TEXT, required=False),
    "X-WR-TIMEZONE": Rule(r"[A-Za-z0-9_+/-]+"),
    "COLOR": Rule(r"[a-z]+"),
    "URL": Rule(_PAGE, required=False),
    "REFRESH-INTERVAL": Rule(_HOUR, (";VALUE=DURATION",)),
    "X-PUBLISHED-TTL": Rule(_HOUR),
}

EVENT_RULES = {
    "UID": Rule(r"[0-9a-f-]{32,36}@[A-Za-z0-9.:-]+"),
    "DTSTAMP": Rule(_UTC),
    "LAST-MODIFIED": Rule(_UTC),
    "CREATED": Rule(_UTC, required=False),
    "SEQUENCE": Rule(r"[0-9]{1,6}"),  # a time stamp here makes Google refuse the file
    "DTSTART": Rule(rf"{_UTC}|[0-9]{{8}}", ("", ";VALUE=DATE")),
    "DTEND": Rule(rf"{_UTC}|[0-9]{{8}}", ("", ";VALUE=DATE")),
    "SUMMARY": Rule(_TEXT),
    "STATUS": Rule("CONFIRMED|TENTATIVE|CANCELLED"),
    "TRANSP": Rule("OPAQUE|TRANSPARENT"),
    "X-MICROSOFT-CDO-BUSYSTATUS": Rule("BUSY|TENTATIVE|FREE"),
    "CLASS": Rule("PUBLIC"),
    "LOCATION": Rule(_TEXT, required=False),
    "DESCRIPTION": Rule(_TEXT, required=False),
    "URL": Rule(_PAGE, required=False),
    "CATEGORIES": Rule(rf"{_TEXT}(?:,{_TEXT}){{0,{MAX_CATEGORIES - 1}}}", required=False),
    "RELATED-TO": Rule(r"[0-9a-f-]{32,36}@[A-Za-z0-9.:-]+", required=False),
}

_CONSISTENT = {
    ("CONFIRMED", "OPAQUE", "BUSY"),
    ("CONFIRMED", "TRANSPARENT", "FREE"),
    ("TENTATIVE", "OPAQUE", "TENTATIVE"),
    ("CANCELLED", "TRANSPARENT", "FREE"),
}


class LintError(ValueError):
    """A rendered event would break subscribers' calendars."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = findings


def lint(feed: bytes) -> list[Finding]:
    """Return what is wrong with a whole feed; nothing for every feed of ours."""
    lines, findings = read(feed)
    roots, unbalanced = assemble(lines)
    findings += unbalanced
    if [root.name for root in roots] != ["VCALENDAR"]:
        return [*findings, Finding("not-one-calendar", 1, "not exactly one VCALENDAR")]
    calendar = roots[0]
    findings += _property_findings(calendar, CALENDAR_RULES)
    for child in calendar.children:
        findings += _child_findings(child)
    findings += _feed_findings(feed, [child for child in calendar.children if child.name == "VEVENT"])
    return sorted(findings, key=lambda finding: finding.line)


def lint_event(event: bytes) -> list[Finding]:
    """Return what is wrong with the bytes of a single VEVENT."""
    lines, findings = read(event)
    roots, unbalanced = assemble(lines)
    findings += unbalanced
    if [root.name for root in roots] != ["VEVENT"]:
        return [*findings, Finding("not-one-event", 1, "not exactly one VEVENT")]
    return findings + _event_findings(roots[0])


def _child_findings(child: Component) -> list[Finding]:
    if child.name == "VEVENT":
        return _event_findings(child)
    if child.name == "VTIMEZONE":
        return _timezone_findings(child)
    return [_component_not_allowed(child)]


def _timezone_findings(zone: Component) -> list[Finding]:
    """Only our constants: every other way to write a zone is misread by somebody."""
    tzid = zone.first("TZID")
    lines, _ = read(vtimezone(tzid.value if tzid else ""))
    constant, _ = assemble(lines)
    if constant and constant[0].text() == zone.text():
        return []
    return [Finding("timezone", zone.number, "a VTIMEZONE that is not one of our constants")]


def _feed_findings(feed: bytes, events: list[Component]) -> Iterator[Finding]:
    if not events:
        yield Finding("no-event", 1, "without an event some clients keep the old ones")
    if len(events) > MAX_EVENTS + 1 or len(feed) > MAX_BYTES:
        yield Finding("too-much", 1, f"{len(events)} events, {len(feed)} bytes")
    uids = [(uid.value, uid.number) for event in events if (uid := event.first("UID"))]
    counted = Counter(uid for uid, _ in uids)
    repeated = {uid: number for uid, number in uids if counted[uid] > 1}
    yield from (Finding("repeated-uid", number, f"UID {uid} twice") for uid, number in repeated.items())


def _event_findings(event: Component) -> list[Finding]:
    findings = [_component_not_allowed(child) for child in event.children]
    findings += _property_findings(event, EVENT_RULES)
    findings += _time_findings(event)
    findings += _consistency_findings(event)
    findings += _length_findings(event)
    return findings


def _component_not_allowed(component: Component) -> Finding:
    return Finding(
        f"not-allowed:{component.name}", component.number, f"{component.name} does not belong in a feed"
    )


def _property_findings(component: Component, rules: dict[str, Rule]) -> Iterator[Finding]:
    """Check each property by its rule, and that each is there at most once."""
    counted = Counter(line.name for line in component.properties)
    for line in component.properties:
        rule = rules.get(line.name)
        if rule is None:
            yield Finding(f"not-allowed:{line.name}", line.number, f"{line.name} does not belong in a feed")
        elif line.parameters not in rule.parameters:
            yield Finding(
                f"parameters:{line.name}", line.number, f"{line.name} with {line.parameters or 'none'}"
            )
        elif not re.fullmatch(rule.value, line.value):
            yield Finding(f"value:{line.name}", line.number, f"{line.name}:{line.value[:40]}")
    for name, rule in rules.items():
        if rule.required and not counted[name]:
            yield Finding(f"missing:{name}", component.number, f"{component.name} without {name}")
        if counted[name] > 1:
            yield Finding(
                f"repeated:{name}", component.number, f"{component.name} with {name} {counted[name]} times"
            )


def _time_findings(event: Component) -> Iterator[Finding]:
    """Check that times exist, start and end have the same form, and the end is later."""
    moments: dict[str, datetime] = {}
    for name in ("DTSTAMP", "LAST-MODIFIED", "CREATED", "DTSTART", "DTEND"):
        line = event.first(name)
        moment = _moment(line.value) if line else None
        if line and moment:
            moments[name] = moment
        elif line and re.fullmatch(EVENT_RULES[name].value, line.value):
            yield Finding(f"no-such-time:{name}", line.number, f"there is no {line.value}")
    start, end = event.first("DTSTART"), event.first("DTEND")
    for line in (start, end):
        if line and (line.parameters == ";VALUE=DATE") != ("T" not in line.value):
            yield Finding(f"form:{line.name}", line.number, f"{line.name}{line.parameters}:{line.value}")
    if start and end and start.parameters != end.parameters:
        yield Finding("mixed-forms", end.number, "start and end are written differently")
    elif end and "DTSTART" in moments and "DTEND" in moments and moments["DTEND"] <= moments["DTSTART"]:
        yield Finding("end-not-after-start", end.number, "ends before it starts")
    if {"DTSTAMP", "LAST-MODIFIED"} <= moments.keys() and moments["DTSTAMP"] != moments["LAST-MODIFIED"]:
        yield Finding("two-revisions", event.number, "DTSTAMP and LAST-MODIFIED differ")


def _moment(value: str) -> datetime | None:
    """Read a UTC time or a date, if there is such a one."""
    for form in ("%Y%m%dT%H%M%SZ", "%Y%m%d"):
        try:
            return datetime.strptime(value, form)
        except ValueError:
            continue
    return None


def _consistency_findings(event: Component) -> Iterator[Finding]:
    """Clients look at one of STATUS, TRANSP and Outlook's own; they must tell the same."""
    names = ("STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS")
    lines = [line for name in names if (line := event.first(name))]
    if len(lines) == len(names) and tuple(line.value for line in lines) not in _CONSISTENT:
        yield Finding("contradiction", event.number, ", ".join(line.value for line in lines))


def _length_findings(event: Component) -> Iterator[Finding]:
    for name, limit in (("SUMMARY", MAX_SUMMARY), ("DESCRIPTION", MAX_DESCRIPTION)):
        line = event.first(name)
        if line and len(re.sub(r"\\.", "_", line.value)) > limit:
            yield Finding(f"too-long:{name}", line.number, f"{name} is longer than {limit} characters")
