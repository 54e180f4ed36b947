"""Looks at the links of all Markdown files, as a code host shows them: each leads to a file of the repository, and to a
heading that is there. Links to other sites are not followed."""

import sys
from pathlib import PurePosixPath
from posixpath import normpath

from markdown import ROOT, anchors, outside, pages, targets


def broken(page, target):
    """Why a link of a page leads nowhere, or nothing."""
    path, _, anchor = target.partition("#")
    file = normpath(PurePosixPath(page).parent / path) if path else str(page)
    if file.startswith("..") or path.startswith("/"):
        return "is outside of the repository"
    if not (ROOT / file).exists():
        return "no such file"
    if anchor and file.endswith(".md") and anchor not in anchors((ROOT / file).read_text()):
        return "no such heading"
    return None


def main():
    count, wrong = 0, []
    for page in pages():
        for target in targets((ROOT / page).read_text()):
            if outside(target) or target.startswith("crate::"):
                continue
            count += 1
            why = broken(page, target)
            if why:
                wrong.append(f"{page}: {target}: {why}")
    print("\n".join(wrong) or f"docs/build: {count} links in {len(pages())} Markdown files")
    sys.exit(bool(wrong))


main()
