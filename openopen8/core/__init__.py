"""What is true without a screen and without a socket: rules, tables, services. Imports neither Reflex nor FastAPI."""
