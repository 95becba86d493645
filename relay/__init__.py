"""The gateway: requests of programs, from the caller to the provider and back."""
