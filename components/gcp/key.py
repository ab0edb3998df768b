"""A Cloud KMS key for the objects of buckets in one location."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import kms, storage

from components.gcp.lifecycle import SECONDS_A_DAY


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """What a key needs to know."""

    key: str
    """Its name in the console and in logs."""
    location: str
    """Where Cloud KMS keeps it: what `DualRegion.kms_location` says for its buckets."""
    protect: bool = True
    """Refuses destruction and survives its stack: without the key its buckets are unreadable."""


class EncryptionKey(pulumi.ComponentResource):
    """A key that rotates every 90 days and works through Cloud Storage alone.

    Cloud Storage encrypts and decrypts in its own name, that of the project's service agent. So
    no identity is granted the key: what it may read, it reads decrypted, and nothing else.
    """

    id: pulumi.Output[str]
    """The key to give to a bucket, once Cloud Storage may use it: buckets are refused before."""
    letters: pulumi.Output[str]
    """Some that no other key has, and that stay: for names that must be new when it is."""

    def __init__(
        self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:EncryptionKey", name, {}, opts)
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect
        )

        # Rings can never be deleted: a fixed name could not be used again by a stack that comes
        # back, so the engine adds some letters of its own.
        ring = kms.KeyRing(f"{name}-ring", location=args.location, opts=child)
        key = kms.CryptoKey(
            f"{name}-key",
            name=args.key,
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=f"{90 * SECONDS_A_DAY}s",
            # A deletion is loss of all backups, and this the time to notice.
            destroy_scheduled_duration=f"{30 * SECONDS_A_DAY}s",
            opts=child,
        )
        agent = storage.get_project_service_account_output(
            opts=pulumi.InvokeOutputOptions(parent=self)
        )
        use = kms.CryptoKeyIAMMember(
            f"{name}-use",
            crypto_key_id=key.id,
            role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
            member=agent.member,
            opts=child,
        )

        self.id = pulumi.Output.all(key.id, use.id).apply(lambda both: both[0])
        self.letters = ring.name.apply(lambda ring_name: ring_name.rpartition("-")[2])
        self.register_outputs({"id": self.id, "letters": self.letters})
