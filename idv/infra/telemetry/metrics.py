"""Prometheus metrics; every label value comes from a closed vocabulary, so no identifier can become one.

With several worker processes BentoML sets `PROMETHEUS_MULTIPROC_DIR`; then all of them are summed up.
"""

import os
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from idv.domain.decisions import Decision
from idv.domain.results import CheckResult

CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"
"""Stands for every label value outside its vocabulary."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_STAGES = frozenset({"authenticate", "upload", "queue", "work"})
_PERCEIVED = frozenset({"decode", "document", "portrait", "faces", "subject", "template", "read"})
_REJECTIONS = frozenset({"capacity", "attempts", "deadline", "storage"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The counters and histograms of one process.

    `providers` is the vocabulary of that label; the routes are made known once they exist.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        providers: Iterable[str] = (),
    ) -> None:
        self._registry = registry or CollectorRegistry()
        self._providers = frozenset(providers)
        self._routes: frozenset[str] = frozenset()
        self._requests = Counter(
            "idv_requests", "Requests answered.", ["method", "route", "status"], registry=self._registry
        )
        self._request_seconds = Histogram(
            "idv_request_seconds",
            "Time to answer a request.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._decisions = Counter("idv_decisions", "Decisions made.", ["decision"], registry=self._registry)
        self._checks = Counter(
            "idv_checks", "Checks by outcome.", ["check", "outcome", "provider"], registry=self._registry
        )
        self._check_seconds = Histogram(
            "idv_check_seconds", "Time a check took.", ["check"], buckets=_SECONDS, registry=self._registry
        )
        self._stage_seconds = Histogram(
            "idv_stage_seconds",
            "Time by stage of a request.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._perception_seconds = Histogram(
            "idv_perception_seconds",
            "Time by stage of looking at the evidence of one request.",
            ["stage"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._rejections = Counter(
            "idv_rejections", "Requests turned away although valid.", ["kind"], registry=self._registry
        )
        self._admitted = Gauge(
            "idv_admitted",
            "Pieces of work admitted and not ended: waiting, running, or abandoned but still running.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )

    def know_routes(self, templates: Iterable[str]) -> None:
        """The vocabulary of the label `route`."""
        self._routes = frozenset(templates)

    def request(self, *, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request answered; `route` is the template, never the path."""
        known = _known(route, self._routes)
        self._requests.labels(_known(method, _METHODS), known, str(status)).inc()
        self._request_seconds.labels(known).observe(seconds)

    def decision(self, decision: Decision) -> None:
        """Count a decision."""
        self._decisions.labels(decision.value).inc()

    def check(self, result: CheckResult) -> None:
        """Count a check's result and its time."""
        provider = _known(result.provider, self._providers)
        self._checks.labels(result.name.value, result.outcome.value, provider).inc()
        self._check_seconds.labels(result.name.value).observe(result.latency_ms / 1000)

    def stage(self, stage: str, seconds: float) -> None:
        """Note the time of one stage: authenticate, upload, queue or work."""
        self._stage_seconds.labels(_known(stage, _STAGES)).observe(seconds)

    def perceived(self, stage_ms: Mapping[str, float]) -> None:
        """Note the time of each stage of perception, in ms."""
        for stage, spent_ms in stage_ms.items():
            self._perception_seconds.labels(_known(stage, _PERCEIVED)).observe(spent_ms / 1000)

    def rejected(self, kind: str) -> None:
        """Count a valid request turned away: capacity, attempts, deadline or storage."""
        self._rejections.labels(_known(kind, _REJECTIONS)).inc()

    def admitted(self, change: int) -> None:
        """Work admitted (+1) or ended (-1)."""
        self._admitted.inc(change)

    def render(self) -> bytes:
        """All metrics in the text format of Prometheus, summed over the worker processes if there are any."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self._registry)
        everything = CollectorRegistry()
        MultiProcessCollector(everything)  # type: ignore[no-untyped-call] # the library's own gap
        return generate_latest(everything)


def _known(value: str, vocabulary: frozenset[str]) -> str:
    return value if value in vocabulary else OTHER
