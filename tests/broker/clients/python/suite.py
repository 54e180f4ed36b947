"""What each client for Python does with a broker, step by step; a line of JSON says how each step ended.

A client is a class with the methods that are called here. A step whose method it lacks is left out.
"""

import json
import sys
import time
from dataclasses import dataclass, field

# No step takes so long that ends at all.
PATIENCE_S = 60


@dataclass(frozen=True)
class Record:
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple = ()
    partition: int = field(default=-1, compare=False)
    offset: int = field(default=-1, compare=False)


# Keys twice, a header twice, a record without key and one without value.
RECORDS = [Record(b"k%d" % (i % 5), b"v%d" % i) for i in range(10)] + [
    Record(None, b"no key", (("h", b"1"), ("h", b"2"), ("empty", b""))),
    Record(b"no value", None),
]
COMPRESSIBLE = [Record(None, b"%d compressible " % i * 100) for i in range(5)]


def same(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what} is {found!r} instead of {expected!r}")


def same_records(read, written):
    same("what was read", sorted(read, key=repr_of), sorted(written, key=repr_of))
    places = {}
    for record in read:
        if record.key is not None:
            same(f"partition of {record.key}", record.partition, places.setdefault(record.key, record.partition))


def repr_of(record):
    return repr((record.key, record.value))


def wait(what, expected, ask):
    """Asks until the answer is as expected: what a broker answers may take effect a moment later."""
    deadline = time.monotonic() + PATIENCE_S
    while (found := ask()) != expected:
        if time.monotonic() > deadline:
            same(what, found, expected)


class Suite:
    def __init__(self, client, prefix):
        self.client = client
        self.prefix = prefix
        self.topic = self.name("records")
        self.group = self.name("readers")
        self.failed = False

    def name(self, what):
        return f"{self.prefix}-{what}"

    def run(self):
        if not hasattr(self.client, "config"):
            self.client.create(self.topic, 2, {})
        for name, step, needs in self.steps():
            if all(hasattr(self.client, need) for need in needs):
                self.step(name, step)
        self.client.close()
        sys.exit(self.failed)

    def step(self, name, do):
        begin = time.monotonic()
        said = {"step": name, "ok": True}
        try:
            do()
        except Exception as error:  # whatever a client raises is how the step ended
            self.failed = True
            said = {"step": name, "ok": False, "error": f"{type(error).__name__}: {error}"}
        said["ms"] = round((time.monotonic() - begin) * 1000)
        print(json.dumps(said), flush=True)

    def steps(self):
        yield "create_topic", self.create_topic, ["config"]
        yield "describe_config", self.describe_config, ["config"]
        yield "alter_config", self.alter_config, ["alter"]
        yield "records", self.records, []
        for codec in self.client.codecs:
            yield codec, lambda codec=codec: self.compressed(codec), []
        yield "rebalance", lambda: self.rebalance(self.name("shared"), "classic"), []
        if "consumer" in self.client.protocols:
            yield "rebalance_consumer", lambda: self.rebalance(self.name("next"), "consumer"), []
        yield "commit", self.commit, []
        yield "resume", self.resume, []
        yield "seek", self.seek, []
        yield "metadata", self.metadata, ["metadata"]
        yield "timestamps", self.timestamps, ["offset_at"]
        yield "txn_commit", self.txn_commit, ["transaction"]
        yield "txn_abort", self.txn_abort, ["transaction"]
        yield "txn_offsets", self.txn_offsets, ["transaction"]
        yield "groups", self.groups, ["describe"]
        yield "lag", self.lag, ["end"]
        yield "delete_records", self.delete_records, ["delete_records"]
        yield "delete_group", lambda: self.client.delete_group(self.group), ["delete_group"]
        yield "delete_topic", self.delete_topic, ["delete_topic"]

    def create_topic(self):
        self.client.create(self.topic, 2, {"max.message.bytes": "100000"})
        try:
            self.client.create(self.topic, 2, {})
        except Exception as error:
            if "exists" not in f"{type(error).__name__} {error}".lower():
                raise
        else:
            raise AssertionError("created twice")

    def describe_config(self):
        same("max.message.bytes", self.client.config(self.topic, "max.message.bytes"), "100000")
        same("partitions", self.client.partitions(self.topic), 2)

    def alter_config(self):
        self.client.alter(self.topic, "retention.ms", "123456789")
        wait("retention.ms", "123456789", lambda: self.client.config(self.topic, "retention.ms"))

    def records(self):
        self.client.produce(self.topic, RECORDS, None)
        same_records(self.client.read(self.topic, 2, len(RECORDS)), RECORDS)

    def compressed(self, codec):
        topic = self.name(codec)
        self.client.create(topic, 1, {})
        self.client.produce(topic, COMPRESSIBLE, codec)
        same_records(self.client.read(topic, 1, len(COMPRESSIBLE)), COMPRESSIBLE)

    def rebalance(self, group, protocol):
        def holding(*members):
            for member in members:
                member.poll()
            return [member.held() for member in members]

        stays = self.client.member(group, self.topic, protocol)
        wait("partitions of one member", [2], lambda: holding(stays))
        leaves = self.client.member(group, self.topic, protocol)
        wait("partitions of two members", [1, 1], lambda: holding(stays, leaves))
        leaves.close()
        wait("partitions of the member that stays", [2], lambda: holding(stays))
        stays.close()

    def commit(self):
        same_records(self.client.read_in_group(self.group, self.topic, len(RECORDS), True), RECORDS)
        same("committed", self.client.committed(self.group, self.topic), len(RECORDS))

    def resume(self):
        later = [Record(None, b"later")]
        self.client.produce(self.topic, later, None)
        same_records(self.client.read_in_group(self.group, self.topic, 1, False), later)

    def seek(self):
        same("offsets", self.client.seek(self.topic, [1, 0]), [1, 0])

    def metadata(self):
        same("partitions", self.client.metadata(self.topic), 2)

    def timestamps(self):
        same("first offset since 1970", self.client.offset_at(self.topic, 0, 1), 0)

    def sees(self, committed, *values):
        read = self.client.read(self.name("txn"), 1, len(values), committed)
        same("values", [record.value for record in read], list(values))

    def txn_commit(self):
        self.client.create(self.name("txn"), 1, {})
        self.client.transaction(self.name("txn"), self.name("txn"), [b"committed"], True)
        self.sees(True, b"committed")

    def txn_abort(self):
        self.client.transaction(self.name("txn"), self.name("txn"), [b"aborted"], False)
        self.client.transaction(self.name("txn"), self.name("txn"), [b"last"], True)
        self.sees(True, b"committed", b"last")
        self.sees(False, b"committed", b"aborted", b"last")

    def txn_offsets(self):
        for offset, commits in [(0, False), (3, True)]:
            offsets = (self.name("etl"), self.topic, 3)
            self.client.transaction(self.name("etl"), self.name("txn"), [b"moved"], commits, offsets)
            wait("committed", offset, lambda: self.client.committed(self.name("etl"), self.topic))

    def groups(self):
        listed = self.client.groups()
        if self.group not in listed:
            raise AssertionError(f"{self.group} is not in {listed}")
        member = self.client.member(self.group, self.topic, "classic")

        def held():
            member.poll()
            return member.held()

        wait("partitions", 2, held)
        same("state and members", self.client.describe(self.group), ("STABLE", 1))
        member.close()

    def lag(self):
        same("lag", self.client.end(self.topic) - self.client.committed(self.group, self.topic), 1)

    def delete_records(self):
        self.client.delete_records(self.topic, 0, 1)
        same("start", self.client.start(self.topic, 0), 1)

    def delete_topic(self):
        self.client.delete_topic(self.topic)
        wait("whether the topic is there", False, lambda: self.topic in self.client.topics())


def run(client):
    """`python CLIENT.py BOOTSTRAP PREFIX`"""
    Suite(client(sys.argv[1]), sys.argv[2]).run()
