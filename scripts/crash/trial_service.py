"""The service as BentoML runs it, over real stores and trial checks: what crash and fuzz trials start.

`TRIAL_STATE` names its folder, `TRIAL_PAUSE_S` how long each check takes at most (uniformly random);
with `TRIAL_BROKEN` the worker dies at every start.
"""

import os
import random
import sys
import time
from pathlib import Path

os.environ["BENTOML_DO_NOT_TRACK"] = "True"
os.environ.setdefault("OTEL_SDK_DISABLED", "true")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import bentoml

from idv.domain.evidence import Evidence
from idv.service import supervisor
from idv.service.late import LateApp, ProbesFirst

PUBLIC = LateApp()


@bentoml.asgi_app(PUBLIC, path="/")
@bentoml.service(
    name="trial",
    workers=1,
    traffic={"timeout": 300.0},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": [".*"]},
)
class Trial:
    """Everything real but the models."""

    def __init__(self) -> None:
        import secrets  # noqa: PLC0415 - the supervisor needs none of this

        from idv.domain.stores import Scope  # noqa: PLC0415
        from idv.infra.clock import SystemClock  # noqa: PLC0415
        from idv.infra.storage.keyring import open_keyring  # noqa: PLC0415
        from idv.infra.storage.stores import open_stores  # noqa: PLC0415
        from idv.infra.telemetry.log import configure  # noqa: PLC0415
        from idv.policies.onboarding import ONBOARDING  # noqa: PLC0415
        from idv.service.app import create_app  # noqa: PLC0415
        from idv.service.trial import trial_application  # noqa: PLC0415
        from idv.settings import Settings  # noqa: PLC0415
        from idv.workflow.verification import Limits  # noqa: PLC0415

        configure("info")
        supervisor.note_start(os.environ, now=time.monotonic(), parent=os.getppid())
        if os.environ.get("TRIAL_BROKEN"):
            sys.exit("broken on purpose")
        state = Path(os.environ["TRIAL_STATE"])
        clock = SystemClock()
        stores = open_stores(
            f"sqlite:///{state / 'idv.db'}",
            keyring=open_keyring(state / "keyring.json"),
            clock=clock,
            instance=f"trial/{os.getpid()}",
        )
        stores.upkeep.release_abandoned()
        if not stores.keys.list("trial"):
            _, secret = stores.keys.issue("trial", frozenset(Scope), expires_at=None)
            (state / "key").write_text(secret)
        settings = Settings(insecure=True, data_dir=state, worker_threads=2, queue_length=8)
        PUBLIC.app = create_app(
            trial_application(
                settings=settings,
                clock=clock,
                stores=stores,
                rules=ONBOARDING,
                new_id=lambda kind: f"{kind}_{secrets.token_hex(12)}",
                limits=Limits(attempts=1_000_000),
                pause=_pause,
            )
        )


Trial.add_asgi_middleware(ProbesFirst, public=PUBLIC)  # type: ignore[attr-defined] # bentoml's decorator types


def _pause(_: Evidence) -> None:
    time.sleep(random.uniform(0, float(os.environ.get("TRIAL_PAUSE_S", "0"))))
