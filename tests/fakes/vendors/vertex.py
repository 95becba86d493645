"""Google Vertex AI with its token endpoint. Its models check requests as they do at their makers.

Sources: https://developers.google.com/identity/protocols/oauth2/service-account#httprest,
https://cloud.google.com/vertex-ai/docs/reference/rest, …/generative-ai/docs/partner-models/claude/use-claude
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.fakes.exchange import Exchange, Received, Script
from tests.fakes.vendors.chat import chat
from tests.fakes.vendors.claude import claude
from tests.fakes.vendors.cloud_vectors import vectors
from tests.fakes.vendors.gemini import gemini
from tests.fakes.vendors.play import KEY, MODELS, Refused, listing, need, only, whole

PROJECT, REGION = "acme-1", "global"
EMAIL = "gateway@acme-1.iam.gserviceaccount.com"
OPEN = "meta/llama-4"

_CLAUDE = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json"}


@lru_cache(maxsize=1)
def _private() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


def service_account(url: str, **changes: Any) -> str:
    """The JSON that Google's console hands out, with the token endpoint of the fake at ``url``."""
    pem = _private().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"type": "service_account", "project_id": PROJECT, "private_key_id": "k1", "private_key": pem}
    place = {"client_email": EMAIL, "client_id": "1", "token_uri": f"{url}/token"}
    return json.dumps({**account, **place, **changes}, indent=2)


class Vertex:
    """Hands out tokens that live for an hour; ``valid`` are those it takes now."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.valid: set[str] = set()
        self.grants = 0
        self.down = False
        """The token endpoint answers 503."""

    def script(self) -> Script:
        """Answers whatever comes; its models do so as at their makers."""

        async def script(exchange: Exchange) -> None:
            if exchange.received.path == "/token":
                return await self._grant(exchange)
            try:
                maker, exchange.received = self._model(exchange.received)
            except Refused as refused:
                return await whole(exchange, refused.status, json.dumps(_refusal(refused)).encode())
            await maker(exchange)

        return script

    def models(self) -> Script:
        """The list of models."""
        rows = [{"name": f"publishers/google/models/{name}", "versionId": "1"} for name in ("gem-b", "gem-a")]

        def check(received: Received) -> None:
            need(received.path.startswith("/v1beta1/publishers/google/models"), "Not found", 404)
            self._check_token(received)

        return listing({"publisherModels": rows}, check)

    async def _grant(self, exchange: Exchange) -> None:
        try:
            need(not self.down, "unavailable", 503)
            _check_assertion(exchange.received, self.now)
        except Refused as refused:
            told = {"error": "invalid_grant", "error_description": str(refused)}
            return await whole(exchange, refused.status, json.dumps(told).encode())
        self.grants += 1
        token = f"ya29.token-{self.grants}"
        self.valid = {token}
        body = {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}
        await whole(exchange, 200, json.dumps(body).encode())

    def _check_token(self, received: Received) -> None:
        need(received.key in self.valid and "x-goog-api-key" not in received.headers, "invalid credentials", 401)

    def _model(self, received: Received) -> tuple[Script, Received]:
        """The maker of the model, and the request as it would come to it. Raises Refused."""
        if "x-goog-api-key" in received.headers:
            place = received.path.removeprefix("/v1/")
            need(place.startswith("publishers/google/"), "API keys are not supported by this API", 401)
        else:
            self._check_token(received)
            root = f"/v1/projects/{PROJECT}/locations/{REGION}/"
            need(received.path.startswith(root), "Not found", 404)
            place = received.path.removeprefix(root)
        if place.endswith((":predict", ":embedContent")):
            return vectors(), replace(received, path=place.removeprefix("publishers/google/models/"))
        if place.startswith("publishers/google/models/"):
            need("store" not in received.json, "Unknown name store")
            path = place.replace("publishers/google", "/v1beta")
            return gemini(), replace(received, path=path, headers={"x-goog-api-key": KEY})
        if place.startswith("publishers/anthropic/models/"):
            return claude(), _for_claude(received, unquote(place.removeprefix("publishers/anthropic/models/")))
        need(place == "endpoints/openapi/chat/completions", "Not found", 404)
        need(received.json.get("model") == OPEN, "The model does not exist", 404)
        body = json.dumps({**received.json, "model": MODELS["openai-compatible"]}).encode()
        head = {"authorization": f"Bearer {KEY}"}
        return chat(), Received("POST", "/v1/chat/completions", head, body)


def _for_claude(received: Received, name: str) -> Received:
    model, _, verb = name.rpartition(":")
    body = received.json
    need(body.pop("anthropic_version", None) == "vertex-2023-10-16", "anthropic_version: Field required")
    need("model" not in body, "model: Extra inputs are not permitted")
    need(verb == ("streamRawPredict" if body.get("stream") else "rawPredict"), "the stream needs its own verb")
    need("anthropic-version" not in received.headers, "anthropic-version: no place here")
    return Received("POST", "/v1/messages", _CLAUDE, json.dumps({**body, "model": model}).encode())


def _refusal(refused: Refused) -> Any:
    status = "UNAUTHENTICATED" if refused.status == 401 else "INVALID_ARGUMENT"
    return {"error": {"code": refused.status, "message": str(refused), "status": status}}


def _check_assertion(received: Received, now: int) -> None:
    form = {name: values[0] for name, values in parse_qs(received.body.decode()).items()}
    need(received.headers["content-type"] == "application/x-www-form-urlencoded", "content-type")
    only(form, "", "form", "grant_type assertion")
    need(form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer", "grant_type")
    head, claims, signature = form["assertion"].split(".")
    try:
        _private().public_key().verify(_plain(signature), f"{head}.{claims}".encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Refused("Invalid JWT Signature.") from None
    need(json.loads(_plain(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}, "Invalid JWT header")
    told = json.loads(_plain(claims))
    only(told, "", "claims", "iss scope aud iat exp")
    need(told["iss"] == EMAIL and told["scope"] == "https://www.googleapis.com/auth/cloud-platform", "Invalid JWT")
    need(told["aud"].endswith("/token") and told["exp"] - told["iat"] <= 3600, "Token must be a short-lived token")
    need(abs(told["iat"] * 1000 - now) < 7 * 86_400_000, "Invalid JWT: iat and exp")


def _plain(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
