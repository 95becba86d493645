"""The whole server, as `openopen8 serve` runs it, under load and under fire."""
