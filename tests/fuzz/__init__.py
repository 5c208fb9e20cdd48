"""Random hostile input."""
