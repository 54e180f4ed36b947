"""What the checks of this folder stand on: confluent-kafka's blocking and asyncio clients behind one
face, the schemas of tests/schemas/air, and `main`, which runs every check with both clients.

A check is `async def check_<fact>(kit)`. `kit.client()` makes a registry client whose calls are
awaited, `kit.serializer(..)` and `kit.deserializer(..)` the serdes.
"""

import asyncio
import copy
import inspect
import json
import pathlib
import sys
import traceback
import uuid

from confluent_kafka.schema_registry import Schema, SchemaReference, avro, json_schema, protobuf
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient, SchemaRegistryClient
from confluent_kafka.schema_registry.confluent import meta_pb2
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, timestamp_pb2

FORMATS = ("avro", "json", "protobuf")
AIR = pathlib.Path(__file__).parent.parent / "schemas" / "air"
SUFFIX = {"avro": "avsc", "json": "schema.json", "protobuf": "proto"}


def unique(name):
    """A name that no other check uses."""
    return f"{name}-{uuid.uuid4()}"


def text(name, format="avro"):
    """The text of tests/schemas/air/<name>."""
    return (AIR / f"{name}.{SUFFIX[format]}").read_text()


def schema(name, format="avro", references=(), **contract):
    """The schema of tests/schemas/air/<name>, to register; `contract` is metadata and rule_set."""
    return Schema(text(name, format), format.upper(), list(references), **contract)


def messages():
    """The Protobuf classes of tests/schemas/air, by name."""
    found = json_format.Parse((AIR / "descriptors.json").read_text(), descriptor_pb2.FileDescriptorSet())
    pool = descriptor_pool.DescriptorPool()
    for known in (descriptor_pb2, timestamp_pb2, meta_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    for file in found.file:
        pool.AddSerializedFile(file.SerializeToString())
    names = [file.package + "." + kind.name for file in found.file for kind in file.message_type]
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(name)) for name in names}


MESSAGES = messages()


def record(name, value, format):
    """A value as a serializer of the format takes it: a dict, which rules may change, or a Protobuf message."""
    return (
        json_format.ParseDict(value, MESSAGES[f"air.{name}"]())
        if format == "protobuf"
        else copy.deepcopy(value)
    )


def plain(value):
    """The same, back as a dict."""
    return json_format.MessageToDict(value) if hasattr(value, "DESCRIPTOR") else value


def context(topic, field=MessageField.VALUE, headers=None):
    """Where a record is headed; headers are gathered in a list."""
    return SerializationContext(topic, field, [] if headers is None else headers)


def schema_id(data):
    """The id before the payload."""
    assert data[0] == 0, data
    return int.from_bytes(data[1:5], "big")


async def refused(status, code, call):
    """The call is refused with this status and code; returns the message."""
    try:
        answer = await call
    except SchemaRegistryError as error:
        assert (error.http_status_code, error.error_code) == (status, code), error
        return error.error_message
    raise AssertionError(f"not refused: {answer}")


async def fails(kind, call):
    """The call raises an error of this kind; returns it."""
    try:
        answer = await call
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}: {answer}")


class Awaited:
    """An object whose methods can be awaited, whether they wait themselves or not."""

    def __init__(self, raw):
        self.raw = raw

    def __getattr__(self, name):
        return awaited(getattr(self.raw, name))

    def __call__(self, *args, **kwargs):
        return awaited(self.raw)(*args, **kwargs)


def awaited(call):
    async def run(*args, **kwargs):
        answer = call(*args, **kwargs)
        return await answer if inspect.isawaitable(answer) else answer

    return run


class Kit:
    def __init__(self, url, asynchronous):
        self.url = url
        self.prefix = "Async" if asynchronous else ""
        self.client_class = AsyncSchemaRegistryClient if asynchronous else SchemaRegistryClient

    def client(self, path="", **conf):
        """A client with empty caches. It tries once: an error is an answer, not to be outlived."""
        return Awaited(self.client_class({"url": self.url + path, "max.retries": 0, **conf}))

    async def serializer(self, format, client, kind, conf=None, **rest):
        """`kind` is a `Schema`, or the name of a Protobuf message."""
        return await self.serde(f"{CLASS[format]}Serializer", format, client, kind, conf, **rest)

    async def deserializer(self, format, client, kind=None, conf=None, **rest):
        return await self.serde(f"{CLASS[format]}Deserializer", format, client, kind, conf, **rest)

    async def serde(self, name, format, client, kind, conf, **rest):
        if format == "protobuf":
            rest["message_type" if name.endswith("Deserializer") else "msg_type"] = MESSAGES[f"air.{kind}"]
            conf = {"use.deprecated.format": False, **(conf or {})}
        else:
            rest["schema_str"] = kind
        serde = getattr(MODULE[format], self.prefix + name)(
            schema_registry_client=client.raw, conf=conf, **rest
        )
        return Awaited(await serde if inspect.isawaitable(serde) else serde)


def where(error):
    """An error and the lines of this folder that led to it."""
    folder = str(pathlib.Path(__file__).parent)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame for frame in frames if frame.filename.startswith(folder) and frame.name not in ("main", "run")
    ]
    lines = [*traceback.format_list(ours), *traceback.format_exception_only(error)]
    cause = error.__cause__ or error.__context__
    return "".join(lines) + (f"  after {type(cause).__name__}: {cause}\n" if cause else "")


CLASS = {"avro": "Avro", "json": "JSON", "protobuf": "Protobuf"}
MODULE = {"avro": avro, "json": json_schema, "protobuf": protobuf}


def main(checks):
    """Runs the `check_*` functions of a module: `<file> URL [ARGUMENT]`. Tells which ones fail."""
    url, *rest = sys.argv[1:]
    failed = 0
    for name, check in list(checks.items()):
        if not name.startswith("check_"):
            continue
        for asynchronous in (False, True):
            kind = "asyncio" if asynchronous else "blocking"
            try:
                asyncio.run(check(Kit(url, asynchronous), *rest))
                print(f"ok      {name} ({kind})")
            except Exception as error:
                failed += 1
                print(f"FAILED  {name} ({kind})\n{where(error)}")
    sys.exit(f"{failed} checks failed" if failed else None)
