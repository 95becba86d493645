"""`python -m openopen8`: the command line."""

from openopen8.cli import run

run()
