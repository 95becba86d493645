"""Each sentence of the page about tokens that can fail, as a test named after it.

What the page says of the dashboard's buttons and fields stands in tests/e2e.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from openopen8.core.models import LogEntry, Token
from tests.seed.conftest import Site, code_of
from tests.system.installation import CHAT

COST = 1000 * 5 + 500 * 15
"""What one answer of the fake provider costs: 1,000 in, 500 out, at 5 and 15."""


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_every_request_must_include_a_valid_token(site: Site) -> None:
    bare = httpx.post(site.address + CHAT, json={"model": "m", "messages": []}, trust_env=False)
    assert (bare.status_code, code_of(bare)) == (401, "invalid_api_key")
    for wrong in ("sk-" + "x" * 48, "sk-short", "oo8-" + "x" * 48, "' OR 1=1 --", "x"):
        assert site.call(wrong).status_code == 401
    _, value = site.add()
    assert site.call(value).status_code == 200


def test_you_can_create_multiple_tokens_with_independent_quotas_expiry_dates_and_models(site: Site) -> None:
    one, value = site.add(quota=1)
    two, other = site.add(quota=100_000)
    site.call(value)
    assert site.codes(value) == {"token_quota_exhausted"}
    assert site.codes(other) == {"ok"}
    assert site.token(one)["status"] == "exhausted" and site.token(two)["status"] == "enabled"


def test_channel_keys_belong_to_the_provider_and_tokens_are_issued_by_openopen8(site: Site) -> None:
    _, value = site.add()
    site.call(value)
    sent = site.installation.fake.chats[-1]
    assert sent.key == "upstream-key"
    assert value not in str(sent.headers) and value.encode() not in sent.body
    assert site.call("upstream-key").status_code == 401


def test_names_do_not_affect_how_the_token_works(site: Site) -> None:
    _, value = site.add(name="my-app-production")
    again, other = site.add(name="my-app-production")
    site.api("PATCH", f"/tokens/{again}", name="data-pipeline")
    assert code_of(site.call(value)) == code_of(site.call(other)) == "ok"


def test_quota_0_allows_unlimited_usage_from_the_account_balance(site: Site) -> None:
    id, value = site.add(quota=0)
    before = site.api("GET", "/me")["balance"]
    assert site.codes(value, 3) == {"ok"}
    token = site.token(id)
    assert (token["quota"], token["remaining"], token["used"]) == (0, None, 3 * COST)
    assert before - site.api("GET", "/me")["balance"] == 3 * COST


def test_a_positive_value_caps_spending_and_an_exhausted_quota_is_an_error_until_topped_up(site: Site) -> None:
    id, value = site.add(quota=COST)
    assert code_of(site.call(value)) == "ok"
    assert site.codes(value) == {"token_quota_exhausted"}
    assert site.call(value).status_code == 401
    token = site.token(id)
    assert (token["remaining"], token["status"]) == (0, "exhausted")
    site.api("PATCH", f"/tokens/{id}", quota=2 * COST)
    assert code_of(site.call(value)) == "ok"
    assert code_of(site.call(value)) == "token_quota_exhausted"


def test_a_limited_token_that_has_run_down_to_0_left_is_not_unlimited(site: Site) -> None:
    id, value = site.add(quota=COST)
    site.call(value)
    assert site.token(id)["remaining"] == 0
    assert site.codes(value) == {"token_quota_exhausted"}


def test_per_token_quotas_keep_one_application_from_consuming_all_credits(site: Site) -> None:
    _, runaway = site.add(quota=COST)
    _, other = site.add()
    before = site.api("GET", "/me")["balance"]
    for _ in range(20):
        site.call(runaway)
    assert before - site.api("GET", "/me")["balance"] == COST
    assert code_of(site.call(other)) == "ok"


def test_a_blank_expiry_never_expires(site: Site) -> None:
    id, value = site.add(expires_at=None)
    assert site.token(id)["expires_at"] is None
    assert code_of(site.call(value)) == "ok"


def test_a_date_makes_the_token_stop_working_automatically(site: Site) -> None:
    id, value = site.add(expires_at=in_days(1))
    assert code_of(site.call(value)) == "ok"
    site.api("PATCH", f"/tokens/{id}", expires_at=in_days(-1))
    assert site.codes(value) == {"token_expired"}
    assert site.token(id)["status"] == "expired"
    site.api("PATCH", f"/tokens/{id}", expires_at=None)
    assert site.codes(value) == {"ok"}


def test_blank_allowed_models_permit_all_models_of_the_account(site: Site) -> None:
    _, value = site.add(allowed_models=[])
    assert code_of(site.call(value)) == "ok"
    listed = httpx.get(site.address + "/v1/models", headers={"authorization": f"Bearer {value}"}, trust_env=False)
    assert "m" in [model["id"] for model in listed.json()["data"]]


def test_requests_for_any_other_model_are_rejected(site: Site) -> None:
    _, value = site.add(allowed_models=["another", "m2"])
    answer = site.call(value)
    assert (answer.status_code, code_of(answer)) == (403, "model_not_allowed")
    listed = httpx.get(site.address + "/v1/models", headers={"authorization": f"Bearer {value}"}, trust_env=False)
    assert "m" not in [model["id"] for model in listed.json()["data"]]


@pytest.mark.parametrize(
    ("whitelist", "address", "allowed"),
    [
        (["203.0.113.7"], "203.0.113.7", True),
        (["203.0.113.7"], "203.0.113.8", False),
        (["203.0.113.0/24", "198.51.100.1"], "203.0.113.200", True),
        (["203.0.113.0/24", "198.51.100.1"], "198.51.100.1", True),
        (["203.0.113.0/24"], "203.0.114.1", False),
        (["10.1.2.3/8"], "10.200.0.1", True),
        (["2001:db8::/32"], "2001:db8:1::5", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["203.0.113.7"], "::ffff:203.0.113.7", True),
        (["::ffff:203.0.113.7"], "203.0.113.7", True),
    ],
)
def test_requests_from_any_ip_not_on_the_list_are_rejected(
    site: Site, whitelist: list[str], address: str, allowed: bool
) -> None:
    _, value = site.add(ip_whitelist=whitelist)
    answer = site.call(value, address=address, proxied=True)
    assert code_of(answer) == ("ok" if allowed else "ip_not_allowed")
    assert answer.status_code == (200 if allowed else 403)


def test_a_forged_x_forwarded_for_does_not_help(site: Site) -> None:
    _, value = site.add(ip_whitelist=["203.0.113.7"])
    assert site.codes(value, address="203.0.113.7") == {"ip_not_allowed"}
    assert site.codes(value, 2, address="203.0.113.7", headers={"x-real-ip": "203.0.113.7"}) == {"ip_not_allowed"}
    # behind a trusted proxy only what the proxy itself wrote counts: the right-most untrusted hop
    assert code_of(site.call(value, address="203.0.113.7, 198.51.100.9", proxied=True)) == "ip_not_allowed"
    assert code_of(site.call(value, address="198.51.100.9, 203.0.113.7", proxied=True)) == "ok"
    assert code_of(site.call(value, address="203.0.113.7, 10.99.1.1", proxied=True)) == "ok"


def test_a_blank_whitelist_allows_any_ip(site: Site) -> None:
    _, value = site.add(ip_whitelist=[])
    assert code_of(site.call(value, address="192.0.2.1", proxied=True)) == "ok"
    assert code_of(site.call(value)) == "ok"


def test_groups_apply_different_pricing_ratios(site: Site) -> None:
    world = site.installation.world
    half = world.group("half-price", "0.5", selectable=True)
    world.channel(site.installation.fake.url, groups=[half])
    id, value = site.add(group="half-price")
    assert code_of(site.call(value)) == "ok"
    assert site.token(id)["used"] == COST // 2
    entry = site.log(id)[0]
    assert entry["credits"] == COST // 2 and entry["receipt"]["group_ratio"] == "0.5"


def test_groups_apply_different_rate_limits(site: Site) -> None:
    world = site.installation.world
    slow = world.group("slow", "1", selectable=True, rate_limit=2)
    world.channel(site.installation.fake.url, groups=[slow])
    _, value = site.add(group="slow")
    answers = [site.call(value) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 429, 429]
    assert answers[3].json() == {
        "error": {"message": "Rate limit exceeded. Please try again later.", "type": "rate_limit_error", "code": 429}
    }
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60


def test_a_group_that_the_user_may_not_use_is_refused_at_the_form_and_at_each_request(site: Site) -> None:
    world = site.installation.world
    closed = world.group("closed")
    world.channel(site.installation.fake.url, groups=[closed])
    told = site.api("POST", "/tokens", 403, name="app", group="closed")
    assert told["error"]["param"] == "group"
    id, value = site.add()
    world.change(Token, id, group_id=closed)
    assert site.codes(value, 2) == {"group_not_allowed"}


def test_the_dashboard_displays_the_token_value_once_and_it_cannot_be_retrieved_again(site: Site) -> None:
    id, value = site.add()
    assert value.startswith("sk-") and len(value) == 51
    token = site.token(id)
    assert "value" not in token and value not in str(token)
    assert token["hint"] == f"{value[:7]}…{value[-4:]}"
    assert value not in str(site.api("GET", "/tokens?page_size=100"))
    rows = repr(site.installation.world.all(Token)) + repr(site.installation.world.all(LogEntry))
    assert token["hint"] in rows and value not in rows
    database = site.installation.tools.db.path
    if database is not None:
        for file in database.parent.glob(database.name + "*"):
            assert value.encode() not in file.read_bytes()


def test_pass_your_token_in_the_authorization_header_using_the_bearer_scheme(site: Site) -> None:
    _, value = site.add()
    answer = site.call(value)
    assert answer.json()["choices"][0]["message"]["content"] == "Hello!"
    assert answer.json()["model"] == "m"
    bare = site.call(value, headers={"authorization": value})
    assert code_of(bare) == "invalid_api_key"


def test_tokens_are_accepted_in_the_claude_and_gemini_header_formats(site: Site) -> None:
    _, value = site.add()
    message = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello"}]}
    claude = httpx.post(
        site.address + "/v1/messages",
        json=message,
        headers={"x-api-key": value, "anthropic-version": "2023-06-01"},
        trust_env=False,
    )
    assert claude.json()["content"] == [{"type": "text", "text": "Hello!"}]
    contents = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
    path = "/v1beta/models/m:generateContent"
    for url, headers in ((path, {"x-goog-api-key": value}), (f"{path}?key={value}", {})):
        gemini = httpx.post(site.address + url, json=contents, headers=headers, trust_env=False)
        assert gemini.json()["candidates"][0]["content"]["parts"][0]["text"] == "Hello!"
    _, other = site.add()
    both = site.call(value, headers={"x-api-key": other})
    assert code_of(both) == "invalid_api_key"


def test_the_logs_record_every_request_with_model_token_counts_credit_cost_and_timestamp(site: Site) -> None:
    id, value = site.add(allowed_models=["m"])
    before = datetime.now(UTC)
    site.call(value)
    site.call(value, body={"stream": True, "stream_options": {"include_usage": True}})
    site.call(value, model="forbidden")
    newest, _, oldest = site.log(id)
    assert (newest["status"], newest["credits"]) == (403, 0) and newest["error"].startswith("model_not_allowed")
    assert oldest["model"] == "m" and oldest["credits"] == COST
    assert (oldest["input_tokens"], oldest["output_tokens"]) == (1000, 500)
    written = datetime.fromisoformat(oldest["time"].replace("Z", "+00:00"))
    assert before - timedelta(seconds=1) <= written <= datetime.now(UTC)
    lines: list[Any] = oldest["receipt"]["lines"]
    assert sum(line["count"] * int(line["ratio"]) for line in lines) == COST


def test_the_token_filter_selects_the_token_to_inspect(site: Site) -> None:
    one, value = site.add()
    two, other = site.add()
    site.call(value)
    site.call(other)
    assert {entry["token_id"] for entry in site.log(one)} == {one}
    assert {entry["token_id"] for entry in site.log(two)} == {two}


def test_edits_take_effect_immediately(site: Site) -> None:
    id, value = site.add()
    assert site.codes(value, 2) == {"ok"}
    for change, code in (
        ({"allowed_models": ["other"]}, "model_not_allowed"),
        ({"allowed_models": [], "ip_whitelist": ["203.0.113.7"]}, "ip_not_allowed"),
        ({"ip_whitelist": [], "expires_at": in_days(-1)}, "token_expired"),
        ({"expires_at": None, "quota": 1}, "token_quota_exhausted"),
        ({"quota": 0}, "ok"),
    ):
        site.api("PATCH", f"/tokens/{id}", **change)
        assert site.codes(value) == {code}


def test_disable_blocks_requests_without_deleting_and_enable_lets_them_in_again(site: Site) -> None:
    id, value = site.add()
    site.api("PATCH", f"/tokens/{id}", enabled=False)
    assert site.codes(value) == {"token_disabled"}
    assert site.token(id)["status"] == "disabled"
    site.api("PATCH", f"/tokens/{id}", enabled=True)
    assert site.codes(value) == {"ok"}


def test_delete_is_permanent_and_applications_get_authentication_errors_at_once(site: Site) -> None:
    id, value = site.add(name="short-lived")
    site.call(value)
    site.api("DELETE", f"/tokens/{id}", 204)
    assert site.codes(value) == {"invalid_api_key"}
    assert site.call(value).status_code == 401
    site.api("GET", f"/tokens/{id}", 404)
    site.api("PATCH", f"/tokens/{id}", 404, enabled=True)
    entries = site.log(id)
    assert [entry["token_name"] for entry in entries] == ["short-lived"]


def test_revoking_access_to_one_does_not_affect_the_others(site: Site) -> None:
    one, value = site.add()
    _, other = site.add()
    site.api("DELETE", f"/tokens/{one}", 204)
    assert site.codes(value, 2) == {"invalid_api_key"}
    assert site.codes(other, 2) == {"ok"}


def test_a_new_value_works_at_once_and_the_old_one_until_its_grace_ends(site: Site) -> None:
    id, value = site.add(quota=10 * COST)
    site.call(value)
    fresh = site.api("POST", f"/tokens/{id}/rotate", 201, grace_seconds=600)["value"]
    assert code_of(site.call(value)) == code_of(site.call(fresh)) == "ok"
    last = site.api("POST", f"/tokens/{id}/rotate", 201)["value"]
    assert site.codes(fresh) == {"invalid_api_key"}
    assert code_of(site.call(last)) == "ok"
    assert site.token(id)["used"] == 4 * COST and len(site.log(id)) == 4


def test_a_rate_limit_of_the_token_is_exact_across_workers(site: Site) -> None:
    _, value = site.add(rate_limit=5)
    answers = [site.call(value).status_code for _ in range(12)]
    assert answers.count(200) == 5 and answers.count(429) == 7
