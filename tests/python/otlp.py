"""Reads what an exporter has sent with OpenTelemetry's own messages, and prints the names that are in it.

Standard input has lists of bodies in base64: {"traces": [..], "metrics": [..]}.
"""

import base64
import json
import sys

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

sent = json.load(sys.stdin)
spans, metrics = [], []
for body in sent["traces"]:
    request = ExportTraceServiceRequest.FromString(base64.b64decode(body))
    for resource in request.resource_spans:
        assert any(it.key == "service.name" and it.value.string_value for it in resource.resource.attributes)
        for scope in resource.scope_spans:
            assert scope.scope.name == "weir"
            for span in scope.spans:
                assert span.start_time_unix_nano <= span.end_time_unix_nano
                assert span.kind != 0, span
                spans.append(span.name)
for body in sent["metrics"]:
    request = ExportMetricsServiceRequest.FromString(base64.b64decode(body))
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                points = getattr(metric, kind).data_points
                assert len(points) > 0, metric
                if kind == "histogram":
                    for point in points:
                        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1, metric
                        assert sum(point.bucket_counts) == point.count, metric
                metrics.append(metric.name)
print(json.dumps({"spans": spans, "metrics": metrics}))
