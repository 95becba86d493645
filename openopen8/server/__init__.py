"""The processes of `openopen8 serve`: a supervisor, relay workers without Reflex, one dashboard process."""
