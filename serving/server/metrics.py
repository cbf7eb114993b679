"""Counts and latencies under TF Serving's own names, and what probes found, for Prometheus."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily

# Microseconds: TF Serving's `Buckets::Exponential(10, 1.8, 33)`, up to about 20 minutes.
BUCKETS = [float(f"{10 * 1.8**step:.6g}") for step in range(33)]
MAX_NAMES = 1000  # of models, whoever asks: a client that tries names must not fill the memory
COUNT = ":tensorflow:serving:request_count"


class Metrics:
    """Collect what TF Serving collects, in a registry of its own; and how alike the versions answer to their probes.

    Args:
        probed: `ModelManager.probed`.
    """

    def __init__(self, probed=tuple):
        self._probed = probed
        self._names = set()
        self._requests = Counter(COUNT, "Requests by model and status.", ["model_name", "status"], registry=None)
        self._latency = Histogram(
            ":tensorflow:serving:request_latency",
            "Wall time of answered requests in microseconds.",
            ["model_name", "API", "entrypoint"],
            buckets=BUCKETS,
            registry=None,
        )
        self._runtime = Histogram(
            ":tensorflow:serving:runtime_latency",
            "Wall time of TensorFlow's part in microseconds.",
            ["model_name", "API", "runtime"],
            buckets=BUCKETS,
            registry=None,
        )
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def request(self, *, model, api, entrypoint, code, seconds):
        """Count a request; as in TF Serving, only an `"OK"` one has a latency.

        Args:
            model: the name that the client asked for.
            api: `"Predict"`, `"Classify"` or `"Regress"`.
            entrypoint: `"REST"` or `"GRPC"`.
            code: name of the gRPC status code.
            seconds: from the request's arrival to its answer.
        """
        model = self._bounded(model)
        self._requests.labels(model, code).inc()
        if code == "OK":
            self._latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def run(self, servable, signature, inputs, outputs, *seconds):
        """Call TensorFlow, and count the call: `Servable.run`."""
        started = time.monotonic()
        try:
            return servable.run(signature, inputs, outputs, *seconds)
        finally:
            self.runtime(model=servable.name, seconds=time.monotonic() - started)

    def runtime(self, *, model, seconds):
        """Count one call of TensorFlow."""
        self._runtime.labels(self._bounded(model), "Predict", "TF1").observe(seconds * 1e6)  # sic: also of TF2's models

    def page(self):
        """Write the text exposition.

        Returns:
            bytes, as `text/plain; version=0.0.4`.
        """
        return generate_latest(self._registry).replace(f"{COUNT}_total".encode(), COUNT.encode())

    def collect(self):
        """Yield the metrics without the time stamps that TF Serving does not have (called by the registry)."""
        for metric in (self._requests, self._latency, self._runtime):
            for family in metric.collect():
                family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
                yield family
        yield from _of_probes(self._probed())

    def _bounded(self, name):
        if name not in self._names:
            if len(self._names) >= MAX_NAMES or len(name) > 200:
                return ""
            self._names.add(name)
        return name


def _of_probes(probed):
    """Make a gauge of each thing that probes found, of the versions that have one."""
    families = [
        GaugeMetricFamily(f"fcn_probe_{name}", told, labels=["model_name", "version"])
        for name, told in (
            ("score_difference", "Largest difference of a score from the export's, as a share of the largest score."),
            ("label_agreement", "Share of the labels that are those of the export."),
            ("within_tolerance", "1 if both are within what the export allows, 0 if not."),
        )
    ]
    for model, version, found, alike in probed:
        for family, value in zip(families, (found.difference, found.agreement, float(alike)), strict=True):
            family.add_metric([model, str(version)], value)
    return [family for family in families if family.samples]
