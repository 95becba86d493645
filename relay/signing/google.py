"""Google's access tokens for service accounts and for users' own credentials (``gcloud auth application-default``).

Sources: https://developers.google.com/identity/protocols/oauth2/service-account#httprest (assertion and its claims),
https://developers.google.com/identity/protocols/oauth2/web-server#offline (refresh tokens)
"""

from __future__ import annotations

import asyncio
import base64
import re
from functools import lru_cache
from urllib.parse import urlencode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from relay.formats.vendor import redact
from relay.signing.sign import Means
from relay.signing.tokens import Token
from relay.upstream import LARGEST_ERROR, Failure, Outgoing, Template

_TOKEN_URI = "https://oauth2.googleapis.com/token"

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

_VALUE = re.compile(r"[!-~]+")

_LIFE_S = 3_600
"""The longest that Google allows."""


class Account(msgspec.Struct, frozen=True):
    """Google's JSON of a service account, or of a user's own credentials. Its repr tells no secret."""

    type: str = "service_account"
    project_id: str = ""
    quota_project_id: str = ""
    private_key_id: str = ""
    private_key: str = ""
    client_email: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    token_uri: str = _TOKEN_URI

    def __repr__(self) -> str:
        return f"Account({self.type})"


class _Granted(msgspec.Struct):
    access_token: str = ""
    expires_in: int = _LIFE_S
    error: str = ""
    error_description: str = ""

    def __repr__(self) -> str:
        return f"_Granted({self.error})"


_account = msgspec.json.Decoder(Account).decode
_granted = msgspec.json.Decoder(_Granted, strict=False).decode


def is_account(key: str) -> bool:
    """False for plain API keys."""
    return key.lstrip().startswith("{")


@lru_cache(maxsize=64)
def account_of(key: str) -> Account:
    """The account in a provider key. Raises Failure."""
    try:
        found = _account(key)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        found = Account("")
    whole = {
        "service_account": found.private_key and found.client_email,
        "authorized_user": found.client_id and found.client_secret and found.refresh_token,
    }
    if not whole.get(found.type):
        raise Failure("key", "The provider key is not the JSON of a Google service account.")
    return found


async def with_token(outgoing: Outgoing, key: str, means: Means) -> Outgoing:
    """See ``Sign``. API keys stand in their header already."""
    if not is_account(key):
        return outgoing
    token = await means.tokens.get(key, lambda: _fetch(account_of(key), means))
    return outgoing.with_headers({"authorization": f"Bearer {token}"})


async def _fetch(account: Account, means: Means) -> Token:
    asked = means.now()
    form = await _form(account, asked // 1000)
    uri = account.token_uri if account.type == "service_account" else _TOKEN_URI
    head = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    request = Outgoing(Template.make(uri, head, proxy=means.proxy), urlencode(form).encode())
    answer = await means.upstream.send(request)
    try:
        return _token(answer.status, await answer.read(LARGEST_ERROR), asked)
    finally:
        answer.close()


async def _form(account: Account, now_s: int) -> dict[str, str]:
    if account.type == "service_account":
        signed = await asyncio.to_thread(assertion, account, now_s)
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed}
    secret = {"client_id": account.client_id, "client_secret": account.client_secret}
    return {"grant_type": "refresh_token", "refresh_token": account.refresh_token, **secret}


def assertion(account: Account, now_s: int) -> str:
    """The signed claim (JWT, RS256) that a token is given for. Raises Failure."""
    head = {"alg": "RS256", "typ": "JWT", **({"kid": account.private_key_id} if account.private_key_id else {})}
    claims = {
        "iss": account.client_email,
        "scope": _SCOPE,
        "aud": account.token_uri,
        "iat": now_s,
        "exp": now_s + _LIFE_S,
    }
    text = f"{_b64(msgspec.json.encode(head))}.{_b64(msgspec.json.encode(claims))}"
    try:
        key = load_pem_private_key(account.private_key.encode(), None)
        signature = key.sign(text.encode(), PKCS1v15(), SHA256()) if isinstance(key, RSAPrivateKey) else b""
    except (ValueError, TypeError, UnsupportedAlgorithm):  # also for a key too short to sign with
        signature = b""
    if not signature:
        raise Failure("key", "The private key in the Google service account's JSON can't be read.")
    return f"{text}.{_b64(signature)}"


def _token(status: int, body: bytes, asked: int) -> Token:
    try:
        granted = _granted(body)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        granted = _Granted()
    if status == 200 and _VALUE.fullmatch(granted.access_token):
        return Token(granted.access_token, asked + granted.expires_in * 1000)
    why = redact(granted.error_description or granted.error) or f"status {status}"
    told = f"Google gave no access token: {why}"
    if status == 429:
        raise Failure("limited", told, status)
    if status in (400, 401, 403):
        raise Failure("key", told, status)
    raise Failure("status" if status >= 500 else "broken", told, status)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
