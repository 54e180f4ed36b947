"""Puts together what the site is built of: docs/, and whatever its pages link to elsewhere in the repository. Markdown
becomes a page below project/, any other file is copied below files/, and a folder becomes a list of its files."""

import re
import shutil
import sys
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath

from markdown import ROOT, lines, map_links, outside, pages

SITE = ROOT / "docs/site"
BELOW_DOCS = ("docs/",)


def place(path):
    """Where a file of the repository stands in the site's source."""
    path = str(path)
    if not path.endswith(".md"):
        return f"files/{path}"
    inside = path.removeprefix("docs/") if path.startswith(BELOW_DOCS) else f"project/{path}"
    if inside == "README.md" or inside.endswith("/README.md") and path.startswith(BELOW_DOCS):
        return inside.removesuffix("README.md") + "index.md"
    return inside


def shown(text, rustdoc):
    """A page's text without the lines that rustdoc hides, and with titles of fences as the generator wants them."""
    out, rust = [], False
    for line, fenced in lines(text):
        if fenced and line.lstrip().startswith("```"):
            begins = line.strip() != "```"
            rust = rustdoc and begins and bool(re.match(r"\s*```(rust|$|no_run|should_panic|,)", line))
            if rustdoc and begins:
                line = re.sub(r"```(rust)?[a-z_,]*(no_run|ignore|compile_fail|should_panic)[a-z_,]*", "```rust", line)
        elif fenced and rust and re.match(r"\s*#( |$)", line):
            continue
        out.append(line)
    return "\n".join(out) + "\n"


class Stage:
    """The pages and files that are wanted, and those that are done."""

    def __init__(self, out):
        self.out = out
        self.done = set()
        self.wanted = [page for page in pages() if str(page).startswith(BELOW_DOCS)]
        self.wanted += [Path(name) for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
        self.wanted += [Path("README.md")]
        self.wanted += [page for page in pages() if str(page).startswith("serde-client/docs/")]

    def run(self):
        while self.wanted:
            path = self.wanted.pop()
            if path not in self.done:
                self.done.add(path)
                self.put(path)

    def put(self, path):
        source = ROOT / path
        if source.is_dir():
            self.list(path)
            return
        target = self.out / place(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            text = shown(source.read_text(), rustdoc=str(path).startswith("serde-client/"))
            target.write_text(map_links(text, lambda link, _: self.link(path, link)))
        else:
            shutil.copy(source, target)

    def list(self, path):
        """A page that lists the files of a folder."""
        files = sorted(file for file in (ROOT / path).rglob("*") if file.is_file())
        rows = []
        for file in files:
            inside = file.relative_to(ROOT)
            self.wanted.append(inside)
            rows.append(f"* [{file.relative_to(ROOT / path)}]({relpath(place(inside), f'project/{path}')})")
        target = self.out / f"project/{path}/index.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"# {path}\n\nFiles of this folder of the repository:\n\n" + "\n".join(rows) + "\n")

    def link(self, page, target):
        """The target of a link, for the page at its place in the site; None for one that the site does not have."""
        if target.startswith("crate::guide::"):
            return target.removeprefix("crate::guide::") + ".md"
        if target.startswith("crate::"):
            return None
        if outside(target) or target.startswith("#"):
            return target
        path, _, anchor = target.partition("#")
        file = PurePosixPath(normpath(page.parent / path))
        if (ROOT / file).is_dir() and (ROOT / file / "README.md").exists():
            file = file / "README.md"
        self.wanted.append(Path(file))
        where = f"project/{file}/index.md" if (ROOT / file).is_dir() else place(file)
        link = relpath(where, PurePosixPath(place(page)).parent)
        return f"{link}#{anchor}" if anchor and where.endswith(".md") else link


def navigation(text, pages):
    """The configuration without entries for pages that are not there. Every page of docs/ has to have an entry."""
    entry = re.compile(r'^ *\{ "[^"]+" = "([^"]+\.md)" \},$')
    kept, listed = [], set()
    for line in text.splitlines():
        found = entry.match(line)
        if not found or found.group(1) in pages:
            kept.append(line)
        if found:
            listed.add(found.group(1))
    lost = sorted(page for page in pages - listed if not page.startswith("project/"))
    if lost:
        sys.exit(f"docs/build: pages without an entry in docs/site/zensical.toml: {', '.join(lost)}")
    return "\n".join(kept) + "\n"


def about(text):
    """The first sentence of a page, on one line."""
    body = [line for line, fenced in lines(text) if not fenced and line and not re.match(r"[#|*<]", line)]
    sentence = re.split(r"(?<=[.:])\s", " ".join(body[:4]))[0]
    return map_links(sentence, lambda *_: None).strip()


def for_programs(nav, docs):
    """llms.txt: the pages by group, each with its first sentence, for programs that read documentation."""
    out = ["# Weir", "", "> A schema registry and a REST proxy for Apache Kafka in one binary, with Confluent's APIs."]
    for line in nav.splitlines():
        group = re.match(r'^ {4}\{ "([^"]+)" = \[$', line)
        page = re.match(r'^ *\{ "([^"]+)" = "([^"]+\.md)" \},$', line)
        if group:
            out += ["", f"## {group.group(1)}", ""]
        elif page:
            name = page.group(2)
            title = next(line for line in (docs / name).read_text().splitlines() if line.startswith("# "))[2:]
            where = name.removesuffix("index.md") if name.endswith("index.md") else name.removesuffix(".md") + "/"
            out.append(f"* [{title}]({where or './'}): {about((docs / name).read_text())}")
    return "\n".join(out) + "\n"


def main():
    out = Path(sys.argv[1])
    shutil.rmtree(out, ignore_errors=True)
    stage = Stage(out / "docs")
    stage.run()
    for name in ("style.css", "logo.svg"):
        shutil.copy(SITE / name, out / "docs" / name)
    pages = {place(path) for path in stage.done if path.suffix == ".md"}
    nav = navigation((SITE / "zensical.toml").read_text(), pages)
    (out / "zensical.toml").write_text(nav)
    (out / "docs/llms.txt").write_text(for_programs(nav, out / "docs"))


main()
