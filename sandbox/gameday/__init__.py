"""Game days: everything that can happen to a database and its backups, done to a throwaway one.

Each scenario breaks something while an application writes, waits until `watch` tells, comes back
by the runbook's own commands as a person would type them, and counts what was lost.
"""
