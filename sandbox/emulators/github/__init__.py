"""GitHub's REST API (version 2022-11-28) on one machine, kept on disk, with real git behind it.

What it leaves out, on purpose: permissions (the one token may do everything), teams, forks,
webhooks, runs of workflows, and the enforcement of rulesets and of environment protection.
"""
