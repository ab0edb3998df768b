"""GitHub's REST API (version 2022-11-28) on one machine, kept on disk, with real git behind it.

What it leaves out, on purpose: permissions (the one token may do everything), teams, forks,
webhooks, a runner, and the enforcement of rulesets and of environment protection.

So no workflow runs here. Its runs, and the states that GitHub itself would put it into, are what
somebody wants them to be: `runs.record` and `workflows.put_into_state`, below `/_control` instead
of `/api/v3`.
"""
