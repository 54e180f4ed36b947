"""Records for the client of another language, and from it: a JSON object a line, in every format, with
the schema's id before the payload and in a header.

exchange.py write REGISTRY   to stdout
exchange.py read REGISTRY    from stdin; says how many it has read
"""

import asyncio
import base64
import json
import sys

from confluent_kafka.schema_registry import (
    Schema,
    header_schema_id_serializer,
    prefix_schema_id_serializer,
)
from kit import FORMATS, Kit, context, plain, record, schema, unique

DELAY = {"flight": "WN1", "minutes": 14, "note": "fog"}
# for the Avro schema "bytes", whose data has no length before it: this would be read as one of 3. The
# client refuses payloads of fewer than 6 bytes
RAW = b"\x06abc and more\xff"
BYTES = Schema('{"type": "bytes"}', "AVRO")  # the client cannot take "bytes" for a schema
IDS = {"prefix": prefix_schema_id_serializer, "header": header_schema_id_serializer}


async def write(kit):
    for format in (*FORMATS, "bytes"):
        for id_serializer in IDS.values():
            there = context(unique(f"exchange-{format}"))
            conf = {"schema.id.serializer": id_serializer}
            if format == "bytes":
                serialize = await kit.serializer("avro", kit.client(), BYTES, conf)
                value = await serialize(RAW, there)
            else:
                kind = "Delay" if format == "protobuf" else schema("delay", format)
                serialize = await kit.serializer(format, kit.client(), kind, conf)
                value = await serialize(record("Delay", DELAY, format), there)
            headers = {name: base64.b64encode(header).decode() for name, header in there.headers}
            value = base64.b64encode(value).decode()
            print(json.dumps({"format": format, "topic": there.topic, "value": value, "headers": headers}))


async def read(kit):
    count = 0
    for line in sys.stdin:
        sent = json.loads(line)
        headers = [(name, base64.b64decode(header)) for name, header in sent["headers"].items()]
        reader = "Delay" if sent["format"] == "protobuf" else None
        format, wanted = ("avro", RAW) if sent["format"] == "bytes" else (sent["format"], DELAY)
        for conf in (None, {"use.latest.version": True}):
            deserialize = await kit.deserializer(format, kit.client(), reader, conf)
            there = context(sent["topic"], headers=headers)
            value = plain(await deserialize(base64.b64decode(sent["value"]), there))
            assert value == wanted, (sent, value)
        count += 1
    print(count)


if __name__ == "__main__":
    asyncio.run({"write": write, "read": read}[sys.argv[1]](Kit(sys.argv[2], asynchronous=False)))
