"""Bare git repositories, worked on by the real `git` without a checkout."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_NOTHING = "0" * 40
_FIELDS = "%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"


class GitError(Exception):
    """A git command failed; the message is what it said."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who wrote or committed, and when."""

    name: str
    email: str
    date: str
    """ISO 8601."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file or folder of a tree."""

    path: str
    """From the repository's root."""
    mode: str
    """As git writes it; an executable stays one when its content changes."""
    kind: str
    """`blob`, `tree` or `commit` (a submodule)."""
    sha: str
    size: int
    """Bytes; 0 for a folder."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What one commit did to one file."""

    path: str
    status: str
    """`added`, `modified` or `removed`."""
    additions: int
    deletions: int


class Repository:
    """One bare repository. Its methods raise GitError when git refuses."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, default_branch: str) -> "Repository":
        """Make an empty one that does not lose a commit to a power failure."""
        repository = cls(path)
        path.mkdir(parents=True)
        branch = f"--initial-branch={default_branch}"
        repository._git("init", "--bare", "--quiet", "--template=", branch)
        repository._git("config", "core.fsync", "all")
        return repository

    def clear_leftovers(self) -> None:
        """Remove what a killed git left; only for when no other can be running."""
        for lock in [*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock")]:
            lock.unlink()
        for folder in self.path.glob("index-*"):
            shutil.rmtree(folder)

    def point_head_at(self, branch: str) -> None:
        """Choose the branch a clone checks out."""
        self._git("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def resolve(self, revision: str) -> str | None:
        """The commit that a branch, tag, ref or sha means."""
        candidates = [f"refs/heads/{revision}", f"refs/tags/{revision}"]
        if re.fullmatch(r"refs/.+|HEAD|[0-9a-f]{4,40}", revision):
            candidates.append(revision)
        for candidate in candidates:
            found = self._run("rev-parse", "--verify", "--quiet", f"{candidate}^{{commit}}")
            if found.returncode == 0:
                return found.stdout.decode().strip()
        return None

    def branch(self, name: str) -> str | None:
        """The commit at a branch's tip."""
        return self.refs(f"refs/heads/{name}").get(f"refs/heads/{name}")

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        """Refs with that name or below it, and what they point at."""
        listed = self._git("for-each-ref", "--format=%(refname) %(objectname)", prefix.rstrip("/"))
        return dict(line.split(" ", 1) for line in listed.decode().splitlines())

    def holds(self, sha: str) -> bool:
        """Whether that object exists."""
        return self._run("cat-file", "-e", sha).returncode == 0

    def valid_ref(self, ref: str) -> bool:
        """Whether git allows that name."""
        return self._run("check-ref-format", ref).returncode == 0

    def set_ref(self, ref: str, sha: str, *, was: str | None) -> None:
        """Move a ref, if it still is where the caller saw it; None: it must not exist."""
        self._git("update-ref", ref, sha, was or _NOTHING)

    def delete_ref(self, ref: str) -> None:
        self._git("update-ref", "-d", ref)

    def is_ancestor(self, older: str, newer: str) -> bool:
        return self._run("merge-base", "--is-ancestor", older, newer).returncode == 0

    def entries(self, commit: str, folder: str = "") -> list[Entry]:
        """What a folder holds, files and folders, not deeper; the root is the empty string."""
        return self._tree(commit, f"{folder}/" if folder else "")

    def entry(self, commit: str, path: str) -> Entry | None:
        """The file or folder at a path."""
        return next((e for e in self._tree(commit, path) if e.path == path), None)

    def blob(self, sha: str) -> bytes:
        return self._git("cat-file", "blob", sha)

    def commit(self, revision: str) -> Commit:
        return self.log(revision, limit=1)[0]

    def log(
        self, revision: str, path: str | None = None, *, limit: int | None = None
    ) -> list[Commit]:
        """Commits, newest first; with a path, those that changed it."""
        limited = [] if limit is None else [f"--max-count={limit}"]
        listed = self._git(
            "log", "-z", f"--format={_FIELDS}", *limited, revision, "--", *([path] if path else [])
        )
        fields = listed.decode().split("\0")
        return [_commit(fields[at : at + 10]) for at in range(0, len(fields) - 1, 10)]

    def between(self, base: str, head: str) -> list[str]:
        """Shas that `head` has and `base` has not."""
        return self._git("rev-list", f"{base}..{head}").decode().split()

    def changes(self, commit: Commit) -> list[Change]:
        """What a commit did, against its first parent or against nothing."""
        two = [commit.parents[0], commit.sha] if commit.parents else ["--root", commit.sha]
        arguments = ("diff-tree", "-r", "-z", "--no-commit-id", "--no-renames")
        statuses = self._git(*arguments, "--name-status", *two).decode()
        counts = self._git(*arguments, "--numstat", *two).decode()
        words = {"A": "added", "M": "modified", "D": "removed", "T": "modified"}
        pairs = statuses.split("\0")
        status = {pairs[at + 1]: words[pairs[at]] for at in range(0, len(pairs) - 1, 2)}
        found: list[Change] = []
        for line in counts.split("\0")[:-1]:
            added, deleted, path = line.split("\t", 2)
            # git counts no lines in binary files: it prints a dash.
            found.append(
                Change(
                    path=path,
                    status=status[path],
                    additions=0 if added == "-" else int(added),
                    deletions=0 if deleted == "-" else int(deleted),
                )
            )
        return found

    def commit_files(
        self,
        branch: str,
        files: Mapping[str, bytes | None],
        *,
        parent: str | None,
        message: str,
        author: Person,
        committer: Person,
    ) -> str:
        """Write (bytes) or remove (None) files in one commit on top of `parent`; its sha."""
        with tempfile.TemporaryDirectory(prefix="index-", dir=self.path) as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            if parent is not None:
                self._git("read-tree", parent, environment=index)
            lines = [self._index_line(parent, path, content) for path, content in files.items()]
            feed = "".join(lines).encode()
            self._git("update-index", "-z", "--index-info", feed=feed, environment=index)
            tree = self._git("write-tree", environment=index).decode().strip()
        parents = () if parent is None else (parent,)
        commit = self._commit_tree(tree, parents, message, author, committer)
        self.set_ref(f"refs/heads/{branch}", commit, was=parent)
        return commit

    def merged_tree(self, base: str, head: str) -> str | None:
        """The tree of both together; None when they conflict. Needs git 2.38."""
        result = self._run("merge-tree", "--write-tree", base, head)
        if result.returncode == 1:
            return None
        if result.returncode != 0:
            raise GitError(result.stderr.decode().strip())
        return result.stdout.decode().splitlines()[0]

    def commit_merge(
        self, branch: str, tree: str, parents: Sequence[str], message: str, person: Person
    ) -> str:
        """Put a merged tree on a branch whose tip is the first parent; the new commit's sha."""
        commit = self._commit_tree(tree, parents, message, person, person)
        self.set_ref(f"refs/heads/{branch}", commit, was=parents[0])
        return commit

    def _index_line(self, parent: str | None, path: str, content: bytes | None) -> str:
        if content is None:
            return f"0 {_NOTHING}\t{path}\0"
        existing = None if parent is None else self.entry(parent, path)
        blob = self._git("hash-object", "-w", "--stdin", feed=content).decode().strip()
        return f"{existing.mode if existing else '100644'} {blob}\t{path}\0"

    def _commit_tree(
        self, tree: str, parents: Sequence[str], message: str, author: Person, committer: Person
    ) -> str:
        identity = {
            "GIT_AUTHOR_NAME": author.name,
            "GIT_AUTHOR_EMAIL": author.email,
            "GIT_AUTHOR_DATE": author.date,
            "GIT_COMMITTER_NAME": committer.name,
            "GIT_COMMITTER_EMAIL": committer.email,
            "GIT_COMMITTER_DATE": committer.date,
        }
        flags = [flag for parent in parents for flag in ("-p", parent)]
        arguments = ("commit-tree", tree, *flags, "-F", "-")
        return self._git(*arguments, feed=message.encode(), environment=identity).decode().strip()

    def _tree(self, commit: str, pathspec: str) -> list[Entry]:
        listed = self._git("ls-tree", "-l", "-z", "--full-tree", commit, "--", pathspec or ".")
        entries: list[Entry] = []
        for line in listed.decode().split("\0")[:-1]:
            about, path = line.split("\t", 1)
            mode, kind, sha, size = about.split()
            bytes_ = 0 if size == "-" else int(size)
            entries.append(Entry(path=path, mode=mode, kind=kind, sha=sha, size=bytes_))
        return entries

    def _git(
        self,
        *arguments: str,
        feed: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        result = self._run(*arguments, feed=feed, environment=environment)
        if result.returncode != 0:
            raise GitError(result.stderr.decode().strip() or f"git {arguments[0]} failed")
        return result.stdout

    def _run(
        self,
        *arguments: str,
        feed: bytes | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        # Neither the caller's git configuration nor its surroundings may change what happens.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        surroundings = {
            **inherited,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": str(self.path),
            "LC_ALL": "C.UTF-8",
            **(environment or {}),
        }
        return subprocess.run(
            ["git", *arguments],
            input=feed if feed is not None else b"",
            capture_output=True,
            cwd=self.path,
            env=surroundings,
            check=False,
        )


def _commit(fields: Sequence[str]) -> Commit:
    sha, tree, parents, *people, message = fields
    return Commit(
        sha=sha.strip(),
        tree=tree,
        parents=tuple(parents.split()),
        author=Person(name=people[0], email=people[1], date=people[2]),
        committer=Person(name=people[3], email=people[4], date=people[5]),
        message=message.rstrip("\n"),
    )
