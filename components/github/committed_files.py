"""Generated files in a repository: committed, or proposed by a pull request.

A commit is the stack's own: `up` makes it, drift is put back by the next `up` that refreshes, and
`destroy` or a file that is no longer generated deletes it from the branch.

A pull request is a proposal, so the stack holds one exactly while the branch differs from what is
generated. Every `up` compares them first, whether it refreshes or not:

- They agree, because it was merged or never needed: the stack holds nothing, whether or not GitHub
  has deleted the merged branch.
- They differ, by a changed setting or an edited file: there is a branch with the missing commits,
  and a pull request for it. The branch's name comes from what is proposed and from the commits of
  the files that it would change. So a new difference is always a new branch from the tip, and its
  pull request takes the place of the old one, which is closed.
- Someone closes it without merging: it stays closed until something changes.

Three things only people can do there. A pull request never deletes a file that is no longer
generated. The branch of a pull request that was replaced or refused stays, since the provider
cannot delete one that may be gone. And who changes a stack from commits to pull requests first
takes the files out of its state (`pulumi state delete`), or they are deleted from the branch until
the pull request is merged.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urlencode

import pulumi
import pulumi_github as github

from components.github.delivery import Delivery
from components.github.rest import ask


@dataclass(frozen=True, kw_only=True)
class CommittedFilesArgs:
    """What the files need to know."""

    owner: str
    """Organisation or user that the repository belongs to."""
    repository: str
    """Name of the repository, without its owner."""
    branch: str
    """Branch that receives the commits."""
    environment: str
    """What is backed up, such as production; names the branches and titles of pull requests."""
    contents: Mapping[str, str]
    """What each path holds, in the order of the commits."""
    source: str
    """What the files are generated from, for the messages of the commits."""
    delivery: Delivery = Delivery.COMMIT
    """How they get onto the branch. By default without anyone's review but that of the source."""
    after: Sequence[pulumi.Resource] = ()
    """What must exist before the first commit: a workflow is scheduled from its commit on."""


class CommittedFiles(pulumi.ComponentResource):
    """One commit for each file that changed."""

    def __init__(
        self, name: str, args: CommittedFilesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:github:CommittedFiles", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        match args.delivery:
            case Delivery.COMMIT:
                _commit(name, args, args.branch, args.contents, args.after, child)
            case Delivery.PULL_REQUEST:
                _propose(name, args, child)

        self.register_outputs({})


def _propose(name: str, args: CommittedFilesArgs, child: pulumi.ResourceOptions) -> None:
    missing = {path: text for path, text in args.contents.items() if not _holds(args, path, text)}
    if not missing:
        return
    # GitHub may delete the branch with the merge, and the provider fails to delete it then.
    kept = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(retain_on_delete=True))
    head = f"neonhub-backup/{args.environment}-{_mark(args, missing)}"

    branch = github.Branch(
        f"{name}-branch",
        repository=args.repository,
        branch=head,
        source_branch=args.branch,
        opts=pulumi.ResourceOptions.merge(
            kept, pulumi.ResourceOptions(depends_on=list(args.after))
        ),
    )
    commits = _commit(name, args, head, missing, [branch], kept)
    github.RepositoryPullRequest(
        f"{name}-pull-request",
        base_repository=args.repository,
        base_ref=args.branch,
        head_ref=head,
        title=f"Update the backups of {args.environment}",
        body="\n".join(
            [
                f"Generated from `{args.source}`, which is what to edit instead of these files:",
                "",
                *(f"- `{path}`" for path in missing),
                "",
                "A change of it takes the place of this pull request.",
            ]
        ),
        opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=list(commits))),
    )


def _commit(
    name: str,
    args: CommittedFilesArgs,
    branch: str,
    contents: Mapping[str, str],
    after: Sequence[pulumi.Resource],
    child: pulumi.ResourceOptions,
) -> Sequence[pulumi.Resource]:
    """Returns what the last commit is."""
    previous: Sequence[pulumi.Resource] = after
    for path, content in contents.items():
        # One after the other: GitHub refuses a commit whose branch moved meanwhile.
        following = pulumi.ResourceOptions(depends_on=list(previous))
        previous = [
            github.RepositoryFile(
                f"{name}-{path.rpartition('/')[2]}",
                repository=args.repository,
                branch=branch,
                file=path,
                content=content,
                commit_message=f"Generate {path} from {args.source}",
                # Someone may have written the file first: what is generated counts.
                overwrite_on_create=True,
                opts=pulumi.ResourceOptions.merge(child, following),
            )
        ]
    return previous


def _holds(args: CommittedFilesArgs, path: str, text: str) -> bool:
    """Whether the branch has the file already, by the hash that git gives it."""
    query = urlencode({"ref": args.branch})
    answer = ask(f"repos/{args.owner}/{args.repository}/contents/{quote(path)}?{query}")
    if not isinstance(answer.value, dict):  # nothing, or a folder
        return False
    content = text.encode()
    blob = hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False)
    return cast("dict[str, Any]", answer.value)["sha"] == blob.hexdigest()


def _mark(args: CommittedFilesArgs, missing: Mapping[str, str]) -> str:
    """What tells a proposal from every other: what it commits, and the commits it builds on."""
    digest = hashlib.sha256()
    for path, text in missing.items():
        query = urlencode({"sha": args.branch, "path": path, "per_page": 1})
        answer = ask(f"repos/{args.owner}/{args.repository}/commits?{query}")
        last = answer.value[0]["sha"] if answer.value else ""
        digest.update(f"{path}\0{last}\0{text}\0".encode())
    return digest.hexdigest()[:8]
