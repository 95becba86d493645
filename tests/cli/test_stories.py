"""What people do with the command line, from an empty folder on."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Command


def test_from_an_empty_folder_to_a_token_in_six_commands(command: Command, ann: str) -> None:
    key = "sk-upstream-key-0123456789"
    made = command(
        *("channel", "create", "up", "--type", "openai-compatible", "--base-url", "http://127.0.0.1:9/v1"),
        *("--models", "small,large", "--priority", "3", "--weight", "2", "--key-stdin"),
        stdin=key + "\n",
    )
    assert made.out == "Made channel up for small, large.\n"
    assert command("price", "set", "small", "--input", "5", "--output", "15", "--cache-read", "0.5").code == 0
    assert command("price", "set", "large", "--per-call", "1000").code == 0
    assert command("group", "create", "vip", "--ratio", "0.5", "--selectable").code == 0
    token = command(
        *("token", "create", "first", "--user", ann, "--quota", "1000", "--expires", "2099-01-31T12:00:00Z"),
        *("--models", "small", "--ips", "10.0.0.0/8,::1", "--group", "vip"),
    )
    assert re.fullmatch(r"sk-[A-Za-z0-9]{48}\n", token.out)
    (shown,) = command("token", "list", "--json").json
    assert shown["quota"] == 1000
    assert shown["expires_at"] == "2099-01-31T12:00:00.000Z"
    assert shown["allowed_models"] == ["small"]
    assert shown["ip_whitelist"] == ["10.0.0.0/8", "::1"]
    assert (shown["group"], shown["ratio"], shown["status"]) == ("vip", "0.5", "enabled")
    assert token.out.strip() not in command("token", "list").out
    assert key not in command("channel", "list", "--json").out + command("channel", "list").out


def test_a_price_may_say_what_writing_to_a_cache_costs(command: Command, ann: str) -> None:
    ratios = ("--input", "5", "--output", "15", "--cache-read", "0.5", "--cache-write", "6.25")
    done = command("price", "set", "m", *ratios)
    assert (done.code, done.out) == (0, "Set the price of m: input 5, output 15, cache_read 0.5, cache_write 6.25.\n")
    (shown,) = command("price", "list", "--json").json
    assert (shown["cache_read"], shown["cache_write"]) == ("0.5", "6.25")


def test_a_price_may_say_all_that_vendors_charge_for(command: Command, ann: str) -> None:
    rare = ("--cache-write-1h", "10", "--input-audio", "9", "--output-image", "60", "--long-above", "200000",
            "--long", "input=10, output=22.5", "--tiers", "flex=0.5,priority=2", "--calls", "web_search=5000",
            "--units", "seconds=50")  # fmt: skip
    done = command("price", "set", "m", "--input", "5", "--output", "15", *rare)
    assert done.out == (
        "Set the price of m: input 5, output 15, cache_write_1h 10, input_audio 9, output_image 60, long_above 200000, "
        "long input=10 output=22.5, tiers flex=0.5 priority=2, calls web_search=5000, units seconds=50.\n"
    )
    (shown,) = command("price", "list", "--json").json
    assert (shown["long"], shown["units"]) == ({"input": "10", "output": "22.5"}, {"seconds": "50"})
    told = command("price", "list").out
    assert "cache_write_1h, input_audio, output_image, long_above, long, tiers, calls, units" in told
    wrong = command("price", "set", "m", "--input", "5", "--output", "15", "--tiers", "flex")
    assert (wrong.code, len(wrong.err.splitlines())) == (1, 1) and "name=2" in wrong.err


def test_list_prices_are_seen_and_then_imported(command: Command, ann: str) -> None:
    assert re.search(r"^anthropic +\d+$", command("price", "catalogue").out, re.MULTILINE)
    choice = ("--provider", "openai", "--models", "gpt-4o,gpt-4o-mini,unheard-of")
    seen = command("price", "catalogue", *choice)
    assert re.search(r"^gpt-4o +openai +new +input 1\.25, output 5, cache_read 0\.625", seen.out, re.MULTILINE)
    assert command("price", "import", *choice).out == "2 new, 0 changed, 0 left as they are.\n"
    command("price", "set", "gpt-4o", "--input", "9", "--output", "9")
    seen = command("price", "catalogue", *choice)
    assert re.search(r"^gpt-4o +openai +changed .*  input 9, output 9", seen.out, re.MULTILINE)
    assert command("price", "import", *choice, "--new-only").out == "0 new, 0 changed, 2 left as they are.\n"
    assert command("price", "import", *choice, "--json").json == {"new": 0, "changed": 1, "unchanged": 1}
    nothing = command("price", "import")
    assert nothing.code == 1 and "provider" in nothing.err


def test_a_price_in_another_unit_than_the_list_is_asked_about(command: Command, ann: str) -> None:
    done = command("price", "set", "gpt-4o", "--input", "1250000", "--output", "5")
    assert done.code == 0
    assert done.out.splitlines()[1:] == ["Is that the right unit? The list price for input is 1.25 credits per token."]


def test_the_log_of_a_deleted_token_is_found_by_its_name(command: Command, ann: str) -> None:
    for _ in range(2):
        command("token", "create", "gone", "--user", ann)
    command("token", "delete", "1")
    assert command("logs", "--token", "gone").code == 0, "one that lives goes first"
    command("token", "delete", "2")
    twice = command("logs", "--token", "gone")
    assert (twice.code, twice.err) == (1, "openopen8: Several deleted tokens were named 'gone'; use the id: 2, 1.\n")
    command("token", "create", "single", "--user", ann)
    command("token", "delete", "single")
    assert command("logs", "--token", "single", "--json").json == []
    assert command("logs", "--token", "never").code == 1


def test_users_are_made_disabled_enabled_and_given_credits(command: Command, ann: str) -> None:
    command(
        "user", "create", "bob", "--balance", "10", "--email", "bob@example.org", "--password-stdin", stdin="12345678"
    )
    taken = command("user", "balance", "bob", "--add", "-4", "--reason", "a mistake")
    assert (taken.out, taken.err) == ("User bob has 6 credits.\n", "")
    assert command("user", "disable", "bob").out == "User bob is disabled.\n"
    assert [user["enabled"] for user in command("user", "list", "--json").json] == [True, False]
    assert command("user", "enable", "bob").out == "User bob is enabled.\n"
    assert command("user", "password", "bob", "--password-stdin", stdin="another one\n").code == 0
    assert re.fullmatch(r"oo8-[A-Za-z0-9]{48}\n", command("user", "access-token", "bob").out)


def test_a_token_is_named_by_id_or_by_a_name_that_only_one_has(command: Command, ann: str) -> None:
    for name in ("one", "two", "two"):
        command("token", "create", name, "--user", ann)
    assert re.fullmatch(r"Token one \(sk-.*\) is disabled\.\n", command("token", "disable", "one").out)
    twice = command("token", "disable", "two")
    assert twice.code == 1
    assert twice.err.startswith("openopen8: Several tokens are named 'two'; use the id: 2 (ann), 3 (ann)")
    assert command("token", "disable", "3").code == 0
    assert [token["status"] for token in command("token", "list", "--json").json] == ["disabled", "enabled", "disabled"]
    assert command("token", "delete", "3").code == 0
    assert command("token", "enable", "two").code == 0
    assert len(command("token", "list", "--json").json) == 2


def test_groups_change_what_is_given_and_nothing_else(command: Command, ann: str) -> None:
    command("group", "create", "vip", "--ratio", "0.5", "--selectable", "--rate-limit", "60")
    command("group", "set", "vip", "--ratio", "0.25")
    command("group", "set", "vip", "--no-selectable")
    vip = next(group for group in command("group", "list", "--json").json if group["name"] == "vip")
    assert (vip["ratio"], vip["selectable"], vip["rate_limit"]) == ("0.25", False, 60)


def test_a_channel_that_does_not_answer_fails_its_test_with_exit_code_1(command: Command, ann: str) -> None:
    command("channel", "create", "up", "--base-url", "http://127.0.0.1:9", "--models", "m", "--key-stdin", stdin="k-1")
    done = command("channel", "test", "up", "--json")
    assert (done.code, done.json["ok"]) == (1, False)
    assert command("channel", "disable", "up").out == "Channel up is disabled.\n"
    assert command("channel", "enable", "up").out == "Channel up is enabled.\n"


def test_the_log_tells_what_was_done_newest_first_as_json_and_oldest_first_for_people(
    command: Command, ann: str
) -> None:
    command("group", "create", "vip", "--ratio", "0.5")
    kinds = [entry["kind"] for entry in command("logs", "--json").json]
    assert kinds == ["admin", "admin", "credit"]
    assert "created group 'vip'" in command("logs", "--kind", "admin").out.splitlines()[-1]
    assert command("logs", "--kind", "admin", "--limit", "1").out.count("created") == 1


def test_the_audit_of_a_new_installation_finds_nothing(command: Command, ann: str) -> None:
    done = command("audit")
    assert done.code == 0
    assert all(line.startswith("ok") for line in done.out.splitlines())
    assert all(finding["ok"] for finding in command("audit", "--json").json)


def test_every_command_migrates_first(command: Command) -> None:
    assert command("user", "list").out == "none\n"
    assert command("migrate").out == "The database is at this version.\n"


def test_a_wrong_value_is_one_plain_line_and_exit_code_1(command: Command, ann: str) -> None:
    wrong = (
        ("user", "create", "ann", "--password-stdin"),
        ("user", "create", "b b", "--password-stdin"),
        ("user", "balance", "nobody", "--add", "1", "--reason", "x"),
        ("token", "create", "t", "--user", ann, "--expires", "tomorrow"),
        ("token", "create", "t", "--user", ann, "--ips", "300.0.0.1"),
        ("token", "create", "t", "--user", ann, "--quota", "-1"),
        ("price", "set", "m", "--input", "5"),
        ("price", "set", "m", "--per-call", "many"),
        ("group", "create", "g", "--ratio", "-1"),
        ("channel", "create", "c", "--base-url", "ftp://x", "--models", "m"),
        ("logs", "--limit", "0"),
    )
    for arguments in wrong:
        done = command(*arguments, stdin="a long password\n")
        assert done.code == 1, arguments
        assert done.err.startswith("openopen8: "), arguments
        assert len(done.err.splitlines()) == 1, done.err
        assert done.out == ""


def test_settings_are_shown_changed_and_checked(command: Command, ann: str) -> None:
    assert command("setting", "list", "--json").json["log_retention_days"] is None
    done = command("setting", "set", "log_retention_days", "90")
    assert (done.code, done.out) == (0, "Set log_retention_days to 90.\n")
    assert command("setting", "set", "strict_holds", "true").out == "Set strict_holds to true.\n"
    shown = command("setting", "list", "--json").json
    assert (shown["log_retention_days"], shown["strict_holds"]) == (90, True)
    assert "log_retention_days" in command("setting", "list").out
    for name, value in (("log_retention_days", "0"), ("log_retention_days", "36501"), ("retries", "none")):
        assert command("setting", "set", name, value).code == 1, (name, value)
    assert command("setting", "set", "log_retention_days", "none").out == "Set log_retention_days to none.\n"
    assert command("setting", "set", "nonsense", "1").code == 2


def test_wrong_usage_has_exit_code_2(command: Command) -> None:
    for arguments in ((), ("user",), ("user", "create"), ("nonsense",), ("serve", "--port", "x")):
        assert command(*arguments).code == 2, arguments


def test_no_secret_can_be_given_as_an_argument(command: Command, ann: str) -> None:
    for option in ("--password", "--key"):
        assert command("user", "create", "bob", option, "a long password").code == 2


def test_a_channel_may_have_a_proxy_whose_password_is_no_argument(command: Command, ann: str) -> None:
    rest = ("--base-url", "https://x.test", "--models", "m")
    done = command("channel", "create", "c", *rest, "--proxy", "http://u:planted@proxy.test")
    assert done.code == 1 and "planted" not in done.err and len(done.err.splitlines()) == 1
    done = command("channel", "create", "c", *rest, "--proxy", "socks5://proxy.test:1080", "--http2", "--json")
    made = done.json
    assert (made["proxy"], made["http2"]) == ("socks5://proxy.test:1080", True)


def test_a_password_that_nobody_gives_is_asked_for(command: Command) -> None:
    done = command("user", "create", "ann")
    assert done.code == 1
    assert "--password-stdin" in done.err


def test_an_unreachable_database_is_one_plain_line_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:the-password@127.0.0.1:1/openopen8")
    done = command("user", "list")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert "the-password" not in done.err


@pytest.mark.parametrize("url", ["garbage", "mysql://ann:hidden-word@host/db", "sqlite://", "sqlite:///:memory:"])
def test_a_database_of_another_kind_is_one_plain_line_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    done = command("user", "list")
    assert done.code == 1 and done.err.count("\n") == 1 and "hidden-word" not in done.err
    assert done.err.startswith("openopen8: DATABASE_URL: ") and "postgresql://" in done.err
