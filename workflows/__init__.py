"""GitHub Actions workflows as typed values, and their text."""
