"""Bringing a backup back, whole or in part."""
