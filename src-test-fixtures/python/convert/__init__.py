"""Conversion of published checkpoints to LinGen's checkpoint layout."""
