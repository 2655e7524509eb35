"""The shapes world: short films that a program draws, with captions, and their evaluation."""
