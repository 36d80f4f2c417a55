"""The BentoML service: BentoML owns processes and packaging, the mounted application owns every route.

BentoML's own metrics and access log are off: they take the request's path as a label and a message, and a
path holds identifiers. Its timeout is out of the way, since it would free a slot whose thread runs on.

    bentoml serve idv.service.bento:Service --host 127.0.0.1 --port 3000 --api-workers 1
"""

import os

os.environ["BENTOML_DO_NOT_TRACK"] = "True"
# BentoML wraps every piece of every body in a span (a fifth of the cost of a request) that names the path,
# query included. Who wants traces sets this to "false" and an exporter, and knows that.
os.environ.setdefault("OTEL_SDK_DISABLED", "true")

import bentoml

from idv.infra.telemetry.log import configure, logger
from idv.service.late import LateApp

_log = logger(__name__)
_NEVER_S = 86_400.0


PUBLIC = LateApp()


@bentoml.asgi_app(PUBLIC, path="/")
@bentoml.service(
    name="idv",
    workers=1,
    traffic={"timeout": _NEVER_S},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)
class Service:
    """One worker process: builds the application, serves it, closes it."""

    def __init__(self) -> None:
        # Imported here so that the supervisor process stays small.
        from idv import settings  # noqa: PLC0415
        from idv.bootstrap import build  # noqa: PLC0415
        from idv.service.app import create_app  # noqa: PLC0415
        from idv.service.delivery import DeliveryThread  # noqa: PLC0415

        values = settings.load()
        configure(values.log_level)
        self._application = build(values)
        self._app = create_app(self._application)
        PUBLIC.app = self._app
        self._delivery = DeliveryThread(self._application.dispatcher.run_once) if values.webhook_url else None
        _log.info("service_ready", pid=os.getpid(), component="worker")

    def __is_ready__(self) -> bool:
        """For BentoML's /readyz."""
        return self._application.ready()

    @bentoml.on_shutdown  # type: ignore[untyped-decorator] # bentoml publishes no types
    def close(self) -> None:
        """Finish what runs, then close everything."""
        if self._delivery:
            self._delivery.close()
        self._app.state.desk.close()
        self._application.close()
