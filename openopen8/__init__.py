"""OpenOpen8, an AI API gateway: the product's core, its management API and its dashboard."""

__version__ = "0.1.0"
