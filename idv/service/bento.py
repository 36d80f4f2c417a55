"""The BentoML service: BentoML owns processes and packaging, the mounted application owns every route.

BentoML's own metrics and access log are off: they take the request's path as a label and a message, and a
path holds identifiers. Its timeout lies beyond ours, since it frees a slot whose thread runs on; it cannot be
turned off, and every request leaves a timer behind until then, so it does not lie far beyond.

    bentoml serve idv.service.bento:Service --host 127.0.0.1 --port 3000 --api-workers 1
"""

import os
import time

os.environ["BENTOML_DO_NOT_TRACK"] = "True"
# BentoML wraps every piece of every message in a span that names the path, query included; without them an
# empty request costs 0.8 ms of CPU instead of 1.9. Who wants traces sets this to "false", and knows that.
os.environ.setdefault("OTEL_SDK_DISABLED", "true")

import bentoml

from idv.infra.telemetry.log import configure, logger
from idv.service import supervisor
from idv.service.late import LateApp, ProbesFirst

_log = logger(__name__)
_BENTOML_TIMEOUT_S = 300.0  # IDV_DEADLINE_S is 240 at most
_RETENTION_S = 3600.0
_TRACED = os.environ["OTEL_SDK_DISABLED"].lower() != "true"


PUBLIC = LateApp()


@bentoml.asgi_app(PUBLIC, path="/")
@bentoml.service(
    name="idv",
    workers=1,
    traffic={"timeout": _BENTOML_TIMEOUT_S},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": [] if _TRACED else [".*"]},
)
class Service:
    """One worker process: builds the application, serves it, closes it."""

    def __init__(self) -> None:
        supervisor.note_start(os.environ, now=time.monotonic(), parent=os.getppid())
        # Imported here so that the supervisor process stays small.
        from idv import settings  # noqa: PLC0415
        from idv.bootstrap import build  # noqa: PLC0415
        from idv.service.app import create_app  # noqa: PLC0415
        from idv.service.rounds import RoundsThread  # noqa: PLC0415

        values = settings.load()
        configure(values.log_level)
        self._application = build(values)
        self._app = create_app(self._application)
        PUBLIC.app = self._app
        self._rounds = [RoundsThread(self._application.retention.run_once, interval_s=_RETENTION_S)]
        if values.webhook_url:
            self._rounds.append(RoundsThread(self._application.dispatcher.run_once))
        _log.info("service_ready", pid=os.getpid(), component="worker")

    @bentoml.on_shutdown  # type: ignore[untyped-decorator] # bentoml publishes no types
    def close(self) -> None:
        """Finish what runs, then close everything."""
        for rounds in self._rounds:
            rounds.close()
        self._app.state.desk.close()
        self._application.close()


Service.add_asgi_middleware(ProbesFirst, public=PUBLIC)  # type: ignore[attr-defined] # bentoml's decorator types
