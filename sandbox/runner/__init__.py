"""Runs the workflows that a stack committed, as GitHub would, on this machine."""
