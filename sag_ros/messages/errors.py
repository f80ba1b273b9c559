"""What is wrong with a message."""

from __future__ import annotations


class MessageError(ValueError):
    """A message that cannot be used; the text says which, why, and what would be accepted."""
