"""What storage costs, from one dated data file."""

from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from neonhub_backup.domain.storage import GcsStorageClass, S3StorageClass


class _Prices(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClassPrice(_Prices):
    """One storage class."""

    storage: float
    """Per GB and month."""
    read: float
    """Per GB read."""
    requests: float
    """Per 1000 uploads, or transitions into it."""


class S3Prices(_Prices):
    """Amazon S3, in one region."""

    classes: Mapping[S3StorageClass, ClassPrice]
    copied: float
    """Per GB copied to another region within 15 minutes."""
    key: float
    """One KMS key for a month."""


class GcsPrices(_Prices):
    """Google Cloud Storage, in a pair of regions."""

    classes: Mapping[GcsStorageClass, ClassPrice]
    copied: float
    """Per GB that turbo replication copies."""
    key: float
    """One KMS key for a month."""


class PriceList(_Prices):
    """All that a forecast needs."""

    as_of: date
    currency: str
    sources: tuple[str, ...]
    s3: S3Prices
    gcs: GcsPrices


def _read() -> PriceList:
    text = files("neonhub_backup.domain").joinpath("prices.yaml").read_text(encoding="utf-8")
    content: Any = yaml.safe_load(text)
    return PriceList.model_validate(content)


PRICES = _read()
