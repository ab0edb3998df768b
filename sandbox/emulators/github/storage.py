"""Where accounts and repositories live on disk, and how a change to them becomes durable.

    DIR/accounts.json
    DIR/repositories/OWNER/NAME/state.json      all but the files, with the secrets: mode 0600
    DIR/repositories/OWNER/NAME/repository.git  the files: a bare repository

A file is replaced in one step, so a kill at any moment leaves the old or the new one. A repository
exists once its `state.json` does. Only one emulator may use a directory at a time; reading beside
it is always safe.
"""

import base64
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TextIO, TypeVar

from pydantic import BaseModel

from sandbox.emulators.github import clock, git, vaults
from sandbox.emulators.github.errors import not_found
from sandbox.emulators.github.models import (
    Account,
    Registry,
    RepositoryState,
    Settings,
    Team,
    Vault,
)

_State = TypeVar("_State", bound=BaseModel)

VIEWER = "sandbox"
"""The login of the account that the emulator's token belongs to."""


class DirectoryInUseError(Exception):
    """Another emulator holds the directory."""


@dataclass
class Repository:
    """A repository's place and its state; changing the state is durable only through the store."""

    directory: Path
    state: RepositoryState

    @property
    def owner(self) -> str:
        return self.directory.parent.name

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def git(self) -> git.Repository:
        return git.Repository(self.directory / "repository.git")


class Store:
    """All of the emulator's data. Hold `lock` from the first read to the last write of a change."""

    def __init__(self, directory: Path) -> None:
        self.lock = RLock()
        self._directory = directory
        self._repositories.mkdir(parents=True, exist_ok=True)
        self._claim = _claim(directory / "lock")
        self._clear_leftovers()
        if not self._registry_file.exists():
            _replace(self._registry_file, Registry())
        if self.find_account(VIEWER) is None:
            self.add_account(VIEWER, "User")

    def close(self) -> None:
        """Let another emulator have the directory."""
        self._claim.close()

    @property
    def viewer(self) -> Account:
        """Whose token every request carries."""
        return self.account(VIEWER)

    def next_id(self) -> int:
        """A number never given before; durable before it is used."""
        with self.lock:
            registry = _load(self._registry_file, Registry)
            found = registry.next_id
            registry.next_id += 1
            _replace(self._registry_file, registry)
            return found

    def _given_id(self, name: str, number: int | None) -> int:
        """A chosen id, which must be below all that `next_id` gives; without one a new id."""
        if number is None:
            return self.next_id()
        if not 0 < number < Registry().next_id:
            raise ValueError(
                f"{name} cannot have the id {number}: choose one from 1 to {Registry().next_id - 1}"
            )
        return number

    def find_account(self, login: str) -> Account | None:
        """By name; letter case does not matter."""
        accounts = _load(self._registry_file, Registry).accounts
        return next((a for a in accounts if a.login.lower() == login.lower()), None)

    def account(self, login: str) -> Account:
        """As `find_account`, but 404 when there is none."""
        found = self.find_account(login)
        if found is None:
            raise not_found()
        return found

    def account_by_id(self, number: int) -> Account | None:
        accounts = _load(self._registry_file, Registry).accounts
        return next((a for a in accounts if a.id == number), None)

    def add_account(self, login: str, kind: str, number: int | None = None) -> Account:
        """A new user or organisation, or the one there already is under that name.

        Raises ValueError when it cannot have the id `number`.
        """
        with self.lock:
            existing = self.find_account(login)
            if existing is not None:
                _require_number(login, existing.id, number)
                return existing
            if number is not None and self.account_by_id(number) is not None:
                raise ValueError(f"{login} cannot have the id {number}: another account has it")
            account = Account.model_validate(
                {
                    "id": self._given_id(login, number),
                    "login": login,
                    "type": kind,
                    "created_at": clock.now(),
                }
            )
            registry = _load(self._registry_file, Registry)
            registry.accounts.append(account)
            _replace(self._registry_file, registry)
            return account

    def find_team(self, organization: str, slug: str) -> Team | None:
        """By name; letter case does not matter."""
        wanted = (organization.lower(), slug.lower())
        teams = _load(self._registry_file, Registry).teams
        return next((t for t in teams if (t.organization.lower(), t.slug.lower()) == wanted), None)

    def team_by_id(self, number: int) -> Team | None:
        teams = _load(self._registry_file, Registry).teams
        return next((t for t in teams if t.id == number), None)

    def add_team(self, full_name: str) -> Team:
        """A new team, or the one there already is; it may read all that its organisation has now.

        Raises ValueError when `full_name` is not of the form organisation/slug.
        """
        owner, _, slug = full_name.partition("/")
        if not (is_valid_name(owner) and is_valid_name(slug)):
            raise ValueError(f"{full_name!r} names no team: write it as organisation/slug.")
        with self.lock:
            team = self.find_team(owner, slug)
            if team is None:
                account = self.add_account(owner, "Organization")
                team = Team(id=self.next_id(), organization=account.login, slug=slug)
                registry = _load(self._registry_file, Registry)
                registry.teams.append(team)
                _replace(self._registry_file, registry)
            for repository in self.repositories():
                if repository.owner == team.organization:
                    with self.changing(repository) as state:
                        state.teams = sorted({*state.teams, team.id})
            return team

    def repositories(self) -> Iterator[Repository]:
        """All of them, oldest first."""
        found = [_open(state.parent) for state in self._repositories.glob("*/*/state.json")]
        yield from sorted(found, key=lambda repository: repository.state.id)

    def find_repository(self, owner: str, name: str) -> Repository | None:
        """By name; letter case does not matter."""
        for state in self._repositories.glob("*/*/state.json"):
            directory = state.parent
            if (directory.parent.name.lower(), directory.name.lower()) == (
                owner.lower(),
                name.lower(),
            ):
                return _open(directory)
        return None

    def repository(self, owner: str, name: str) -> Repository:
        """As `find_repository`, but 404 when there is none."""
        found = self.find_repository(owner, name)
        if found is None:
            raise not_found()
        return found

    def repository_by_id(self, number: int) -> Repository:
        """404 when there is none."""
        found = next((r for r in self.repositories() if r.state.id == number), None)
        if found is None:
            raise not_found()
        return found

    @contextmanager
    def changing(self, repository: Repository) -> Generator[RepositoryState]:
        """Keep what the block does to the state, unless it raises."""
        before = repository.state.model_dump_json()
        yield repository.state
        if repository.state.model_dump_json() != before:
            self.save(repository)

    def save(self, repository: Repository) -> None:
        _replace(repository.directory / "state.json", repository.state)

    def create_repository(
        self,
        owner: Account,
        name: str,
        settings: Settings,
        *,
        initialise: bool,
        number: int | None = None,
    ) -> Repository:
        """A new one; with `initialise` it starts with a commit that adds a README.

        Raises ValueError when it cannot have the id `number`.
        """
        if number is not None and any(each.state.id == number for each in self.repositories()):
            raise ValueError(f"{name} cannot have the id {number}: another repository has it")
        directory = self._repositories / owner.login / name
        moment = clock.now()
        state = RepositoryState(
            id=self._given_id(name, number),
            settings=settings,
            created_at=moment,
            updated_at=moment,
        )
        shutil.rmtree(directory, ignore_errors=True)
        bare = git.Repository.create(directory / "repository.git", settings.default_branch)
        if initialise:
            viewer = self.viewer
            person = git.Person(name=viewer.login, email=viewer.email, date=moment)
            bare.commit_files(
                settings.default_branch,
                {"README.md": f"# {name}\n".encode()},
                parent=None,
                message="Initial commit",
                author=person,
                committer=person,
            )
        repository = Repository(directory, state)
        self.save(repository)
        return repository

    def rename_repository(self, repository: Repository, name: str) -> None:
        """Move it; its id stays."""
        target = repository.directory.with_name(name)
        repository.directory.rename(target)
        repository.directory = target

    def delete_repository(self, repository: Repository) -> None:
        (repository.directory / "state.json").unlink()
        shutil.rmtree(repository.directory)

    def seed(self, full_name: str) -> None:
        """Make sure of an organisation and of an initialised repository in it.

        Each may be followed by the id that it is to have: `owner@1/name@2`.

        Raises ValueError when `full_name` is not of that form, or an id cannot be had.
        """
        asked, _, asked_name = full_name.partition("/")
        (owner, owner_id), (name, number) = _numbered(asked), _numbered(asked_name)
        if not (is_valid_name(owner) and is_valid_name(name)):
            raise ValueError(f"{full_name!r} names no repository: write it as owner/name.")
        account = self.add_account(owner, "Organization", owner_id)
        found = self.find_repository(owner, name)
        if found is None:
            self.create_repository(account, name, Settings(), initialise=True, number=number)
        else:
            _require_number(full_name, found.state.id, number)

    @property
    def _repositories(self) -> Path:
        return self._directory / "repositories"

    @property
    def _registry_file(self) -> Path:
        return self._directory / "accounts.json"

    def _clear_leftovers(self) -> None:
        for pattern in (".new-*", "repositories/*/*/.new-*"):
            for leftover in self._directory.glob(pattern):
                leftover.unlink()
        for directory in self._repositories.glob("*/*"):
            if (directory / "state.json").exists():
                _open(directory).git.clear_leftovers()
            else:
                shutil.rmtree(directory)


def is_valid_name(name: str) -> bool:
    """Whether GitHub would take it for a repository."""
    return re.fullmatch(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}", name) is not None


def _numbered(text: str) -> tuple[str, int | None]:
    """`name@2` is a name and its id; without a number there is none."""
    name, at, number = text.rpartition("@")
    return (name, int(number)) if at and number.isdigit() else (text, None)


def _require_number(name: str, actual: int, wanted: int | None) -> None:
    if wanted not in (None, actual):
        raise ValueError(f"{name} cannot have the id {wanted}: it is there already, as {actual}")


def git_path(data_dir: Path, repository: str) -> Path:
    """The bare repository of `owner/name`, for reading with git itself."""
    return data_dir / "repositories" / repository / "repository.git"


def reveal_secrets(
    data_dir: Path, repository: str, environment: str | None = None
) -> dict[str, str]:
    """The secrets of `owner/name` or of one of its environments, opened; for tests and runners.

    Raises KeyError when there is no such environment. Safe beside a running emulator.
    """
    state = read_state(data_dir, repository)
    vault: Vault = state.vault if environment is None else state.environments[environment].vault
    return {name: vaults.opened(vault, secret.sealed) for name, secret in vault.secrets.items()}


def read_state(data_dir: Path, repository: str) -> RepositoryState:
    """All but the files of `owner/name`. Safe beside a running emulator."""
    return _load(data_dir / "repositories" / repository / "state.json", RepositoryState)


def owner_id(data_dir: Path, repository: str) -> int:
    """The number of the owner of `owner/name`. Safe beside a running emulator."""
    owner = repository.partition("/")[0]
    accounts = _load(data_dir / "accounts.json", Registry).accounts
    return next(account.id for account in accounts if account.login == owner)


def node_id(kind: str, number: int) -> str:
    """A global id in the form that GitHub's REST API long used."""
    return base64.b64encode(f"{len(kind):03}:{kind}{number}".encode()).decode()


def _open(directory: Path) -> Repository:
    return Repository(directory, _load(directory / "state.json", RepositoryState))


def _load(path: Path, kind: type[_State]) -> _State:
    return kind.model_validate_json(path.read_bytes())


def _replace(path: Path, document: BaseModel) -> None:
    # mkstemp makes the file for its owner alone (0600), before anything is in it.
    descriptor, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(document.model_dump_json(indent=2))
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _claim(path: Path) -> TextIO:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise DirectoryInUseError(
            f"{path.parent} belongs to an emulator that is running: stop it, or use another --data."
        ) from error
    return file
