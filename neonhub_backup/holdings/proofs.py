"""Which backups of a store are proven: the results of drills, kept beside the backups.

The newest result counts: a backup that was proven once and failed since is not proven.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from neonhub_backup.domain.layout import DRILLS, drill_key, parse_drill_key
from neonhub_backup.domain.proof import Proof, dump_proof, load_proof
from neonhub_backup.errors import IntegrityError, StoreError
from neonhub_backup.stores.base import Store, read_whole, write_whole

log = logging.getLogger(__name__)

READERS = 8
"""Results that are read side by side: each is small, and far away."""


@dataclass(frozen=True)
class Proofs:
    """The results of drills in one store."""

    store: Store

    def of(self, name: str) -> list[Proof]:
        """Every drill of one backup, newest first. Damaged results are left out with a warning.

        Raises:
            StoreError: the store cannot be read.
        """
        return self.by_backup([name])[name]

    def proven(self, names: Iterable[str]) -> set[str]:
        """Those of the backups whose newest drill proved them. Lists the store once."""
        found = self.by_backup(names)
        return {name for name, proofs in found.items() if proofs and proofs[0].proven}

    def by_backup(self, names: Iterable[str]) -> dict[str, list[Proof]]:
        """Every drill of each of the backups, newest first. Lists the store once."""
        return self._read(names, self.keys())

    def newest(self, number: int) -> dict[str, list[Proof]]:
        """Every drill of so many backups, the newest that have any. Lists the store once.

        Raises:
            StoreError: the store cannot be read.
        """
        listed = self.keys()
        # Names begin with the time.
        return self._read(sorted(listed, reverse=True)[:number], listed)

    def _read(
        self, names: Iterable[str], listed: Mapping[str, Sequence[str]]
    ) -> dict[str, list[Proof]]:
        found: dict[str, list[Proof]] = {name: [] for name in names}
        keys = [(name, key) for name in found for key in listed.get(name, ())]
        with ThreadPoolExecutor(READERS, "proofs") as pool:
            read = pool.map(self._trusted, keys)
            for (name, _), proof in zip(keys, read, strict=True):
                if proof is not None:
                    found[name].append(proof)
        for proofs in found.values():
            proofs.sort(key=lambda proof: proof.finished, reverse=True)
        return found

    def keys(self) -> dict[str, list[str]]:
        """The keys of all results, by the name of their backup. Reads none of them."""
        found: dict[str, list[str]] = defaultdict(list)
        for listed in self.store.list(DRILLS):
            name = parse_drill_key(listed.key)
            if name is not None:
                found[name].append(listed.key)
        return dict(found)

    def add(self, proof: Proof) -> str:
        """Store a result beside those that are there; its key.

        It has no lock of its own: whoever drills may set none, and the bucket's default holds.

        Raises:
            StoreError: the store refused it.
        """
        first = drill_key(proof.backup)
        if first not in self._keys_of(proof.backup):
            try:
                self._write(first, proof)
            except StoreError:
                # Another drill of the same backup may have been quicker.
                if first not in self._keys_of(proof.backup):
                    raise
            else:
                return first
        later = drill_key(proof.backup, proof.finished)
        self._write(later, proof)
        return later

    def _keys_of(self, name: str) -> Sequence[str]:
        return [listed.key for listed in self.store.list(f"{DRILLS}{name}.")]

    def _write(self, key: str, proof: Proof) -> None:
        write_whole(self.store, key, dump_proof(proof))

    def _trusted(self, listed: tuple[str, str]) -> Proof | None:
        name, key = listed
        address = f"{self.store.address}/{key}"
        stored = read_whole(self.store, key)
        try:
            proof = load_proof(stored, address)
        except IntegrityError as error:
            log.warning("%s", error)
            return None
        if proof.backup != name:
            log.warning(
                "%s is the result of a drill of %s, so it says nothing about %s",
                *(address, proof.backup, name),
            )
            return None
        return proof
