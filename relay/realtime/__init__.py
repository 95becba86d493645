"""``GET /v1/realtime``: a conversation over a WebSocket, charged response by response."""
