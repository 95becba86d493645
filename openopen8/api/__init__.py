"""The management API under `/api`: what the dashboard does, for scripts. One noun per file."""
