"""protoc's word on the texts that Weir makes of `.proto` files.

protoc.py corpus
    Prints the files that the installed packages bring, and those below WEIR_TEST_PROTOS (folders with colons
    between), each after its imports: a JSON list of {"path", "text", "imports"}.

protoc.py compile
    Reads {"files": {path: text}, "variants": {name: {path: text}}}: every variant has a text for each of some files.
    Compiles the files, then each variant with its texts in their place, and compares the descriptors. Prints a line
    for each variant, and ends with 1 if a text is refused or means something else.
"""

import contextlib
import difflib
import json
import os
import pathlib
import sys
import sysconfig
import tempfile
from importlib import metadata

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

SITE = pathlib.Path(sysconfig.get_paths()["purelib"])
TOOLS = SITE / "grpc_tools" / "_proto"
KNOWN = pathlib.Path(__file__).parents[2] / "schema" / "src" / "protobuf" / "known"
FIELD = descriptor_pb2.FieldDescriptorProto


def compiled(roots, paths):
    """The descriptors of files and their imports, or what protoc has against them."""
    with tempfile.NamedTemporaryFile() as out, captured() as errors:
        include = [f"-I{root}" for root in roots]
        args = ["protoc", *include, "--include_imports", f"--descriptor_set_out={out.name}", *paths]
        failed = protoc.main(args)
        return (None if failed else out.read()), errors


@contextlib.contextmanager
def captured():
    """What C code writes to standard error meanwhile, in a list of lines."""
    lines = []
    with tempfile.TemporaryFile() as file:
        own = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(own, 2)
            os.close(own)
            file.seek(0)
            said = file.read().decode(errors="replace").splitlines()
            lines += [line for line in said if "warning:" not in line and "No edition or syntax" not in line]


def corpus():
    more = [root for root in os.environ.get("WEIR_TEST_PROTOS", "").split(":") if root]
    roots = [*more, SITE, KNOWN, TOOLS]
    paths = [str(path) for path in metadata.files("googleapis-common-protos") if path.suffix == ".proto"]
    for root in [*more, KNOWN, TOOLS]:
        paths += [str(path.relative_to(root)) for path in sorted(pathlib.Path(root).rglob("*.proto"))]
    paths = list(dict.fromkeys(paths))
    sound = [path for path in paths if compiled(roots, [path])[0] is not None]
    data, errors = compiled(roots, sound)
    if data is None:
        sys.exit("\n".join(errors))
    files = descriptor_pb2.FileDescriptorSet.FromString(data).file
    needed = {}
    listed = []
    for file in files:
        imports = dict.fromkeys(path for dep in file.dependency for path in [*needed[dep], dep])
        needed[file.name] = list(imports)
        root = next(root for root in roots if (pathlib.Path(root) / file.name).exists())
        text = (pathlib.Path(root) / file.name).read_text()
        listed.append({"path": file.name, "text": text, "imports": list(imports)})
    print(f"{len(paths)} files, {len(sound)} of them compile", file=sys.stderr)
    json.dump(listed, sys.stdout)


def put(folder, files):
    for path, text in files.items():
        place = pathlib.Path(folder) / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


class Meaning:
    """Descriptors as messages of one pool, which knows the extensions that options are made of."""

    def __init__(self, data):
        pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
            pool.Add(file)
        name = "google.protobuf.FileDescriptorSet"
        self.type = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))

    def files(self, data):
        return {file.name: tidy(file) for file in self.type.FromString(data).file}


def ordered(repeated, key):
    items = sorted((type(item).FromString(item.SerializeToString()) for item in repeated), key=key)
    del repeated[:]
    repeated.extend(items)


def tidy(file):
    """The file with everything in one order whose order says nothing."""
    public = {file.dependency[i] for i in file.public_dependency}
    weak = {file.dependency[i] for i in file.weak_dependency}
    imports = sorted(set(file.dependency))
    file.dependency[:] = imports
    file.public_dependency[:] = [i for i, path in enumerate(imports) if path in public]
    file.weak_dependency[:] = [i for i, path in enumerate(imports) if path in weak]
    ordered(file.extension, lambda field: (field.extendee, field.number))
    for enum in file.enum_type:
        tidy_enum(enum)
    for message in file.message_type:
        tidy_message(message)
    for method in (method for service in file.service for method in service.method):
        if not method.options.ByteSize():
            method.ClearField("options")  # `{}` behind an rpc
    return file


def tidy_message(message):
    oneofs = [oneof.name for oneof in message.oneof_decl]
    order = sorted(range(len(oneofs)), key=lambda i: oneofs[i])
    for field in message.field:
        if field.HasField("oneof_index"):
            field.oneof_index = order.index(field.oneof_index)
    ordered(message.oneof_decl, lambda oneof: oneof.name)
    ordered(message.field, lambda field: field.number)
    ordered(message.extension, lambda field: (field.extendee, field.number))
    ordered(message.extension_range, lambda numbers: numbers.start)
    ordered(message.reserved_range, lambda numbers: numbers.start)
    message.reserved_name[:] = sorted(message.reserved_name)
    # what a map or a group brings has no place of its own; other messages are referred to by theirs
    made = {f.type_name.rsplit(".", 1)[1] for f in message.field if f.type == FIELD.TYPE_GROUP}
    places = [(m.options.map_entry or m.name in made, i) for i, m in enumerate(message.nested_type)]
    names = {m.name: place for m, place in zip(message.nested_type, places)}
    ordered(message.nested_type, lambda m: (names[m.name][0], names[m.name][0] and m.name, names[m.name][1]))
    for enum in message.enum_type:
        tidy_enum(enum)
    for nested in message.nested_type:
        tidy_message(nested)


def tidy_enum(enum):
    ordered(enum.value, lambda value: (value.number, value.name))
    ordered(enum.reserved_range, lambda numbers: numbers.start)
    enum.reserved_name[:] = sorted(enum.reserved_name)


def verdict(name, folder, texts, meaning, originals):
    """Whether one variant of all files is compiled to what the files are."""
    with tempfile.TemporaryDirectory() as own:
        put(own, texts)
        data, errors = compiled([own, folder], list(texts))
    if data is None:
        print(f"{name}: refused", *errors, sep="\n  ")
        return False
    files = meaning.files(data)
    other = [path for path in texts if files[path] != originals[path]]
    for path in other:
        print(f"{name}: {path} means something else\n{texts[path]}\n{difference(originals[path], files[path])}")
    print(f"{name}: {len(texts)} texts compiled, {len(texts) - len(other)} of them to what they were made of")
    return not other


def difference(before, after):
    old, new = str(before).splitlines(), str(after).splitlines()
    return "\n".join(difflib.unified_diff(old, new, "what it was made of", "what it is", lineterm=""))


def compile_all():
    request = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        put(folder, request["files"])
        data, errors = compiled([folder], list(request["files"]))
        if data is None:
            sys.exit("\n".join(errors))
        meaning = Meaning(data)
        originals = meaning.files(data)
        sound = [verdict(name, folder, texts, meaning, originals) for name, texts in request["variants"].items()]
    sys.exit(0 if all(sound) else 1)


if __name__ == "__main__":
    {"corpus": corpus, "compile": compile_all}[sys.argv[1]]()
