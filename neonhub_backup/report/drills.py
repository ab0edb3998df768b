"""How long drills took, beside what is promised."""

from typing import Any

from neonhub_backup.domain.proof import Proof
from neonhub_backup.report.gathering import Past


def describe_drills(past: Past, target_seconds: float) -> list[dict[str, Any]]:
    """Every drill of one database, newest first."""
    return [_describe(proof, target_seconds) for proof in past.proofs]


def _describe(proof: Proof, target_seconds: float) -> dict[str, Any]:
    recovery = proof.seconds.recovery
    return {
        "database": proof.database,
        "store": proof.store,
        "backup": proof.backup,
        "tier": proof.tier.value,
        "finished": proof.finished.isoformat(),
        "proven": proof.proven,
        "recovery_seconds": _rounded(recovery),
        "data_seconds": _rounded(proof.seconds.data),
        "search_seconds": _rounded(proof.seconds.search),
        "total_seconds": _rounded(proof.seconds.total),
        "target_seconds": target_seconds,
        "within_target": None if recovery is None else recovery <= target_seconds,
        "differences": len(proof.differences),
        "defects": len(proof.defects),
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
