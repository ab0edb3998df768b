"""What `make setup` and `make up` do once everything is installed."""

import sys

from sandbox import chromium, private_key, report
from sandbox.installation import PROJECT, Installation
from sandbox.jobs import Job
from sandbox.local import Sandbox
from sandbox.steps import Steps


def prepare(steps: Steps, sandbox: Sandbox | None = None) -> Sandbox:
    """Makes the keys and writes what the engine and `sandbox/env` need."""
    sandbox = sandbox or Sandbox()
    with steps.step("home") as step:
        fresh = sandbox.prepare()
        step.reused = not fresh
        step.done = "keys made, plugins linked" if fresh else "keys and plugins reused"
    return sandbox


def bring_browser(steps: Steps, installation: Installation | None = None) -> None:
    """Brings what tests look at pages with, which nothing but tests needs."""
    installation = installation or Installation(PROJECT / ".sandbox")
    with steps.step("chromium") as step:
        step.done = installation.chromium.ensure(installation.supervisor)
        step.reused = step.done == chromium.HERE


def up(steps: Steps, sandbox: Sandbox | None = None) -> None:
    """Servers, deployment, demo database; then a backup of it, proven."""
    sandbox = prepare(steps, sandbox)
    deploy(steps, sandbox)
    report.run(steps, sandbox)


def deploy(steps: Steps, sandbox: Sandbox) -> None:
    """Servers, deployment and demo database, of which there is no backup yet."""
    with steps.step("servers") as step:
        begun = sandbox.start()
        step.reused = not begun
        step.done = f"{', '.join(begun)} started" if begun else "all running"
    steps.say("deployment", "pulumi up --yes --stack local")
    with steps.step("deployment") as step:
        step.done = sandbox.deploy()
    with steps.step("private key") as step:
        step.done = f"set by hand in GitHub's environments {private_key.give(sandbox)}"
    with steps.step("demo") as step:
        command = [sys.executable, "-P", "-m", "sandbox.demo"]
        job = Job(
            sandbox.supervisor,
            "demo",
            [*command, "--database-url", sandbox.addresses.database_url],
            directory=sandbox.project,
        )
        step.done = job.wait("see that the demo database can be written to").strip()
