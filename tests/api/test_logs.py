"""The log through the management API."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from api.conftest import House, Person
from openopen8.core.clock import DAY, HOUR, to_rfc3339
from openopen8.core.models import LogEntry, TokenCounter
from openopen8.core.services import charts, logs, overview, tokens
from openopen8.core.services.duty import Duty
from openopen8.core.services.ledger import audit, entries
from openopen8.core.services.ledger.statements import LOG_SUPPRESS
from openopen8.core.services.log_choices import log_choices
from openopen8.core.services.log_digest import DUTY, Digest, catch_up
from tests.conftest import START


def wrote(house: House, person: Person, **fields: Any) -> int:
    """One entry of a request, straight into the table."""
    values = {"time": house.tools.now(), "user_id": person.actor.user_id, "model": "m", "status": 200}
    with house.tools.db.write() as session:
        entry = LogEntry(**{"endpoint": "chat", **values, **fields})
        session.add(entry)
        session.flush()
        return entry.id or 0


def requests(person: Person, **query: Any) -> list[int]:
    page = person.get("/logs", kind="request", **query)
    assert page.status_code == 200, page.text
    return [x["id"] for x in page.json()["items"]]


def test_an_entry_tells_what_the_contract_names(house: House) -> None:
    channel, (token, _) = house.world.channel(name="upstream"), house.world.token(house.ann.actor, name="app")
    id = wrote(
        house,
        house.ann,
        token_id=token,
        channel_id=channel,
        group_id=1,
        request_id="req_1",
        upstream_model="vendor/m",
        stream=True,
        input_tokens=10,
        output_tokens=5,
        cached_tokens=4,
        reasoning_tokens=2,
        credits=125,
        receipt={"credits": 125, "lines": []},
        latency_ms=70,
        first_token_ms=7,
        retries=1,
        address="192.0.2.7",
        details={"raw": 1},
    )
    expected = {
        "id": id,
        "time": to_rfc3339(house.tools.now()),
        "kind": "request",
        "request_id": "req_1",
        "user_id": house.ann.actor.user_id,
        "user": "ann",
        "token_id": token,
        "token_name": "app",
        "group": "default",
        "model": "m",
        "upstream_model": "vendor/m",
        "endpoint": "chat",
        "stream": True,
        "input_tokens": 10,
        "output_tokens": 5,
        "cached_tokens": 4,
        "reasoning_tokens": 2,
        "credits": 125,
        "receipt": {"credits": 125, "lines": []},
        "status": 200,
        "error": "",
        "latency_ms": 70,
        "first_token_ms": 7,
        "channel_id": channel,
        "channel": "upstream",
        "retries": 1,
        "ip": "192.0.2.7",
        "suppressed": 0,
        "details": {"raw": 1},
    }
    assert house.admin.get(f"/logs/{id}").json() == expected
    hidden = {"channel_id": None, "channel": None, "retries": None, "details": None}
    assert house.ann.get(f"/logs/{id}").json() == {**expected, **hidden}
    house.ann.delete(f"/tokens/{token}")
    house.root.delete(f"/channels/{channel}")
    assert house.ann.get("/logs", token_id=token, kind="request").json()["items"][0]["token_name"] == "app"
    assert house.admin.get(f"/logs/{id}").json()["channel"] == f"upstream #{channel}"


def test_filters_select_and_users_see_their_own(house: House) -> None:
    now, group = house.tools.now(), house.world.group("pro")
    first = wrote(house, house.ann, time=now - 1000, model="a", request_id="req_1", group_id=group)
    second = wrote(house, house.ann, token_id=7, status=401, error="token_expired: …")
    third = wrote(house, house.bob, channel_id=3)
    ann, admin = house.ann, house.admin
    assert requests(ann) == [second, first] and requests(admin) == [third, second, first]
    assert requests(ann, model="a") == requests(ann, request_id="req_1") == [first]
    assert requests(ann, token_id=7) == requests(ann, status="401") == requests(ann, status="error") == [second]
    assert requests(ann, status="ok") == [first] and requests(ann, model="%") == []
    assert requests(ann, **{"from": to_rfc3339(now - 1000), "to": to_rfc3339(now)}) == [first]
    assert requests(ann, **{"from": to_rfc3339(now)}) == [second] and requests(ann, to=to_rfc3339(now - 1000)) == []
    assert requests(ann, **{"from": "2026-01-01T00:00:00+00:00", "to": "2026-01-01T00:00:00 00:00"}) == []
    assert requests(admin, user_id=house.bob.actor.user_id) == requests(admin, channel_id=3) == [third]
    assert requests(admin, group="pro") == [first]
    for query in ({"user_id": house.bob.actor.user_id}, {"channel_id": 3}, {"group": "pro"}):
        for path in ("/logs", "/logs/summary", "/logs.csv"):
            assert ann.get(path, **query).status_code == 403
    for name, value in (
        ("status", "odd"),
        ("status", "20"),
        ("status", "²⁰⁰"),
        ("kind", "odd"),
        ("from", "2026-01-01"),
        ("from", "2026-01-01T00:00:00"),
        ("token_id", "x"),
        ("token_id", 10**30),
        ("after", -1),
        ("model", "a\x00b"),
        ("model", "x" * 300),
        ("odd", 1),
    ):
        answer = ann.get("/logs", **{name: value})
        assert answer.status_code == 400 and answer.json()["error"]["param"] == name, (name, value, answer.text)


def test_pages_and_after_walk_the_same_list(house: House) -> None:
    ids = [wrote(house, house.ann) for _ in range(7)][::-1]
    assert requests(house.ann, page_size=3) == ids[:3] and requests(house.ann, page_size=3, page=3) == ids[6:]
    walked, after = [], None
    while batch := requests(house.ann, page_size=2, **({"after": after} if after else {})):
        walked += batch
        after = batch[-1]
    assert walked == ids and house.ann.get("/logs", kind="request").json()["total"] == 7


def test_next_leads_through_the_whole_log_and_ends(house: House) -> None:
    ids = [wrote(house, house.ann, model="m" if n % 3 else "n") for n in range(9)][::-1]
    for query in ({}, {"model": "m"}, {"status": "ok", "page_size": 100}):
        walked, next = [], None
        while True:
            more = {} if next is None else {"after": next}
            page = house.ann.get("/logs", **{"kind": "request", "page_size": 2, **query, **more}).json()
            walked += [x["id"] for x in page["items"]]
            if (next := page["next"]) is None:
                break
        assert walked == [id for n, id in enumerate(ids[::-1]) if n % 3 or "model" not in query][::-1]


def test_pages_end_where_counting_ends_and_say_how_to_go_on(sqlite_house: House) -> None:
    refused = sqlite_house.ann.get("/logs", page=202, page_size=50)
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "page"
    assert "after" in refused.json()["error"]["message"]
    assert sqlite_house.ann.get("/logs", page=201, page_size=50).status_code == 200


def test_a_brief_list_reads_no_receipts_B12(sqlite_house: House) -> None:
    house, asked = sqlite_house, []
    wrote(house, house.ann, receipt={"credits": 1}, details={"raw": 1})
    event.listen(house.tools.db.engine, "before_cursor_execute", lambda *each: asked.append(each[2]))
    (entry,) = logs.find(house.tools, house.ann.actor, logs.LogFilter(kind="request"), brief=True).items
    list(logs.csv_rows(house.tools, house.ann.actor))
    assert (entry.receipt, entry.details) == (None, None)
    assert asked and not [sql for sql in asked if "receipt" in sql or "details" in sql]
    (whole,) = logs.find(house.tools, house.admin.actor, logs.LogFilter(kind="request")).items
    assert (whole.receipt, whole.details) == ({"credits": 1}, {"raw": 1})


LOOKS = (
    {},
    {"kind": "request"},
    {"kind": "login"},
    {"model": "m"},
    {"model": "never"},
    {"token_id": 1},
    {"user_id": 3},
    {"user_id": 3, "token_id": 1, "status": "502"},
    {"status": "error"},
    {"status": "418"},
    {"channel_id": 3, "group": "default"},
    {"request_id": "req_1"},
    {"from_ms": START - DAY - 5, "to_ms": START - HOUR - 3},
)


def test_no_question_reads_the_whole_log_or_index_L15_N15(sqlite_house: House) -> None:
    """Else a long log would be slow: everything is found through sums, keys and indexes."""
    house = sqlite_house
    token, _ = house.world.token(house.ann.actor)
    for n in range(30):
        wrote(house, house.ann, token_id=token, time=START - n * HOUR, status=502 if n % 9 == 0 else 200, channel_id=3)
    digest = Digest(Duty(house.tools.db, DUTY))
    catch_up(digest, START - HOUR)
    digest.duty.leave()
    tools, root, ann = house.tools, house.root.actor, house.ann.actor
    works: list[Callable[[], object]] = [
        lambda: overview.by_token(tools, root, True),
        lambda: overview.figures(tools, ann),
        lambda: overview.by_model(tools, root, True),
        lambda: charts.token_days(tools, ann, token, 366),
        lambda: tokens.recent(tools, ann, token),
        lambda: log_choices(tools, ann),
    ]
    for look in LOOKS:
        wanted = logs.LogFilter(**look)  # type: ignore[arg-type]
        works.append(lambda x=wanted: logs.find(tools, root, x, page_size=5))  # type: ignore[misc]
        works.append(lambda x=wanted: logs.find(tools, root, x, page_size=5, after=20))  # type: ignore[misc]
        works.append(lambda x=wanted: logs.summary(tools, root, x))  # type: ignore[misc]
        works.append(lambda x=wanted: list(logs.csv_rows(tools, root, x)))  # type: ignore[misc]
    for work in works:
        for plan in plans_of(house, work):
            assert not re.search(r"SCAN (log_\w+|usage_sums)(?! USING INTEGER PRIMARY KEY)", plan), plan
    with tools.db.engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {LOG_SUPPRESS.sqlite}", (1, 1)).fetchall()
        assert any("ix_log_entries_failed (token_id=?)" in row[3] for row in rows), rows


def plans_of(house: House, work: Callable[[], object]) -> list[str]:
    """How SQLite goes about each query that ``work`` makes."""
    asked: list[tuple[str, Any]] = []
    engine = house.tools.db.engine

    def heard(*each: Any) -> None:
        asked.append((each[2], each[3]))

    event.listen(engine, "before_cursor_execute", heard)
    work()
    event.remove(engine, "before_cursor_execute", heard)
    with engine.connect() as connection:
        plain = [(sql, given) for sql, given in asked if sql.startswith(("SELECT", "WITH"))]
        found = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", given) for sql, given in plain]
        return ["; ".join(str(row[3]) for row in plan) for plan in found]


def test_the_total_is_counted_no_further_than_10001(sqlite_house: House) -> None:
    row = {"time": 1, "user_id": sqlite_house.ann.actor.user_id, "kind": "request"}
    with sqlite_house.tools.db.write() as session:
        session.bulk_insert_mappings(LogEntry, [row] * 10_050)  # type: ignore[arg-type]
    assert sqlite_house.ann.get("/logs").json()["total"] == logs.COUNTED == 10_001
    rows = list(logs.csv_rows(sqlite_house.tools, sqlite_house.ann.actor, logs.LogFilter(kind="request")))
    assert len(rows) == 10_051, "the export has all of them"


def test_sums_follow_the_filter_and_corrections_lower_them(house: House) -> None:
    now = house.tools.now()
    wrote(house, house.ann, time=now - HOUR, input_tokens=100, output_tokens=50, credits=1000)
    wrote(house, house.ann, input_tokens=10, output_tokens=5, credits=100, model="n")
    wrote(house, house.ann, kind="correction", status=None, credits=-40)
    wrote(house, house.bob, credits=7)
    mine = house.ann.get("/logs/summary").json()
    assert mine == {"requests": 2, "input_tokens": 110, "output_tokens": 55, "credits": 1060, "rpm": 1, "tpm": 15}
    assert house.ann.get("/logs/summary", model="n").json()["credits"] == 100
    assert house.admin.get("/logs/summary").json()["credits"] == 1067
    assert house.ann.get("/logs/summary", model="none").json()["requests"] == 0


def test_the_csv_quotes_what_begins_like_a_formula_and_is_a_plain_link(sqlite_house: House) -> None:
    house = sqlite_house
    names = ["=1+1", "+1", "-1", "@x", 'plain, "quoted"\nnot', "ok"]
    for name in names:
        token, _ = house.world.token(house.ann.actor, name=name)
        wrote(house, house.ann, token_id=token, model="\tm" if name == "ok" else "m")
    wrote(house, house.bob)
    answer = house.log_in("ann").get("/api/logs.csv?kind=request")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["token_name"] for row in rows][::-1] == ["'=1+1", "'+1", "'-1", "'@x", names[4], "ok"]
    assert rows[0]["model"] == "'\tm" and rows[0]["time"].endswith("Z") and rows[0]["user"] == "ann"
    assert "channel" not in rows[0] and "retries" not in rows[0]
    admin = list(csv.DictReader(io.StringIO(house.admin.get("/logs.csv", kind="request").text, newline="")))
    assert len(admin) == 7 and {"channel", "retries"} <= set(admin[0])


def test_a_correction_gives_back_unblocks_and_keeps_the_books(house: House) -> None:
    token = house.ann.make("/tokens", name="t", quota=100)["id"]
    house.tools.clock.advance(1)  # type: ignore[attr-defined]
    charged(house, token, 100)
    assert house.ann.get(f"/tokens/{token}").json()["status"] == "exhausted"
    before = house.ann.get("/me").json()["balance"]
    for body in ({"credits": 101, "reason": "x"}, {"credits": 0, "reason": "x"}, {"credits": 5, "reason": ""}):
        assert house.admin.post("/logs/req_1/correction", **body).status_code == 400, body
    assert house.ann.post("/logs/req_1/correction", credits=5, reason="mine").status_code == 403
    assert house.admin.post("/logs/req_9/correction", credits=5, reason="x").status_code == 404
    done = house.admin.post("/logs/req_1/correction", credits=60, reason="wrong price")
    assert done.status_code == 201 and (done.json()["kind"], done.json()["credits"]) == ("correction", -60)
    view = house.ann.get(f"/tokens/{token}").json()
    assert (view["used"], view["remaining"], view["status"]) == (40, 60, "enabled")
    assert house.ann.get("/me").json()["balance"] == before + 60
    assert house.admin.post("/logs/req_1/correction", credits=41, reason="too much").status_code == 400
    assert all(finding.ok for finding in audit.run(house.tools))


def charged(house: House, token: int, credits: int) -> None:
    """A settled request in log, counter and balance, as the ledger leaves it."""
    user = house.ann.actor.user_id
    wrote(house, house.ann, token_id=token, request_id="req_1", credits=credits, period_start=0)
    with house.tools.db.write() as session:
        counter = session.get(TokenCounter, token)
        assert counter is not None
        counter.used = counter.used_total = credits
        entries._move(session, user, -credits)


def test_a_tokens_days_are_utc(house: House) -> None:
    token = house.ann.make("/tokens", name="t")["id"]
    today = house.tools.now() - house.tools.now() % DAY
    used = ((today, "m", 5), (today - HOUR, "m", 7), (today - 2 * HOUR, "n", 1), (today - 3 * DAY, "m", 9))
    for at, model, credits in used:
        house.world.used(house.ann.actor, at, token_id=token, model=model, credits=credits)
    rows = house.ann.get(f"/tokens/{token}/days", days=2).json()["items"]
    assert [(row["model"], row["credits"]) for row in rows] == [("m", 7), ("n", 1), ("m", 5)]
    assert rows[0]["day"] == to_rfc3339(today - 1)[:10] and rows[2]["day"] == to_rfc3339(today)[:10]
    assert house.ann.get(f"/tokens/{token}/days", days=0).status_code == 400
