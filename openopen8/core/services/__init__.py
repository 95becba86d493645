"""What the product can do, one noun per module."""
