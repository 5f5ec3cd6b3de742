"""A calendar file taken apart into lines and components, with every fault of its form."""

import re
from dataclasses import dataclass, field

MAX_OCTETS = 75

# Characters inside a line on which Python's splitlines(), and with it vdirsyncer and khal, starts a new one.
_HIDDEN_BREAK = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f]")
_CONTENT_LINE = re.compile(
    r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)', re.S
)


@dataclass(frozen=True)
class Finding:
    """One thing that some client would stumble over."""

    code: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message} [{self.code}]"


@dataclass(frozen=True)
class Line:
    """One unfolded content line, with the number of its first physical line."""

    number: int
    name: str
    parameters: str
    value: str


@dataclass
class Component:
    """What stands between a BEGIN and its END."""

    name: str
    number: int
    properties: list[Line] = field(default_factory=list)
    children: list["Component"] = field(default_factory=list)
    body: list[Line] = field(default_factory=list)

    def first(self, name: str) -> Line | None:
        """Return the first property of that name."""
        return next((line for line in self.properties if line.name == name), None)

    def text(self) -> list[tuple[str, str, str]]:
        """Return everything inside, nested components too, for a comparison."""
        return [(line.name, line.parameters, line.value) for line in self.body]


def read(data: bytes) -> tuple[list[Line], list[Finding]]:
    """Split the bytes into content lines and report every fault of their form."""
    findings = _faults_of_the_file(data)
    folded: list[tuple[int, str]] = []
    for number, raw in enumerate(re.split(rb"\r\n|\n", data.removesuffix(b"\n").removesuffix(b"\r")), 1):
        findings += _faults_of_the_line(number, raw)
        text = raw.decode("utf-8", "replace").removeprefix("\ufeff" if number == 1 else "")
        if text[:1] in (" ", "\t") and folded:
            folded[-1] = (folded[-1][0], folded[-1][1] + text[1:])
        elif text:
            folded.append((number, text))
    lines: list[Line] = []
    for number, text in folded:
        found = _CONTENT_LINE.fullmatch(text)
        if found is None:
            findings.append(
                Finding("not-a-content-line", number, f"neither property nor continuation: {text[:40]!r}")
            )
        else:
            lines.append(Line(number, found[1].upper(), found[2], found[3]))
    return lines, findings


def assemble(lines: list[Line]) -> tuple[list[Component], list[Finding]]:
    """Nest the lines into components and report every BEGIN and END without its partner."""
    roots: list[Component] = []
    open_ones: list[Component] = []
    findings: list[Finding] = []
    for line in lines:
        if line.name == "BEGIN":
            component = Component(line.value.upper(), line.number)
            (open_ones[-1].children if open_ones else roots).append(component)
            open_ones.append(component)
        elif line.name == "END":
            findings += _close(open_ones, line)
        elif open_ones:
            open_ones[-1].properties.append(line)
        else:
            findings.append(Finding("outside", line.number, f"{line.name} stands outside every component"))
        for component in open_ones:
            component.body.append(line)
    findings += [Finding("not-closed", one.number, f"{one.name} has no END") for one in open_ones]
    return roots, findings


def _close(open_ones: list[Component], line: Line) -> list[Finding]:
    """Close the innermost component; an END that skips some reports those."""
    name = line.value.upper()
    if name not in [component.name for component in open_ones]:
        return [Finding("not-open", line.number, f"END:{name} closes nothing")]
    findings = []
    while (component := open_ones.pop()).name != name:
        findings.append(Finding("not-closed", component.number, f"{component.name} has no END"))
    return findings


def _faults_of_the_file(data: bytes) -> list[Finding]:
    findings = []
    if data.startswith(b"\xef\xbb\xbf"):
        findings.append(Finding("byte-order-mark", 1, "starts with a byte order mark"))
    if not data.endswith(b"\r\n"):
        findings.append(Finding("cut-off", data.count(b"\n") + 1, "the last line has no end"))
    return findings + [
        Finding("line-ending", data.count(b"\n", 0, stray.start()) + 1, "a line does not end with CR LF")
        for stray in re.finditer(rb"(?<!\r)\n|\r(?!\n)", data)
    ]


def _faults_of_the_line(number: int, raw: bytes) -> list[Finding]:
    findings = []
    if not raw.strip(b" \t\r\n"):
        findings.append(Finding("blank-line", number, "a blank line"))
    if len(raw) > MAX_OCTETS:
        findings.append(Finding("line-too-long", number, f"{len(raw)} octets in one line"))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return [*findings, Finding("not-utf-8", number, "not UTF-8, or folded inside a character")]
    if _HIDDEN_BREAK.search(text):
        findings.append(Finding("hidden-break", number, "a character on which some clients start a new line"))
    if _CONTROL.search(text):
        findings.append(Finding("control-character", number, "a control character"))
    return findings
