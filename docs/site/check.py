"""Looks at the site as it was built: each link leads to a page and an anchor that are there, and no page loads anything
from another origin."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("use", "href")}
# relations of <link> that a browser does not load
NAMES = {"canonical", "next", "prev", "author", "license"}


class Page(HTMLParser):
    """The anchors of a page, its links, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.loads = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.anchors.update(value for name in ("id", "name") if (value := attrs.get(name)))
        for name, value in attrs.items():
            if (tag, name) in LOADS and attrs.get("rel") not in NAMES:
                self.loads.append(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.append(value)


def main():
    root = Path(sys.argv[1]).resolve()
    pages = {file: Page(file.read_text()) for file in root.rglob("*.html") if file.name != "404.html"}
    wrong, count = [], 0
    for file, page in pages.items():
        where = file.relative_to(root)
        wrong += [f"{where}: loads {load}" for load in page.loads if urlsplit(load).netloc]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if target.is_dir():
                target = target / "index.html"
            if not target.is_relative_to(root) or not target.exists():
                wrong.append(f"{where}: {link}: no such page")
            elif parts.fragment and target in pages and parts.fragment != "__skip":
                if unquote(parts.fragment) not in pages[target].anchors:
                    wrong.append(f"{where}: {link}: no such anchor")
    for style in root.rglob("*.css"):
        for url in re.findall(r"url\(([^)]+)\)|@import\s+[\"']([^\"']+)", style.read_text()):
            url = "".join(url).strip("\"'")
            if urlsplit(url).netloc:
                wrong.append(f"{style.relative_to(root)}: loads {url}")
    print("\n".join(sorted(set(wrong))) or f"docs/build: {count} links in {len(pages)} pages of target/site")
    sys.exit(bool(wrong))


main()
