"""Generated files in a repository, which the next `up` puts back when someone edits them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_github as github


@dataclass(frozen=True, kw_only=True)
class CommittedFilesArgs:
    """What the files need to know."""

    repository: str
    """Name of the repository, without its owner."""
    branch: str
    """Branch that receives the commits."""
    contents: Mapping[str, str]
    """What each path holds, in the order of the commits."""
    source: str
    """What the files are generated from, for the messages of the commits."""
    after: Sequence[pulumi.Resource] = ()
    """What must exist before the first commit: a workflow is scheduled from its commit on."""


class CommittedFiles(pulumi.ComponentResource):
    """One commit for each file that changed."""

    def __init__(
        self, name: str, args: CommittedFilesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:github:CommittedFiles", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        previous = list(args.after)
        for path, content in args.contents.items():
            # One after the other: GitHub refuses a commit whose branch moved meanwhile.
            after = pulumi.ResourceOptions(depends_on=previous)
            previous = [
                github.RepositoryFile(
                    f"{name}-{path.rpartition('/')[2]}",
                    repository=args.repository,
                    branch=args.branch,
                    file=path,
                    content=content,
                    commit_message=f"Generate {path} from {args.source}",
                    # Someone may have written the file first: what is generated counts.
                    overwrite_on_create=True,
                    opts=pulumi.ResourceOptions.merge(child, after),
                )
            ]

        self.register_outputs({})
