"""Proofs of who asks that are more than a header with the key in it: fetched tokens, signatures over body and time."""
