"""Neon's API v2 on one machine, kept on disk, with a real PostgreSQL database behind each branch.

Every request and every answer fits `openapi.json`, Neon's own description. A branch of now is a
copy of its parent's database; a branch of an earlier time is a copy of the state that was kept
last before it, see `POST /_keep`. Operations end after they were looked at a few times, so that
nobody waits, and whoever does not wait is refused.

What it leaves out, on purpose: several databases and roles in a project, positions in the WAL,
suspended computes, archived branches, the recovery of deleted ones, permissions of keys. Where
Neon documents no error code, it is empty, as the description has it by default.
"""
