"""AWS signatures, against AWS's own test suite (aws-sig-v4-test-suite), with its requests and results."""

from __future__ import annotations

import pytest

from relay.signing.aws import credentials_of, region_of
from relay.signing.sigv4 import Credentials, Scope, signed
from relay.upstream import Failure

BY = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SCOPE = Scope("us-east-1", "service")
AT = 1440938160  # 2015-08-30T12:36:00Z
FORM = {"content-type": "application/x-www-form-urlencoded"}
SESSION = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YU"
    "uwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8Y"
    "QcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICC"
    "R/oLxBA=="
)
SUITE = {
    "get-vanilla": ("GET", "/", {}, b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "get-unreserved": (
        "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", {}, b"",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    "get-utf8": ("GET", "/ሴ", {}, b"", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"),
    "get-vanilla-query-order-key-case": (
        "GET", "/?Param2=value2&Param1=value1", {}, b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-header-value-trim": (
        "GET", "/", {"my-header1": " value1", "my-header2": ' "a   b   c"'}, b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-vanilla": ("POST", "/", {}, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "post-x-www-form-urlencoded": (
        "POST", "/", FORM, b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(SUITE))
def test_requests_of_awss_test_suite_are_signed_as_aws_says(name: str) -> None:
    method, path, headers, body, signature = SUITE[name]
    asked = {"host": "example.amazonaws.com", **headers}
    found = signed(method, f"https://example.amazonaws.com{path}", asked, body, BY, SCOPE, AT)
    assert found["x-amz-date"] == "20150830T123600Z"
    names = ";".join(sorted([*asked, "x-amz-date"]))
    assert found["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_the_token_of_temporary_keys_is_signed_too() -> None:
    by = Credentials(BY.access, BY.secret, SESSION)
    host = {"host": "example.amazonaws.com"}
    found = signed("POST", "https://example.amazonaws.com/", host, b"", by, SCOPE, AT)
    assert found["x-amz-security-token"] == SESSION
    assert found["authorization"].endswith("85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")
    assert BY.secret not in repr(by) and SESSION not in repr(by)


def test_the_region_is_in_the_host() -> None:
    for host, region in {
        "bedrock-runtime.eu-central-1.amazonaws.com": "eu-central-1",
        "bedrock-runtime-fips.us-gov-west-1.amazonaws.com": "us-gov-west-1",
        "bedrock.ap-southeast-2.amazonaws.com": "ap-southeast-2",
        "bedrock-runtime.cn-north-1.amazonaws.com.cn": "cn-north-1",
        "vpce-0a1-b2.bedrock-runtime.us-west-2.vpce.amazonaws.com": "us-west-2",
        "gateway.example.com": "us-east-1",
    }.items():
        assert region_of(f"https://{host}/model/m/converse") == region


def test_a_key_that_is_no_access_key_is_told_apart() -> None:
    assert credentials_of("AKIA1:s/e+c:t:o:k") == Credentials("AKIA1", "s/e+c", "t:o:k")
    for key in ("AKIA1:", ":secret", "a b:c"):
        with pytest.raises(Failure, match="ACCESS_KEY_ID"):
            credentials_of(key)
