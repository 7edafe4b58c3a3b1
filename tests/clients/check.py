"""Uses the client that was generated from the API document: python check.py http://127.0.0.1:8000"""

import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from traceability_client import AuthenticatedClient, Client
from traceability_client.api.analytics import get_overview, list_cost_breakdown
from traceability_client.api.health import get_health
from traceability_client.api.me import get_me
from traceability_client.api.reports import get_cost_report
from traceability_client.api.requests import get_request, list_requests
from traceability_client.api.sessions import get_session_messages, list_sessions, search_sessions
from traceability_client.models import (
    Compare,
    CostReport,
    Granularity,
    GroupBy,
    Health,
    Me,
    Outcome,
    Overview,
    Problem,
    ReportPeriod,
    RequestDetail,
    SessionFilters,
    SessionSort,
    SortOrder,
)
from traceability_client.types import UNSET, Response, Unset

T = TypeVar("T")


def pages(page: Callable[[str | Unset], Response[Any | Problem | list[T]]]) -> Iterator[T]:
    """All rows of a list, page by page."""
    cursor: str | Unset = UNSET
    while True:
        answer = page(cursor)
        assert isinstance(answer.parsed, list), answer.content
        yield from answer.parsed
        if "X-Next-Cursor" not in answer.headers:
            return
        cursor = answer.headers["X-Next-Cursor"]


def check(address: str) -> str:
    # The sample asks for no token; the endpoints over the log are generated for callers with one.
    client = AuthenticatedClient(base_url=address, token="unused")

    by_cost = lambda cursor: list_sessions.sync_detailed(
        client=client, limit=200, sort=SessionSort.COST, order=SortOrder.ASC, cursor=cursor
    )
    sessions = list(pages(by_cost))
    ids = {session.session_id for session in sessions}
    assert len(sessions) > 400 and len(ids) == len(sessions), len(sessions)

    by_body = lambda cursor: search_sessions.sync_detailed(
        client=client, body=SessionFilters(), limit=200, cursor=cursor
    )
    assert {session.session_id for session in pages(by_body)} == ids

    failed = lambda cursor: list_requests.sync_detailed(
        client=client, limit=1000, status=Outcome.FAILURE, cursor=cursor
    )
    requests = list(pages(failed))
    assert len(requests) > 10 and all(request.status == "failure" for request in requests)

    longest = max(sessions, key=lambda session: session.total_messages)
    turn = lambda cursor: get_session_messages.sync_detailed(longest.session_id, client=client, limit=10, cursor=cursor)
    turns = list(pages(turn))
    assert len(turns) == longest.total_messages
    assert next(message.role for turn in turns for message in turn.messages)

    overview = get_overview.sync(client=client, compare=Compare.PREVIOUS)
    assert isinstance(overview, Overview), overview
    shares = list_cost_breakdown.sync(client=client, group_by=[GroupBy.PROVIDER], granularity=Granularity.WEEK)
    assert isinstance(shares, list) and len(shares) > 1, shares

    detail = get_request.sync(requests[0].request_id, client=client)
    assert isinstance(detail, RequestDetail) and detail.status == "failure", detail
    report = get_cost_report.sync(client=client, period=ReportPeriod.MONTH)
    assert isinstance(report, CostReport), report
    assert isinstance(get_me.sync(client=client), Me)
    assert isinstance(get_health.sync(client=Client(base_url=address)), Health)

    refused = get_request.sync("no such", client=client)
    assert isinstance(refused, Problem) and refused.status == 404, refused
    return f"Python: {len(sessions)} sessions, {len(requests)} failed requests, {len(turns)} turns"


if __name__ == "__main__":
    print(check(sys.argv[1]))
