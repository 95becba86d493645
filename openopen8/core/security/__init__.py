"""Secrets: token values, passwords, encryption at rest."""
