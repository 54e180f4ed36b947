"""Markdown as a code host reads it: fences, headings with their anchors, links."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
HEADING = re.compile(r"^(#{1,6}) +(.*?)(?: +#+)?$")
# [text](target "title"); the text may hold code and one pair of brackets
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)(\s+\"[^\"]*\")?\)")
CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")


def lines(text):
    """Each line with whether it is in a fence or begins or ends one."""
    fence = None
    for line in text.splitlines():
        found = FENCE.match(line)
        if fence is None and found:
            fence = found.group(1)
            yield line, True
        elif fence is not None:
            if found and found.group(1).startswith(fence) and line.strip() == found.group(1):
                fence = None
            yield line, True
        else:
            yield line, False


def slug(heading):
    """The anchor of a heading, before it is numbered."""
    plain = LINK.sub(lambda link: link.group(2), heading).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")


def anchors(text):
    """All anchors of a page."""
    seen, found = {}, set()
    for line, fenced in lines(text):
        found.update(re.findall(r'<a (?:id|name)="([^"]+)"', line))
        heading = None if fenced else HEADING.match(line)
        if heading:
            base = slug(heading.group(2))
            count = seen.get(base, 0)
            seen[base] = count + 1
            found.add(f"{base}-{count}" if count else base)
    return found


def map_links(text, change):
    """The text with the target of each link replaced by what `change(target, text)` gives; None takes the link away."""

    def replaced(link):
        image, label, target, title = link.groups()
        new = change(target, label)
        return label if new is None else f"{image}[{label}]({new}{title or ''})"

    out = []
    for line, fenced in lines(text):
        if not fenced:
            # what looks like a link in a code span is none
            spans = []

            def keep(code):
                spans.append(code.group())
                return f"\0{len(spans) - 1}\0"

            line = LINK.sub(replaced, CODE.sub(keep, line))
            for _ in range(2):  # a code span may stand in a link's text
                line = re.sub(r"\0(\d+)\0", lambda mark: spans[int(mark.group(1))], line)
        out.append(line)
    return "\n".join(out) + "\n"


def targets(text):
    """The targets of all links."""
    found = []
    map_links(text, lambda target, _: found.append(target) or target)
    return found


def outside(target):
    """Whether a target is another site."""
    return re.match(r"[a-z]+:", target) is not None and not target.startswith("crate::")


def pages():
    """All Markdown files of the repository, also those that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "*.md"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()
    return [Path(name) for name in listed if (ROOT / name).exists()]
