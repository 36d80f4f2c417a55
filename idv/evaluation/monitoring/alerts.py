"""The webhook of a monitor: what moved, in codes and numbers; nothing about any applicant."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from idv.domain.stores import Event
from idv.evaluation.monitoring.drift import EmbeddingDistance, GroupDrift
from idv.evaluation.monitoring.sequence import Rang

ALERT = "monitor.alert"
EVERYBODY = "*"
"""The tenant of an alert about all tenants' traffic."""


def alert(
    event_id: str,
    *,
    tenant: str | None,
    reference: str,
    drifted: Sequence[GroupDrift],
    rang: Sequence[Rang],
    now: dt.datetime,
) -> Event:
    """An event for whoever receives webhooks; `drifted` and `rang` are what is new."""
    body = {
        "id": event_id,
        "type": ALERT,
        "created_at": now.isoformat(),
        "reference": reference,
        "drift": [drift_body(group) for group in drifted],
        "sequential": [rang_body(alarm) for alarm in rang],
    }
    return Event(event_id, tenant or EVERYBODY, ALERT, json.dumps(body, separators=(",", ":")).encode(), now)


def drift_body(group: GroupDrift) -> dict[str, Any]:
    """A group as JSON; intervals as pairs."""
    return {
        "check": group.check,
        "provider": group.provider,
        "country": group.country,
        "live": group.live,
        "reference": group.reference,
        "same_models": group.same_models,
        "judged": group.judged,
        "score_psi": group.score_psi,
        "score_ks": group.score_ks,
        "ks_p": group.ks_p,
        "outcome_psi": group.outcome_psi,
        "reason_psi": group.reason_psi,
        "inconclusive_share": group.inconclusive_share,
        "inconclusive": [[end.low, end.high] for end in group.inconclusive] if group.inconclusive else None,
        "novelty_share": group.novelty_share,
        "novelty": [group.novelty.low, group.novelty.high] if group.novelty else None,
        "embedding_distances": [_distance_body(side) for side in group.embedding_distances],
        "signals": {
            drift.signal: {
                "live": drift.live,
                "reference": drift.reference,
                "psi": drift.psi,
                "moved": drift.moved,
            }
            for drift in group.signals
        },
        "labelled": [
            {
                "truth": errors.truth,
                "wrong": errors.wrong,
                "total": errors.total,
                "interval": [errors.interval.low, errors.interval.high],
            }
            for errors in group.labelled
        ],
        "alarms": list(group.alarms),
    }


def _distance_body(side: EmbeddingDistance) -> dict[str, Any]:
    return {
        "signal": side.signal,
        "faces": side.faces,
        "limit": side.limit,
        "share": side.share,
        "interval": [side.interval.low, side.interval.high],
        "reference": [side.own.low, side.own.high],
    }


def rang_body(alarm: Rang) -> dict[str, Any]:
    """An alarm of the sequential test as JSON."""
    return alarm._asdict()
