"""Rules that every stack must keep, whoever wrote the change."""
