import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.probe import Deviation
from serving.server.metrics import MAX_NAMES, Metrics

PREFIX = ":tensorflow:serving:"


def samples(metrics):
    """Read the page with Prometheus's parser, which puts `_total` behind every counter: `{(name, labels): value}`."""
    families = text_string_to_metric_families(metrics.page().decode())
    return {
        (sample.name.removesuffix("_total"), tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_names_labels_and_microseconds_are_those_of_tf_serving():
    metrics = Metrics()
    for seconds in (0.000005, 0.000012, 0.25):
        metrics.request(model="fcn", api="Predict", entrypoint="REST", code="OK", seconds=seconds)
    metrics.request(model="fcn", api="Predict", entrypoint="GRPC", code="NOT_FOUND", seconds=1.0)
    metrics.runtime(model="fcn", seconds=0.5)
    values = samples(metrics)
    assert values[PREFIX + "request_count", (("model_name", "fcn"), ("status", "OK"))] == 3
    assert values[PREFIX + "request_count", (("model_name", "fcn"), ("status", "NOT_FOUND"))] == 1
    labels = (("API", "Predict"), ("entrypoint", "REST"), ("model_name", "fcn"))
    assert values[PREFIX + "request_latency_count", labels] == 3
    assert values[PREFIX + "request_latency_sum", labels] == pytest.approx(250_017)
    runtime = (("API", "Predict"), ("model_name", "fcn"), ("runtime", "TF1"))
    assert values[PREFIX + "runtime_latency_sum", runtime] == pytest.approx(500_000)
    assert not any(("entrypoint", "GRPC") in labels for _, labels in values)  # a failure has no latency
    assert {name for name, _ in values} == {
        PREFIX + "request_count",
        *(PREFIX + f"{name}_latency_{part}" for name in ("request", "runtime") for part in ("bucket", "sum", "count")),
    }


def test_buckets_grow_by_1_8_from_10_microseconds():
    metrics = Metrics()
    for seconds in (0.000005, 0.000012, 0.25):
        metrics.request(model="fcn", api="Predict", entrypoint="REST", code="OK", seconds=seconds)
    buckets = {dict(labels)["le"]: value for (name, labels), value in samples(metrics).items() if "bucket" in name}
    assert len(buckets) == 34
    assert buckets["10.0"] == 1
    assert buckets["18.0"] == 2
    assert buckets["32.4"] == 2
    assert buckets["+Inf"] == 3
    # By hand: 10 * 1.8**17 = 218_591 < 250_000 < 10 * 1.8**18 = 393_464.
    edges = sorted(float(edge) for edge, value in buckets.items() if value == 3)
    assert edges[0] == pytest.approx(393_464, rel=1e-5)
    assert edges[-2] == pytest.approx(10 * 1.8**32, rel=1e-5)


def test_lines_are_those_of_tf_serving():
    metrics = Metrics()
    metrics.request(model="fcn", api="Predict", entrypoint="REST", code="INVALID_ARGUMENT", seconds=0)
    assert [line for line in metrics.page().decode().splitlines() if not line.startswith("# HELP")] == [
        f"# TYPE {PREFIX}request_count counter",
        PREFIX + 'request_count{model_name="fcn",status="INVALID_ARGUMENT"} 1.0',
        f"# TYPE {PREFIX}request_latency histogram",
        f"# TYPE {PREFIX}runtime_latency histogram",
    ]


def test_probes_are_gauges_of_the_versions_that_have_one():
    found = [("fcn", 2, Deviation(0.002, 0.75), False), ("fcn", 1, Deviation(1e-6, 1.0), True)]
    values = samples(Metrics(lambda: found))
    labels = [(("model_name", "fcn"), ("version", version)) for version in "21"]
    assert values == {
        ("fcn_probe_score_difference", labels[0]): 0.002,
        ("fcn_probe_score_difference", labels[1]): 1e-6,
        ("fcn_probe_label_agreement", labels[0]): 0.75,
        ("fcn_probe_label_agreement", labels[1]): 1.0,
        ("fcn_probe_within_tolerance", labels[0]): 0.0,
        ("fcn_probe_within_tolerance", labels[1]): 1.0,
    }
    found.clear()  # unloaded
    assert samples(Metrics(lambda: found)) == {}


def test_two_servers_in_one_process_do_not_share():
    one, other = Metrics(), Metrics()
    one.request(model="a", api="Predict", entrypoint="REST", code="OK", seconds=0)
    assert samples(other) == {}


def test_names_from_clients_are_escaped_and_bounded():
    metrics = Metrics()
    odd = 'a"b\\c\nd'
    metrics.request(model=odd, api="Predict", entrypoint="REST", code="NOT_FOUND", seconds=0)
    metrics.request(model="x" * 100_000, api="Predict", entrypoint="REST", code="NOT_FOUND", seconds=0)
    for number in range(MAX_NAMES + 5):
        metrics.request(model=f"m{number}", api="Predict", entrypoint="REST", code="NOT_FOUND", seconds=0)
    counts = {dict(labels)["model_name"]: value for (_, labels), value in samples(metrics).items()}
    assert counts[odd] == 1
    assert counts["m0"] == 1
    assert counts[""] == 1 + 6  # the long one, and those past the thousand
    assert len(counts) == MAX_NAMES + 1


def test_threads_lose_no_count():
    metrics = Metrics()

    def count():
        for _ in range(500):
            metrics.request(model="a", api="Predict", entrypoint="GRPC", code="OK", seconds=0.001)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert samples(metrics)[PREFIX + "request_count", (("model_name", "a"), ("status", "OK"))] == 2000
