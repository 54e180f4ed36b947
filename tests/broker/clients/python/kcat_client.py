"""kcat, which has no administration: topics are made, and what it committed is looked at, with confluent-kafka."""

import json
import re
import signal
import subprocess
import sys
import threading

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from suite import PATIENCE_S, Record, run


class Member:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.count = 0
        self.lines = threading.Thread(target=self.watch, daemon=True)
        self.lines.start()

    def watch(self):
        for line in self.process.stderr:
            if "assigned:" in line:
                self.count = len(re.findall(r"\[\d+\]", line.split("assigned:")[1]))
            elif "revoked:" in line:
                self.count = 0

    def poll(self):
        self.lines.join(0.02)

    def held(self):
        return self.count

    def close(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_S)


class Kcat:
    codecs = ("gzip", "snappy", "lz4", "zstd")
    protocols = ("classic",)

    def __init__(self, bootstrap):
        self.command = ["kcat", "-b", bootstrap, "-X", "fetch.wait.max.ms=50"]
        self.admin = AdminClient({"bootstrap.servers": bootstrap})

    def close(self):
        pass

    def create(self, topic, partitions, config):
        for future in self.admin.create_topics([NewTopic(topic, partitions, 1)]).values():
            future.result(PATIENCE_S)

    def call(self, *args, said=b""):
        done = subprocess.run([*self.command, *args], input=said, capture_output=True, timeout=PATIENCE_S)
        if done.returncode:
            raise AssertionError(f"{args}: {done.stderr.decode()}")
        return done.stdout.decode()

    def produce(self, topic, records, codec):
        for headers in {record.headers for record in records}:
            for keyed in (True, False):
                some = [one for one in records if one.headers == headers and (one.key is not None) == keyed]
                lines = [(one.key + b"\t" if keyed else b"") + (one.value or b"") for one in some]
                given = [f"-H{name}={value.decode()}" for name, value in headers]
                options = ["-P", "-t", topic, "-Z", "-z", codec or "none", *(["-K\t"] if keyed else []), *given]
                if lines:
                    self.call(*options, said=b"\n".join(lines))

    def records(self, text):
        for line in text.splitlines():
            one = json.loads(line)
            names = one.get("headers", [])
            headers = tuple((name, value.encode()) for name, value in zip(names[::2], names[1::2]))
            bytes_ = [None if one[part] is None else one[part].encode() for part in ("key", "payload")]
            yield Record(*bytes_, headers, one["partition"], one["offset"])

    def read(self, topic, partitions, count):
        return list(self.records(self.call("-C", "-q", "-J", "-t", topic, "-o", "beginning", "-c", str(count))))

    def seek(self, topic, offsets):
        read = (self.call("-C", "-q", "-J", "-t", topic, "-p", "0", "-o", str(offset), "-c", "1") for offset in offsets)
        return [record.offset for text in read for record in self.records(text)]

    def member(self, group, topic, protocol):
        return Member([*self.command, "-X", "heartbeat.interval.ms=100", "-G", group, topic])

    def read_in_group(self, group, topic, count, commits):
        commits = f"enable.auto.commit={str(commits).lower()}"
        options = ["-q", "-J", "-c", str(count), "-X", "auto.offset.reset=earliest", "-X", commits]
        return list(self.records(self.call(*options, "-G", group, topic)))

    def committed(self, group, topic):
        asked = [ConsumerGroupTopicPartitions(group, [TopicPartition(topic, partition) for partition in range(2)])]
        found = [future.result(PATIENCE_S) for future in self.admin.list_consumer_group_offsets(asked).values()][0]
        return sum(max(one.offset, 0) for one in found.topic_partitions)

    def metadata(self, topic):
        return len(json.loads(self.call("-L", "-J", "-t", topic))["topics"][0]["partitions"])

    def offset_at(self, topic, partition, time):
        found = re.search(r"offset (-?\d+)", self.call("-Q", "-t", f"{topic}:{partition}:{time}"))
        return int(found.group(1))


if sys.argv[1:] == ["--version"]:
    print(re.search(r"Version (\S+)", subprocess.run(["kcat", "-V"], capture_output=True, text=True, check=True).stdout).group(1))
else:
    run(Kcat)
